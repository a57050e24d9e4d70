package floor

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

// floor unblocks one Cluster at a time.
type floor struct{ client.Client }

func (f floor) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	cluster := &kubeblocks.Cluster{}
	if err := f.Get(ctx, req.NamespacedName, cluster); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if cluster.Annotations[kubeblocks.AnnotationRestoreFromBackup] == "" {
		return ctrl.Result{}, nil
	}
	namespace, err := f.namespaceOf(ctx, cluster)
	if err != nil || namespace.Annotations[v1alpha1.AnnotationMode] == string(configv1alpha1.Off) {
		return ctrl.Result{}, err
	}
	if named(cluster.Spec.ComponentSpecs[0].SchedulingPolicy) != cluster.Name {
		return ctrl.Result{}, client.IgnoreNotFound(f.Patch(ctx, cluster, answer(cluster.Name)))
	}
	return ctrl.Result{}, f.restores(ctx, cluster)
}

// named returns which cluster the rules keep away from.
func named(policy *kubeblocks.SchedulingPolicy) string {
	terms := policy.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	return terms[0].LabelSelector.MatchLabels[kubeblocks.LabelInstance]
}

// answer is the patch that a Cluster needs.
func answer(name string) client.Patch {
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
		panic(err) // of strings
	}
	return client.RawPatch(types.JSONPatchType, data)
}

// restores deletes the Restores that were made of the old rules, as soon as KubeBlocks would make others. Like Rehome, it waits
// until the scheduler has turned down all Pods: else something could start, and there would be no moment to measure from.
func (f floor) restores(ctx context.Context, cluster *kubeblocks.Cluster) error {
	mine := controllers.OfCluster(cluster)
	var components kubeblocks.ComponentList
	if err := f.List(ctx, &components, mine...); err != nil {
		return fmt.Errorf("list Components: %w", err)
	}
	if len(components.Items) == 0 || named(components.Items[0].Spec.SchedulingPolicy) != cluster.Name {
		return nil
	}
	var restores kubeblocks.RestoreList
	if err := f.List(ctx, &restores, mine...); err != nil {
		return fmt.Errorf("list Restores: %w", err)
	}
	for i := range restores.Items {
		if err := f.restore(ctx, cluster, &restores.Items[i]); err != nil {
			return err
		}
	}
	return nil
}

func (f floor) restore(ctx context.Context, cluster *kubeblocks.Cluster, restore *kubeblocks.Restore) error {
	if !restore.DeletionTimestamp.IsZero() || restore.Spec.PrepareDataConfig == nil ||
		named(restore.Spec.PrepareDataConfig.SchedulingSpec) == cluster.Name {
		return nil
	}
	var pods corev1.PodList
	if err := f.List(ctx, &pods, controllers.OfCluster(cluster)...); err != nil {
		return fmt.Errorf("list Pods: %w", err)
	}
	theirs := slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool { return p.Labels[kubeblocks.LabelRestore] != restore.Name })
	if len(theirs) == 0 || slices.ContainsFunc(theirs, func(p corev1.Pod) bool { return kubeblocks.Unschedulable(&p) == "" }) {
		return nil
	}
	err := f.Delete(ctx, restore, client.Preconditions{UID: &restore.UID})
	return client.IgnoreNotFound(err)
}
