package controllers

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// databasePod is a Pod that an InstanceSet of the Cluster's Components controls.
type databasePod struct {
	*corev1.Pod
	set   *kubeblocks.InstanceSet
	owner *kubeblocks.Component
}

// scope returns the part of the database that the Pod is of.
func (p databasePod) scope() remedy.Scope {
	return remedy.Scope{
		Component: kubeblocks.ShortName(p.owner.Labels),
		Template:  kubeblocks.TemplateOf(p.Name, p.Labels, p.set.Name),
	}
}

// observeDatabase fills in which database Pods are bound or can be at any moment, where edits of the Cluster depend on it, and where
// they are, for Restores that finished under stale rules.
func (r *ClusterReconciler) observeDatabase(ctx context.Context, s *scope) error {
	finishedStale := func(restore restoreScope) bool { return restore.observed.Finished && len(restore.observed.Stale) > 0 }
	if len(s.observation.Live.Edits) == 0 && !slices.ContainsFunc(s.restores, finishedStale) {
		return nil
	}
	pods, err := r.liveDatabase(ctx, s)
	if err != nil {
		return err
	}
	s.observation.Bound, s.observation.Undecided = s.scopesOf(pods)
	for i := range s.restores {
		if !finishedStale(s.restores[i]) {
			continue
		}
		if err := r.observeFinished(ctx, s, &s.restores[i].observed, pods); err != nil {
			return err
		}
	}
	return nil
}

// liveDatabase returns the database Pods among the Pods that were listed live.
func (r *ClusterReconciler) liveDatabase(ctx context.Context, s *scope) ([]databasePod, error) {
	live, err := r.livePods(ctx, s)
	if err != nil {
		return nil, err
	}
	return r.databasePods(ctx, s, live)
}

// observeFinished fills in where the database Pods of a finished Restore are or, before they have nodes, its volumes.
func (r *ClusterReconciler) observeFinished(ctx context.Context, s *scope, o *remedy.Restore, pods []databasePod) error {
	for _, pod := range pods {
		if pod.Spec.NodeName != "" && kubeblocks.ShortName(pod.owner.Labels) == o.Component {
			o.Pods = append(o.Pods, podOf(pod.Pod))
		}
	}
	if len(o.Pods) > 0 {
		return nil
	}
	return r.observeClaims(ctx, s, o)
}

// databasePods returns those of the Pods that are the database and have not ended. Labels do not show it: other Pods can have
// them. InstanceSets are listed live once in a reconcile, and only if there are such Pods.
func (r *ClusterReconciler) databasePods(ctx context.Context, s *scope, pods []corev1.Pod) ([]databasePod, error) {
	var found []databasePod
	for i := range pods {
		pod := &pods[i]
		if !kubeblocks.OfWorkload(pod) || kubeblocks.HasEnded(pod) {
			continue
		}
		sets, err := r.instanceSets(ctx, s)
		if err != nil {
			return nil, err
		}
		set := kubeblocks.InstanceSetOf(pod, sets)
		if set == nil {
			continue
		}
		if owner := kubeblocks.ComponentOf(set, s.components); owner != nil {
			found = append(found, databasePod{pod, set, owner})
		}
	}
	return found, nil
}

// instanceSets returns the InstanceSets of the cluster. The read is live, because a Pod of one that the cache does not know yet
// would count as none of the database.
func (r *ClusterReconciler) instanceSets(ctx context.Context, s *scope) ([]kubeblocks.InstanceSet, error) {
	if s.sets == nil {
		var sets kubeblocks.InstanceSetList
		if err := r.listLive(ctx, s.cluster, &sets); err != nil {
			return nil, fmt.Errorf("list InstanceSets of the cluster: %w", err)
		}
		s.sets = &sets.Items
	}
	return *s.sets, nil
}

// podsOfSets returns how many Pods each InstanceSet has, by its UID. They are counted once in a reconcile.
func (r *ClusterReconciler) podsOfSets(ctx context.Context, s *scope) (map[types.UID]int, error) {
	if s.podsOfSets != nil {
		return s.podsOfSets, nil
	}
	live, err := r.livePods(ctx, s)
	if err != nil {
		return nil, err
	}
	sets, err := r.instanceSets(ctx, s)
	if err != nil {
		return nil, err
	}
	s.podsOfSets = map[types.UID]int{}
	for i := range live {
		if set := kubeblocks.InstanceSetOf(&live[i], sets); set != nil {
			s.podsOfSets[set.UID]++
		}
	}
	return s.podsOfSets, nil
}

// scopesOf says which rules of the Cluster govern database Pods that are bound, or that can be bound at any moment.
func (s *scope) scopesOf(pods []databasePod) (bound, undecided []remedy.Scope) {
	for _, pod := range pods {
		switch {
		case kubeblocks.WasBound(pod.Pod):
			bound = append(bound, pod.scope())
		case kubeblocks.UndecidedPod(pod.Pod) != "":
			undecided = append(undecided, pod.scope())
		}
	}
	return bound, undecided
}

// mayRewrite returns errStarted, wrapped, where a rewrite would roll a database Pod that was bound, or can have been, since the
// observation, or where database Pods are on other nodes since then: the decision depends on these, too. Binding a Pod does not change the
// Cluster, so no precondition of the patch protects the Pod.
func (r *ClusterReconciler) mayRewrite(ctx context.Context, s *scope, a remedy.PatchCluster) error {
	if err := r.placementHolds(ctx, s); err != nil {
		return err
	}
	if s.observation.AllowRollingUpdate {
		return nil
	}
	live, err := r.listPods(ctx, s.cluster)
	if err != nil {
		return err
	}
	if s.world != nil && s.pods != nil && !maps.Equal(nodesOf(*s.pods), nodesOf(live)) {
		return fmt.Errorf("rewrite the Cluster's rules: another database Pod: %w", errStarted)
	}
	s.sets = nil
	pods, err := r.databasePods(ctx, s, live)
	if err != nil {
		return err
	}
	bound, undecided := s.scopesOf(pods)
	if s.observation.GovernAny(append(bound, undecided...), a.Edits) {
		return fmt.Errorf("rewrite the Cluster's rules: a database Pod: %w", errStarted)
	}
	return nil
}

// nodesOf returns where the Pods of workloads run: rewritten rules may keep others off their nodes.
func nodesOf(pods []corev1.Pod) map[types.UID]string {
	nodes := map[types.UID]string{}
	for i := range pods {
		if pod := &pods[i]; kubeblocks.OfWorkload(pod) && pod.Spec.NodeName != "" {
			nodes[pod.UID] = pod.Spec.NodeName
		}
	}
	return nodes
}

// observeInstances fills in the database Pods that are Pending under stale rules.
func (r *ClusterReconciler) observeInstances(ctx context.Context, s *scope) error {
	pods, err := r.pendingPods(ctx, s)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		if pod.Status.NominatedNodeName != "" {
			continue // it can be bound at any moment
		}
		policies := kubeblocks.PodPolicies(pod.Pod, pod.owner)
		edits := s.rewritten(policies).Edits
		if len(edits) == 0 {
			continue
		}
		if err := r.observeInstance(ctx, s, pod, stalePod{pod.Name, policies[0], edits}); err != nil {
			return err
		}
	}
	return nil
}

// observeInstance reads the Pod's siblings and claims live, because a delete of the Pod depends on them.
func (r *ClusterReconciler) observeInstance(ctx context.Context, s *scope, pod databasePod, stale stalePod) error {
	pods, err := r.podsOfSets(ctx, s)
	if err != nil {
		return err
	}
	instance := remedy.Instance{
		Object:        objectOf(pod.Pod),
		TemplateStale: len(s.rewritten(kubeblocks.InstanceSetPolicies(pod.set, pod.owner)).Edits) > 0,
		Kept:          kubeblocks.KeepsPending(r.Apps, pod.set, pods[pod.set.UID]),
	}
	if instance.NodeSelected, err = r.hasSelectedNode(ctx, s, pod.Pod); err != nil {
		return err
	}
	if err := r.observeController(ctx, s, pod, &instance); err != nil {
		return err
	}
	if instance.Kept != "" && instance.Controller == nil {
		// Somebody else can have rewritten the template, whatever the volumes are tied to.
		if instance.Refused, _, err = r.judge(ctx, s, stale); err != nil {
			return err
		}
	}
	if s.claimsRead > maxClaims {
		instance.NodeSelected, instance.Refused = false, fmt.Sprintf(tooMuchReason, fmt.Sprintf(claimsUnread, maxClaims))
	}
	s.observation.Instances = append(s.observation.Instances, instance)
	return nil
}
