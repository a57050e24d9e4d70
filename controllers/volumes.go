package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// +kubebuilder:rbac:roleName=rehome-cluster-reader,groups="",resources=persistentvolumes,verbs=get
// +kubebuilder:rbac:roleName=rehome-cluster-reader,groups=storage.k8s.io,resources=storageclasses,verbs=get

// seeTies fills in what ties the volumes of a Restore to nodes or zones, where its Pods could otherwise be given looser rules,
// or the Cluster rules that the volumes cannot follow.
func (r *ClusterReconciler) seeTies(ctx context.Context, s *scene, seen *remedy.Restore) error {
	looser := s.observation.RestorePods == configv1alpha1.Auto && seen.HeldByOwnRules()
	if !looser && !seen.SharesNode() {
		return nil
	}
	for _, pod := range seen.Pods {
		for _, name := range pod.Claims {
			claim, err := r.claim(ctx, seen.Namespace, name)
			if err != nil {
				return err
			}
			if seen.Tied, err = r.tieOf(ctx, claim, name); err != nil || seen.Tied != "" {
				return err
			}
		}
	}
	return nil
}

// tieOf says what ties a claim's volume to nodes or zones, or that it cannot be told; empty where nothing does.
func (r *ClusterReconciler) tieOf(ctx context.Context, claim *corev1.PersistentVolumeClaim, name string) (string, error) {
	if claim == nil {
		return fmt.Sprintf("there is no claim %s", name), nil
	}
	if claim.Spec.VolumeName == "" {
		return r.tieOfClass(ctx, claim)
	}
	volume := &corev1.PersistentVolume{}
	err := r.Client.Get(ctx, types.NamespacedName{Name: claim.Spec.VolumeName}, volume)
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("get PersistentVolume %s: %w", claim.Spec.VolumeName, err)
	}
	if err != nil || volume.Spec.NodeAffinity != nil {
		return fmt.Sprintf("volume %s is tied to nodes", claim.Spec.VolumeName), nil
	}
	return "", nil
}

// tieOfClass speaks of a claim without a volume: the class decides where that will be.
func (r *ClusterReconciler) tieOfClass(ctx context.Context, claim *corev1.PersistentVolumeClaim) (string, error) {
	if claim.Spec.StorageClassName == nil {
		return fmt.Sprintf("claim %s names no class", claim.Name), nil
	}
	class := &storagev1.StorageClass{}
	err := r.Client.Get(ctx, types.NamespacedName{Name: *claim.Spec.StorageClassName}, class)
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("get StorageClass %s: %w", *claim.Spec.StorageClassName, err)
	}
	if err != nil || kubeblocks.BindsLate(class) {
		return fmt.Sprintf("class %s binds volumes where the Pod is", *claim.Spec.StorageClassName), nil
	}
	return "", nil
}

// seeClaims fills in where the volumes of a finished Restore are, as far as the scheduler chose nodes for them: by then the
// Restore's Pods are gone, and the database's may not be there yet.
func (r *ClusterReconciler) seeClaims(ctx context.Context, s *scene, seen *remedy.Restore) error {
	var claims corev1.PersistentVolumeClaimList
	err := r.Client.List(ctx, &claims, client.InNamespace(s.cluster.Namespace), client.MatchingLabels{kubeblocks.LabelInstance: s.cluster.Name})
	if err != nil {
		return fmt.Errorf("list PersistentVolumeClaims of the cluster: %w", err)
	}
	for i := range claims.Items {
		claim := &claims.Items[i]
		if node := kubeblocks.SelectedNode(claim); node != "" && kubeblocks.ShortName(claim.Labels) == seen.Component {
			seen.Pods = append(seen.Pods, remedy.Pod{Name: claim.Name, Node: node, Claims: []string{claim.Name}})
		}
	}
	return r.seeTies(ctx, s, seen)
}
