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

// observeVolumes fills in what binds the volumes of a Restore to nodes or zones, where its Pods could otherwise get relaxed rules.
func (r *ClusterReconciler) observeVolumes(ctx context.Context, s *scope, o *remedy.Restore) error {
	if s.observation.RestorePods != configv1alpha1.Auto || !o.HeldByOwnRules() {
		return nil
	}
	read := map[string]bool{}
	for _, pod := range o.Pods {
		for _, name := range pod.Claims {
			if read[name] {
				continue
			}
			if s.claimsRead++; s.claimsRead > maxClaims {
				o.TopologyBound = fmt.Sprintf(claimsUnread, maxClaims)
				return nil
			}
			read[name] = true
			claim, err := r.claim(ctx, o.Namespace, name)
			if err != nil {
				return err
			}
			if o.TopologyBound, err = r.volumeTopology(ctx, claim, name); err != nil || o.TopologyBound != "" {
				return err
			}
		}
	}
	return nil
}

// volumeTopology says what binds a claim's volume to nodes or zones, or that nothing shows it; empty where nothing does. The reads
// are live, because a rewrite or relaxed rules depend on them.
func (r *ClusterReconciler) volumeTopology(ctx context.Context, claim *corev1.PersistentVolumeClaim, name string) (string, error) {
	if claim == nil {
		return fmt.Sprintf(noClaim, name), nil
	}
	if claim.Spec.VolumeName == "" {
		return r.classTopology(ctx, claim)
	}
	volume := &corev1.PersistentVolume{}
	err := r.APIReader.Get(ctx, types.NamespacedName{Name: claim.Spec.VolumeName}, volume)
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("get PersistentVolume %s: %w", claim.Spec.VolumeName, err)
	}
	if err != nil || volume.Spec.NodeAffinity != nil {
		return fmt.Sprintf(volumeBound, claim.Spec.VolumeName), nil
	}
	return "", nil
}

// classTopology is volumeTopology for a claim without a volume: the class decides where that will be.
func (r *ClusterReconciler) classTopology(ctx context.Context, claim *corev1.PersistentVolumeClaim) (string, error) {
	if claim.Spec.StorageClassName == nil {
		return fmt.Sprintf(noClass, claim.Name), nil
	}
	class := &storagev1.StorageClass{}
	err := r.APIReader.Get(ctx, types.NamespacedName{Name: *claim.Spec.StorageClassName}, class)
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("get StorageClass %s: %w", *claim.Spec.StorageClassName, err)
	}
	if err != nil || kubeblocks.BindsLate(class) {
		return fmt.Sprintf(classBindsLate, *claim.Spec.StorageClassName), nil
	}
	return "", nil
}

// observeClaims fills in where the volumes of a finished Restore are, as far as the scheduler selected nodes for them. The
// Restore's Pods are gone then, and the database's may not exist yet. Claims are listed live, and only then.
func (r *ClusterReconciler) observeClaims(ctx context.Context, s *scope, o *remedy.Restore) error {
	claims, err := r.liveClaims(ctx, s)
	if err != nil {
		return err
	}
	for i := range claims {
		claim := &claims[i]
		if node := kubeblocks.SelectedNode(claim); node != "" && kubeblocks.ShortName(claim.Labels) == o.Component {
			o.Pods = append(o.Pods, remedy.Pod{Name: claim.Name, Node: node, Claims: []string{claim.Name}})
		}
	}
	return nil
}

// claim reads a claim live, because it shows whether a Pod can have been bound. It returns nil where there is none.
func (r *ClusterReconciler) claim(ctx context.Context, namespace, name string) (*corev1.PersistentVolumeClaim, error) {
	claim := &corev1.PersistentVolumeClaim{}
	err := r.APIReader.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, claim)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("get PersistentVolumeClaim %s: %w", name, err)
	}
	if err != nil {
		return nil, nil
	}
	return claim, nil
}
