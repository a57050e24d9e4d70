package controllers

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/feasibility"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// instanceOf is an Instance that controls a Pending database Pod, with its policy.
type instanceOf struct {
	*kubeblocks.Instance
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
	policies := kubeblocks.InstancePolicies(&instances[i], pod.owner)
	instance := instanceOf{&instances[i], policies[0], s.rewritten(policies).Edits}
	o.Kept = kubeblocks.KeepsPendingPod(instance.Instance)
	o.Controller = &remedy.Controller{
		Object: objectOf(instance), Generation: instance.Generation, Stale: instance.edits, Undecided: kubeblocks.UndecidedPod(pod.Pod),
	}
	if len(instance.edits) == 0 || o.TemplateStale {
		return nil
	}
	o.Controller.Refused, err = r.refusalOf(ctx, s, instance)
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

// refusalOf returns why the volumes of the database do not admit the rewritten rules of an Instance; empty where they do. The other Pods
// count with the Cluster's rules, which are rewritten.
func (r *ClusterReconciler) refusalOf(ctx context.Context, s *scope, instance instanceOf) (string, error) {
	w, err := r.observeWorld(ctx, s)
	if err != nil || !w.bound {
		return "", err
	}
	i := slices.IndexFunc(w.pods, func(p kubeblocks.DatabasePod) bool { return p.Name == instance.Name })
	if i < 0 {
		return "", nil // it has no claim
	}
	rewritten, err := applyEdits(&instance.policy, instance.edits)
	if err != nil {
		return "", err
	}
	world := w.World
	world.Pods = slices.Clone(world.Pods)
	pod := &world.Pods[i]
	pod.Policy = instance.policy.Place
	pod.Stale, pod.Rewritten = rulesOf(&instance.policy, &w.pods[i]), rulesOf(rewritten, &w.pods[i])
	for _, rule := range feasibility.Required(pod.Policy, pod.Rewritten) {
		if label := unknownLabel(&w.pods[i], rule.Selector); label != "" {
			return fmt.Sprintf(unknownLabelReason, label), nil
		}
	}
	for _, refused := range feasibility.Decide(world) {
		if refused.Rule.Policy == pod.Policy {
			return refused.Reason, nil
		}
	}
	return "", nil
}
