package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
)

// readMode finds the mode of the Cluster. The nearest wins: its own, its Namespace's, the configuration's. One that is none
// is an obstacle.
func (r *ClusterReconciler) readMode(ctx context.Context, s *scene) error {
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	if err := r.Client.Get(ctx, types.NamespacedName{Name: s.cluster.Namespace}, namespace); err != nil {
		return fmt.Errorf("get Namespace %s: %w", s.cluster.Namespace, err)
	}
	s.observation.Mode = r.Config.Mode
	for _, owner := range []client.Object{s.cluster, namespace} {
		text, ok := owner.GetAnnotations()[v1alpha1.AnnotationMode]
		if !ok {
			continue
		}
		switch mode := configv1alpha1.Mode(text); mode {
		case configv1alpha1.Enforce, configv1alpha1.Observe, configv1alpha1.Off:
			s.observation.Mode = mode
		default:
			s.block(v1alpha1.ReasonInvalidMode, fmt.Sprintf("Annotation %s of %s holds %q, which is none of Enforce, Observe and Off: nothing is changed.",
				v1alpha1.AnnotationMode, owner.GetName(), text))
		}
		return nil
	}
	return nil
}
