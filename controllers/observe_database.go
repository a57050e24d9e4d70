package controllers

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// observeDatabase fills in which database Pods are bound, where edits of the Cluster depend on it, and where they are, for
// Restores that finished under stale rules.
func (r *ClusterReconciler) observeDatabase(ctx context.Context, s *scope) error {
	finishedStale := func(restore restoreScope) bool { return restore.observed.Finished && len(restore.observed.Stale) > 0 }
	if len(s.observation.Live.Edits) == 0 && !slices.ContainsFunc(s.restores, finishedStale) {
		return nil
	}
	pods, err := r.boundDatabasePods(ctx, s)
	if err != nil {
		return err
	}
	for i := range pods {
		s.observation.Bound = append(s.observation.Bound, s.scopeOf(&pods[i]))
	}
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

// observeFinished fills in where the database Pods of a finished Restore are or, before they have nodes, its volumes.
func (r *ClusterReconciler) observeFinished(ctx context.Context, s *scope, o *remedy.Restore, pods []corev1.Pod) error {
	for i := range pods {
		if kubeblocks.ShortName(pods[i].Labels) == o.Component {
			o.Pods = append(o.Pods, podOf(&pods[i]))
		}
	}
	if len(o.Pods) > 0 {
		return nil
	}
	return r.observeClaims(ctx, s, o)
}

// boundDatabasePods lists Pods live, because a rewrite would restart those that are bound.
func (r *ClusterReconciler) boundDatabasePods(ctx context.Context, s *scope) ([]corev1.Pod, error) {
	var pods corev1.PodList
	err := r.APIReader.List(ctx, &pods, client.InNamespace(s.cluster.Namespace),
		client.MatchingLabels{kubeblocks.LabelInstance: s.cluster.Name})
	if err != nil {
		return nil, fmt.Errorf("list Pods of the cluster: %w", err)
	}
	return slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool { return p.Spec.NodeName == "" || !kubeblocks.IsDatabasePod(&p) }), nil
}

// scopeOf says which rules of the Cluster govern a database Pod.
func (s *scope) scopeOf(p *corev1.Pod) remedy.Scope {
	workload := s.cluster.Name + "-" + p.Labels[kubeblocks.LabelComponentName]
	return remedy.Scope{
		Component: kubeblocks.ShortName(p.Labels),
		Template:  kubeblocks.TemplateOf(p.Name, workload),
	}
}

// observeInstances fills in the database Pods that are Pending under stale rules. A healthy cluster has none, and the cache holds
// Pending Pods.
func (r *ClusterReconciler) observeInstances(ctx context.Context, s *scope) error {
	var pods corev1.PodList
	if err := r.Client.List(ctx, &pods, OfCluster(s.cluster)...); err != nil {
		return fmt.Errorf("list Pending Pods of the cluster: %w", err)
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		owner := s.componentOf(pod)
		if owner == nil || kubeblocks.WasBound(pod) || pod.DeletionTimestamp != nil || !kubeblocks.IsDatabasePod(pod) ||
			len(s.rewritten(kubeblocks.PodPolicies(pod, owner)).Edits) == 0 {
			continue
		}
		if err := r.observeInstance(ctx, s, pod, owner); err != nil {
			return err
		}
	}
	return nil
}

// componentOf returns the Component that a Pod is labelled with, or nil.
func (s *scope) componentOf(p *corev1.Pod) *kubeblocks.Component {
	for i := range s.components {
		if s.components[i].Labels[kubeblocks.LabelComponentName] == p.Labels[kubeblocks.LabelComponentName] {
			return &s.components[i]
		}
	}
	return nil
}

// observeInstance reads the Pod's InstanceSet and siblings live, because a delete of the Pod depends on them.
func (r *ClusterReconciler) observeInstance(ctx context.Context, s *scope, pod *corev1.Pod, owner *kubeblocks.Component) error {
	controller := metav1.GetControllerOf(pod)
	if controller == nil {
		return nil
	}
	set := &kubeblocks.InstanceSet{}
	err := r.APIReader.Get(ctx, types.NamespacedName{Namespace: pod.Namespace, Name: controller.Name}, set)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("get InstanceSet %s: %w", controller.Name, err)
	}
	if err != nil || set.UID != controller.UID {
		return nil
	}
	var siblings corev1.PodList
	err = r.APIReader.List(ctx, &siblings, client.InNamespace(pod.Namespace), client.MatchingLabels{kubeblocks.LabelWorkload: set.Name})
	if err != nil {
		return fmt.Errorf("list Pods of InstanceSet %s: %w", set.Name, err)
	}
	instance := remedy.Instance{
		Object:        objectOf(pod),
		TemplateStale: len(s.rewritten(kubeblocks.InstanceSetPolicies(set, owner)).Edits) > 0,
		Kept:          kubeblocks.KeepsPending(r.Apps, set, len(siblings.Items)),
	}
	for _, name := range kubeblocks.ClaimsOf(&pod.Spec) {
		claim, err := r.claim(ctx, pod.Namespace, name)
		if err != nil {
			return err
		}
		instance.NodeSelected = instance.NodeSelected || claim != nil && kubeblocks.SelectedNode(claim) != ""
	}
	s.observation.Instances = append(s.observation.Instances, instance)
	return nil
}
