package baseline

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/controllers"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

type reconciler struct{ client.Client }

func (r reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	cluster := &kubeblocks.Cluster{}
	if err := r.Get(ctx, req.NamespacedName, cluster); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if cluster.Annotations[kubeblocks.AnnotationRestoreFromBackup] == "" {
		return ctrl.Result{}, nil
	}
	namespace, err := r.namespaceOf(ctx, cluster)
	if err != nil || namespace.Annotations[v1alpha1.AnnotationMode] == string(configv1alpha1.Disabled) {
		return ctrl.Result{}, err
	}
	if clusterIn(cluster.Spec.ComponentSpecs[0].SchedulingPolicy) != cluster.Name {
		return ctrl.Result{}, client.IgnoreNotFound(r.Patch(ctx, cluster, rulesPatch(cluster.Name)))
	}
	return ctrl.Result{}, r.deleteStaleRestores(ctx, cluster)
}

// clusterIn returns the cluster that a policy's rules name.
func clusterIn(policy *kubeblocks.SchedulingPolicy) string {
	terms := policy.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	return terms[0].LabelSelector.MatchLabels[kubeblocks.LabelInstance]
}

// rulesPatch replaces the source's name in a Cluster's rules.
func rulesPatch(name string) client.Patch {
	const policy, label = "/spec/componentSpecs/0/schedulingPolicy/", "/labelSelector/matchLabels/app.kubernetes.io~1instance"
	const antiAffinity = policy + "affinity/podAntiAffinity/"
	type operation struct {
		Operation string `json:"op"`
		Path      string `json:"path"`
		Value     string `json:"value"`
	}
	data, err := json.Marshal([]operation{
		{"replace", antiAffinity + "requiredDuringSchedulingIgnoredDuringExecution/0" + label, name},
		{"replace", antiAffinity + "preferredDuringSchedulingIgnoredDuringExecution/0/podAffinityTerm" + label, name},
		{"replace", policy + "topologySpreadConstraints/0" + label, name},
	})
	if err != nil {
		panic(err) // Strings always marshal.
	}
	return client.RawPatch(types.JSONPatchType, data)
}

// deleteStaleRestores deletes Restores with the source's rules, once KubeBlocks would re-create them with the Component's new rules.
func (r reconciler) deleteStaleRestores(ctx context.Context, cluster *kubeblocks.Cluster) error {
	owned := controllers.OfCluster(cluster)
	var components kubeblocks.ComponentList
	if err := r.List(ctx, &components, owned...); err != nil {
		return fmt.Errorf("list Components: %w", err)
	}
	if len(components.Items) == 0 || clusterIn(components.Items[0].Spec.SchedulingPolicy) != cluster.Name {
		return nil
	}
	var restores kubeblocks.RestoreList
	if err := r.List(ctx, &restores, owned...); err != nil {
		return fmt.Errorf("list Restores: %w", err)
	}
	for i := range restores.Items {
		if err := r.deleteIfStale(ctx, cluster, &restores.Items[i]); err != nil {
			return err
		}
	}
	return nil
}

// deleteIfStale, like Rehome, waits until all Pods of a Restore are unschedulable. Otherwise a Pod could be starting.
func (r reconciler) deleteIfStale(ctx context.Context, cluster *kubeblocks.Cluster, restore *kubeblocks.Restore) error {
	if !restore.DeletionTimestamp.IsZero() || restore.Spec.PrepareDataConfig == nil ||
		clusterIn(restore.Spec.PrepareDataConfig.SchedulingSpec) == cluster.Name {
		return nil
	}
	var pods corev1.PodList
	if err := r.List(ctx, &pods, controllers.OfCluster(cluster)...); err != nil {
		return fmt.Errorf("list Pods: %w", err)
	}
	own := slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool { return p.Labels[kubeblocks.LabelRestore] != restore.Name })
	if len(own) == 0 || slices.ContainsFunc(own, func(p corev1.Pod) bool { return kubeblocks.Unschedulable(&p) == "" }) {
		return nil
	}
	err := r.Delete(ctx, restore, client.Preconditions{UID: &restore.UID})
	return client.IgnoreNotFound(err)
}
