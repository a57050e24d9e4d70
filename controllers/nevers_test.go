package controllers_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// nevers checks every write in a memoryAPI against what Rehome must never do. It shares no code with Rehome's decisions: a mistake
// there must not be repeated here.
type nevers struct {
	api       *memoryAPI
	namespace string
	// started are the UIDs of Pods that were bound, of their Jobs and of their Restores.
	started map[types.UID]bool
	// sinceList are those that started since Rehome last listed Pods: no precondition of a delete protects them.
	sinceList map[types.UID]bool
	// deleted counts Rehome's deletes by kind and name.
	deleted map[string]int
	// broken are the broken rules.
	broken []string
}

func newNevers(api *memoryAPI, namespace string) *nevers {
	return &nevers{api: api, namespace: namespace, started: map[types.UID]bool{}, sinceList: map[types.UID]bool{}, deleted: map[string]int{}}
}

func (n *nevers) breakf(format string, args ...any) {
	n.broken = append(n.broken, fmt.Sprintf(format, args...))
}

// check checks one write.
func (n *nevers) check(w memoryWrite) {
	if w.subResource == "binding" {
		n.noteStarted(w.after)
	}
	n.checkSchedulingSpec(w)
	if w.user != "rehome" {
		return
	}
	n.checkMode(w)
	if w.before == nil {
		if w.gvk.Kind != "Rehoming" {
			n.breakf("created a %s", w.gvk.Kind)
		}
		return
	}
	switch w.gvk.Kind {
	case "Rehoming":
	case "Restore", "Job", "Pod":
		n.checkDelete(w)
	case "Cluster":
		n.checkCluster(w)
	default:
		n.breakf("wrote %s %s", w.gvk.Kind, w.before.GetName())
	}
}

// noteStarted notes a Pod that is bound, its Job and its Restore.
func (n *nevers) noteStarted(pod *unstructured.Unstructured) {
	uids := []types.UID{pod.GetUID()}
	for _, owner := range pod.GetOwnerReferences() {
		if isJob(owner) {
			uids = append(uids, owner.UID)
		}
	}
	key := types.NamespacedName{Namespace: n.namespace, Name: pod.GetLabels()[kubeblocks.LabelRestore]}
	if restore := n.api.objects[restoreKind][key]; restore != nil {
		uids = append(uids, (&unstructured.Unstructured{Object: restore.content}).GetUID())
	}
	for _, uid := range uids {
		if !n.started[uid] {
			n.sinceList[uid] = true
		}
		n.started[uid] = true
	}
}

var restoreKind = kubeblocks.DataProtectionV1alpha1.WithKind("Restore")

// checkDelete checks a write that may have deleted something.
func (n *nevers) checkDelete(w memoryWrite) {
	if !w.deletes() {
		return
	}
	name, uid := w.gvk.Kind+" "+w.before.GetName(), w.before.GetUID()
	if n.started[uid] && !n.sinceList[uid] {
		n.breakf("deleted %s, which had started", name)
	}
	phase, _, _ := unstructured.NestedString(w.before.Object, "status", "phase")
	if w.gvk.Kind == "Restore" && (phase == "Completed" || phase == "Failed") {
		n.breakf("deleted %s, which is %s", name, phase)
	}
	if w.gvk.Kind == "Pod" && w.before.GetLabels()[kubeblocks.LabelRestore] != "" {
		n.breakf("deleted %s, which is of a Restore", name)
	}
	if n.deleted[name]++; n.deleted[name] > maxAttempts && w.gvk.Kind != "Pod" {
		n.breakf("deleted %s %d times", name, n.deleted[name])
	}
}

// deletes reports whether the write removed an object, or began to delete it.
func (w memoryWrite) deletes() bool {
	return w.after == nil || w.after.GetDeletionTimestamp() != nil && w.before.GetDeletionTimestamp() == nil
}

// maxAttempts is the default limit of attempts.
const maxAttempts = 3

// checkCluster checks a write to a Cluster.
func (n *nevers) checkCluster(w memoryWrite) {
	if w.before.GetName() != target {
		n.breakf("wrote Cluster %s", w.before.GetName())
		return
	}
	for path, before := range antiAffinity(w.before.Object["spec"], "") {
		if after := antiAffinity(w.after.Object["spec"], "")[path]; after < before {
			n.breakf("removed an anti-affinity rule at %s: %d instead of %d", path, after, before)
		}
	}
	n.checkBound(w)
	n.checkHistory(w)
}

// antiAffinity counts the terms of each list of anti-affinity rules.
func antiAffinity(value any, path string) map[string]int {
	counts := map[string]int{}
	add := func(name string, child any) {
		for path, count := range antiAffinity(child, path+"/"+name) {
			counts[path] = count
		}
	}
	switch v := value.(type) {
	case map[string]any:
		for name, child := range v {
			add(name, child)
		}
	case []any:
		if strings.Contains(path, "/podAntiAffinity/") {
			counts[path] = len(v)
			return counts
		}
		for i, child := range v {
			add(fmt.Sprint(i), child)
		}
	}
	return counts
}

// checkBound expects that rules which govern bound database Pods do not change without consent.
func (n *nevers) checkBound(w memoryWrite) {
	if slices.Contains(n.rehoming().Spec.Consents, v1alpha1.ConsentRollingUpdate) {
		return
	}
	before, after := &kubeblocks.Cluster{}, &kubeblocks.Cluster{}
	fromContent(w.before.Object, before)
	fromContent(w.after.Object, after)
	for _, pod := range n.api.objects[podKind] {
		u := &unstructured.Unstructured{Object: pod.content}
		node, _, _ := unstructured.NestedString(pod.content, "spec", "nodeName")
		if node == "" || pod.labels[kubeblocks.LabelInstance] != target || pod.labels[kubeblocks.LabelRestore] != "" || n.sinceList[u.GetUID()] {
			continue
		}
		if !equality.Semantic.DeepEqual(governing(before, u), governing(after, u)) {
			n.breakf("changed a rule that governs Pod %s on %s", u.GetName(), node)
		}
	}
}

// governing returns the policies that govern a database Pod.
func governing(cluster *kubeblocks.Cluster, pod *unstructured.Unstructured) []*kubeblocks.SchedulingPolicy {
	component := pod.GetLabels()[kubeblocks.LabelComponentName]
	policies := []*kubeblocks.SchedulingPolicy{cluster.Spec.SchedulingPolicy}
	for _, spec := range cluster.Spec.ComponentSpecs {
		if spec.Name != component {
			continue
		}
		policies = append(policies, spec.SchedulingPolicy)
		for _, template := range spec.Instances {
			if strings.HasPrefix(pod.GetName(), target+"-"+component+"-"+template.Name+"-") {
				policies = append(policies, template.SchedulingPolicy)
			}
		}
	}
	return policies
}

// checkHistory expects that no attempt is forgotten, and that there are not too many.
func (n *nevers) checkHistory(w memoryWrite) {
	before := attemptsIn(w.before)
	for target, after := range attemptsIn(w.after) {
		if after < before[target] {
			n.breakf("forgot an attempt on %s", target)
		}
		if after > maxAttempts {
			n.breakf("recorded %d attempts on %s", after, target)
		}
	}
}

func attemptsIn(cluster *unstructured.Unstructured) map[string]int {
	counts := map[string]int{}
	for _, a := range remedy.ReadHistory(cluster.GetAnnotations()[v1alpha1.AnnotationHistory], cluster.GetUID()).Attempts {
		counts[a.Kind+" "+a.Name]++
	}
	return counts
}

// checkMode expects that only mode Enforce writes foreign objects. A replacement of rules that was begun is finished in any mode.
func (n *nevers) checkMode(w memoryWrite) {
	mode := n.rehoming().Spec.Mode
	reports := w.gvk.Kind == "Rehoming" || w.gvk.Kind == "Restore" && w.subResource == "status" && mode != string(configv1alpha1.Disabled)
	if mode == "" || mode == string(configv1alpha1.Enforce) || reports {
		return
	}
	if w.before != nil && w.before.GetAnnotations()[v1alpha1.AnnotationSchedulingSpec] != "" {
		return
	}
	name := w.gvk.Kind
	if w.before != nil {
		name += " " + w.before.GetName()
	}
	n.breakf("wrote %s in mode %s", name, mode)
}

// rehoming returns the Rehoming of the target, or an empty one.
func (n *nevers) rehoming() *v1alpha1.Rehoming {
	gvk := v1alpha1.GroupVersion.WithKind("Rehoming")
	if stored := n.api.objects[gvk][types.NamespacedName{Namespace: n.namespace, Name: target}]; stored != nil {
		return n.api.typed(gvk, stored).(*v1alpha1.Rehoming)
	}
	return &v1alpha1.Rehoming{}
}

// checkSchedulingSpec expects that a Restore has no rules only while an annotation holds them.
func (n *nevers) checkSchedulingSpec(w memoryWrite) {
	if w.gvk.Kind != "Restore" || w.after == nil {
		return
	}
	if _, found, _ := unstructured.NestedMap(w.after.Object, "spec", "prepareDataConfig", "schedulingSpec"); found {
		return
	}
	var rules map[string]any
	err := json.Unmarshal([]byte(w.after.GetAnnotations()[v1alpha1.AnnotationSchedulingSpec]), &rules)
	if err != nil || len(rules) == 0 {
		n.breakf("Restore %s has no rules, and its annotation holds none", w.after.GetName())
	}
}
