package controllers_test

import (
	"encoding/json"
	"fmt"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// populator does what KubeBlocks 1.2, the scheduler and a provisioner of volumes that are tied to nodes do, as far as a restore needs it.
// It keeps to the scheduler's order: a node is selected for the claims of a Pod, the volumes are restored there, the Pod is bound.
type populator struct {
	*env
	v        *volumeRestore
	replicas int
	// nodes are the names of all nodes, taken those with a Pod of the source. room is how many Pods of the Cluster each has room for.
	nodes, taken []string
	room         int
	// instances says that Instances control the Pods, onDelete that no outdated Pod is replaced.
	instances, onDelete bool
	// assumed holds the nodes that are selected for Pods.
	assumed map[types.UID]string
}

func (p *populator) pods() []corev1.Pod {
	GinkgoHelper()
	var list corev1.PodList
	Expect(p.admin.List(p.ctx, &list, client.InNamespace(p.namespace))).To(Succeed())
	return list.Items
}

// step does all that is due, from causes to effects.
func (p *populator) step() {
	GinkgoHelper()
	p.follow()
	p.replace()
	p.createPods()
	p.restoreVolumes()
	p.schedule()
	p.report()
}

// follow copies the rules of the Cluster to its Component, and those to the InstanceSet.
func (p *populator) follow() {
	GinkgoHelper()
	specs, _, _ := unstructured.NestedSlice(p.now(p.v.cluster).Object, "spec", "componentSpecs")
	policy := specs[0].(map[string]any)["schedulingPolicy"]
	for obj, path := range map[*unstructured.Unstructured][]string{p.v.component: {"spec", "schedulingPolicy"}, p.v.set: {"spec", "template", "spec"}} {
		now := p.now(obj)
		if before, _, _ := unstructured.NestedFieldNoCopy(now.Object, path...); !equality.Semantic.DeepEqual(before, policy) {
			Expect(unstructured.SetNestedField(now.Object, policy, path...)).To(Succeed())
			Expect(p.admin.Update(p.ctx, now)).To(Succeed())
		}
	}
}

// template returns the object that a Pod is created from.
func (p *populator) template(pod string) *unstructured.Unstructured {
	GinkgoHelper()
	set := p.now(p.v.set)
	if !p.instances {
		return set
	}
	obj := rehometesting.MakeInstance(set, p.v.pod(pod).Obj())
	if p.onDelete {
		obj.Object["spec"].(map[string]any)["instanceUpdateStrategyType"] = "OnDelete"
	}
	Expect(client.IgnoreAlreadyExists(p.admin.Create(p.ctx, obj.DeepCopy()))).To(Succeed())
	return p.now(obj)
}

// replace deletes outdated Pods without a node, those for whose claims a node is selected, too.
func (p *populator) replace() {
	GinkgoHelper()
	for _, pod := range p.pods() {
		fresh := p.v.pod(pod.Name).Rules(p.template(pod.Name), "spec", "template", "spec").Obj()
		if !p.onDelete && pod.Spec.NodeName == "" && !equality.Semantic.DeepEqual(pod.Spec.Affinity, fresh.Spec.Affinity) {
			p.remove(&pod)
		}
	}
}

// createPods creates the Pods that are missing, and their claims.
func (p *populator) createPods() {
	GinkgoHelper()
	existing := p.pods()
	for i := range p.replicas {
		name := fmt.Sprintf("carrot67-mysql-%d", i)
		if slices.ContainsFunc(existing, func(p corev1.Pod) bool { return p.Name == name }) {
			continue
		}
		owner := p.template(name)
		pod := p.v.pod(name).Of(owner).Rules(owner, "spec", "template", "spec").Obj()
		p.create(pod)
		claim := p.claimOf(pod).Obj()
		Expect(client.IgnoreAlreadyExists(p.admin.Create(p.ctx, claim))).To(Succeed())
	}
}

func (p *populator) claimFor(pod *corev1.Pod) *corev1.PersistentVolumeClaim {
	GinkgoHelper()
	claim := &corev1.PersistentVolumeClaim{}
	Expect(p.admin.Get(p.ctx, client.ObjectKey{Namespace: p.namespace, Name: "data-" + pod.Name}, claim)).To(Succeed())
	return claim
}

// restoreVolumes binds each claim with a selected node to a volume on that node.
func (p *populator) restoreVolumes() {
	GinkgoHelper()
	for _, pod := range p.pods() {
		claim := p.claimFor(&pod)
		node := kubeblocks.SelectedNode(claim)
		if node == "" || claim.Spec.VolumeName != "" {
			continue
		}
		volume := localVolume(corev1.LabelHostname, node)
		Expect(p.admin.Create(p.ctx, volume)).To(Succeed())
		p.merge(claim, `{"spec":{"volumeName":"`+volume.Name+`"}}`)
		p.mergeStatus(claim, `{"status":{"phase":"Bound"}}`)
	}
}

// schedule selects a node for each Pod, or says that there is none. A Pod whose volumes are bound gets its node.
func (p *populator) schedule() {
	GinkgoHelper()
	for _, pod := range p.pods() {
		if pod.Spec.NodeName != "" {
			continue
		}
		claim := p.claimFor(&pod)
		node := p.nodeFor(&pod, kubeblocks.SelectedNode(claim))
		switch {
		case node == "":
			p.mergeStatus(&pod, `{"status":{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"`+unschedulable+`"}]}}`)
		case claim.Spec.VolumeName == "":
			p.assumed[pod.UID] = node
			p.merge(claim, `{"metadata":{"annotations":{"volume.kubernetes.io/selected-node":"`+node+`"}}}`)
		default:
			Expect(p.admin.SubResource("binding").Create(p.ctx, pod.DeepCopy(), bindingTo(node))).To(Succeed())
			p.mergeStatus(&pod, `{"status":{"phase":"Running","startTime":"2026-07-01T12:00:00Z"}}`)
		}
	}
}

// nodeFor returns a node for a Pod: the only one, where that is not empty. A Pod that was assumed keeps its node.
func (p *populator) nodeFor(pod *corev1.Pod, only string) string {
	GinkgoHelper()
	if node := p.assumed[pod.UID]; node != "" {
		return node
	}
	on := map[string][]corev1.Pod{}
	for _, other := range p.pods() {
		node := other.Spec.NodeName
		if node == "" {
			node = p.assumed[other.UID]
		}
		on[node] = append(on[node], other)
	}
	for _, node := range p.nodes {
		if (only == "" || only == node) && len(on[node]) < p.room && !p.keepsAway(pod, node, on[node]) {
			return node
		}
	}
	return ""
}

func (p *populator) keepsAway(pod *corev1.Pod, node string, others []corev1.Pod) bool {
	GinkgoHelper()
	if slices.Contains(p.taken, node) {
		others = append(slices.Clone(others), corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{kubeblocks.LabelInstance: source}}})
	}
	for _, term := range pod.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
		selector, err := metav1.LabelSelectorAsSelector(term.LabelSelector)
		Expect(err).NotTo(HaveOccurred())
		if slices.ContainsFunc(others, func(p corev1.Pod) bool { return selector.Matches(labels.Set(p.Labels)) }) {
			return true
		}
	}
	return false
}

// report sets the Cluster's condition Restore.
func (p *populator) report() {
	GinkgoHelper()
	status, reason := "True", "RestoreCompleted"
	for _, pod := range p.pods() {
		if p.claimFor(&pod).Spec.VolumeName == "" {
			status, reason = "Unknown", "RestoreRunning"
		}
	}
	condition, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": []any{map[string]any{
		"type": "Restore", "status": status, "reason": reason, "message": "", "lastTransitionTime": "2026-07-01T12:00:00Z",
	}}}})
	Expect(err).NotTo(HaveOccurred())
	p.mergeStatus(p.v.cluster, string(condition))
}

// bound counts the Pods with a node.
func (p *populator) bound() int {
	count := 0
	for _, pod := range p.pods() {
		if pod.Spec.NodeName != "" {
			count++
		}
	}
	return count
}
