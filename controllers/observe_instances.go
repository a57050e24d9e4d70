package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/feasibility"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// stalePod is a Pending database Pod: its name, the stale policy that it is created from, and the edits of that.
type stalePod struct {
	name   string
	policy rewrite.Policy
	edits  []rewrite.Edit
}

// observeController fills in the Instance that a Pending database Pod is created from. KubeBlocks does not update it then, and replaces
// the Pod itself once it is patched, unless the update strategy is OnDelete.
func (r *ClusterReconciler) observeController(ctx context.Context, s *scope, pod databasePod, o *remedy.Instance) error {
	if !r.Instances || !kubeblocks.OfInstance(pod.Pod) {
		return nil
	}
	instances, err := r.liveInstances(ctx, s)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(instances, func(i kubeblocks.Instance) bool {
		return metav1.IsControlledBy(pod.Pod, &i) && metav1.IsControlledBy(&i, pod.set)
	})
	if i < 0 {
		o.Kept = "" // it is gone, or not the Cluster's
		return nil
	}
	instance := &instances[i]
	policies := kubeblocks.InstancePolicies(instance, pod.owner)
	stale := stalePod{pod.Name, policies[0], s.rewritten(policies).Edits}
	o.Kept = kubeblocks.KeepsPendingPod(instance)
	c := &remedy.Controller{
		Object: objectOf(instance), Generation: instance.Generation, Stale: stale.edits, Undecided: kubeblocks.UndecidedPod(pod.Pod),
	}
	o.Controller = c
	if len(stale.edits) == 0 || o.TemplateStale {
		return nil
	}
	refused, undecided, err := r.judge(ctx, s, stale)
	c.Refused, c.Undecided = refused, cmp.Or(c.Undecided, undecided)
	return err
}

// liveInstances returns the Instances of the cluster, listed once in a reconcile. The read is live, because they are needed only where
// one has a Pod without a node, and a patch depends on them.
func (r *ClusterReconciler) liveInstances(ctx context.Context, s *scope) ([]kubeblocks.Instance, error) {
	if s.instances == nil {
		var list kubeblocks.InstanceList
		if err := r.listLive(ctx, s.cluster, &list); err != nil {
			return nil, fmt.Errorf("list Instances of the cluster: %w", err)
		}
		s.instances = &list.Items
	}
	return *s.instances, nil
}

// judge says why the volumes of the database do not admit the rewritten rules of a Pod, or why another Pod could lose its place to it.
// The Pod alone is replaced, and the others stay where they are: required anti-affinity is judged by their volumes, other rules by a proof.
func (r *ClusterReconciler) judge(ctx context.Context, s *scope, pod stalePod) (refused, undecided string, err error) {
	w, err := r.observeWorld(ctx, s)
	if err != nil || !w.bound {
		return "", "", err
	}
	if w.tooMuch != "" {
		return fmt.Sprintf(tooMuchReason, w.tooMuch), "", nil
	}
	i := slices.IndexFunc(w.pods, func(p kubeblocks.DatabasePod) bool { return p.Name == pod.name })
	if i < 0 {
		return "", "", nil // it has no claim
	}
	rewritten, err := applyEdits(&pod.policy, pod.edits)
	if err != nil {
		return "", "", err
	}
	stale, rules := rulesOf(&pod.policy, &w.pods[i]), rulesOf(rewritten, &w.pods[i])
	if refused := w.refusal(i, pod.policy.Place, stale, rules); refused != "" {
		return refused, "", nil
	}
	live, err := r.livePods(ctx, s)
	if err != nil {
		return "", "", err
	}
	refused, undecided = w.overtaken(i, rules, live)
	return refused, undecided, nil
}

// refusal says why a Pod with the rewritten rules could have no node; it is empty where it has one.
func (w *world) refusal(i int, policy string, stale, rules feasibility.Rules) string {
	for _, rule := range feasibility.Required(policy, rules) {
		if label := unknownLabel(&w.pods[i], rule.Selector); label != "" {
			return fmt.Sprintf(unknownLabelReason, label)
		}
	}
	occupied, known := w.occupancy.Occupied(rules, w.except(i))
	if !known {
		return fmt.Sprintf(tooMuchReason, tooMuchWork)
	}
	if !w.occupancy.Free(occupied, w.Pods[i].Volumes) {
		return fmt.Sprintf(siblingsEverywhere, describeDomains(occupied))
	}
	changed := w.World
	changed.Pods = slices.Clone(w.Pods)
	changed.Pods[i].Policy, changed.Pods[i].Stale, changed.Pods[i].Rewritten = policy, stale, rules
	for _, refused := range feasibility.DecideWithin(changed, w.budget) {
		if refused.Rule.Policy == policy && refused.Rule.Kind != feasibility.AntiAffinity {
			return refused.Reason
		}
	}
	return ""
}

func (w *world) except(i int) func(*feasibility.Pod) bool {
	return func(p *feasibility.Pod) bool { return p != &w.Pods[i] }
}

// overtaken says that the rules are about a Pod whose volume has a place and which has none itself; undecided is empty where there is none.
// The Pod with the rules could take that place first. A Pod that the scheduler has never refused, and whose volume has a place, is about
// to be bound. The rules are refused where it would cost too much to tell.
func (w *world) overtaken(i int, rules feasibility.Rules, live []corev1.Pod) (refused, undecided string) {
	for j := range w.Pods {
		other := &w.Pods[j]
		if j == i {
			continue
		}
		occupied, known := w.occupancy.Occupied(rules, func(p *feasibility.Pod) bool { return p == other })
		if !known {
			return fmt.Sprintf(tooMuchReason, tooMuchWork), ""
		}
		if len(occupied) == 0 {
			continue
		}
		k := slices.IndexFunc(live, func(p corev1.Pod) bool { return p.Name == other.Name })
		if k < 0 || !kubeblocks.WasBound(&live[k]) && kubeblocks.Unschedulable(&live[k]) != "" {
			return "", fmt.Sprintf(overtakes, other.Name)
		}
	}
	return "", ""
}
