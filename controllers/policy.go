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
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// readPolicy fills in what the site and the owner of the Cluster decided.
func (r *ClusterReconciler) readPolicy(ctx context.Context, s *scene) error {
	o := &s.observation
	o.Mode, o.Limits, o.RestorePods = r.Config.Mode, r.Config.Limits, r.Config.RestorePods
	s.options = rewrite.Options{IdentityLabels: r.Config.IdentityLabels}
	if s.rehoming != nil {
		spec := &s.rehoming.Spec
		s.options.ScopeUnscoped, s.options.RestoreThirdParty = spec.ScopeUnscoped, spec.RestoreThirdParty
		o.AllowRollingUpdate = spec.AllowRollingUpdate
		if spec.RestorePods != "" {
			o.RestorePods = configv1alpha1.RestorePods(spec.RestorePods)
		}
	}
	return r.readMode(ctx, s)
}

// +kubebuilder:rbac:roleName=rehome-cluster-reader,groups="",resources=namespaces,verbs=list;watch

// readMode finds the mode of the Cluster. The nearest wins: its own annotation, its Rehoming, its Namespace's annotation, the
// configuration. An annotation that holds none is an obstacle.
func (r *ClusterReconciler) readMode(ctx context.Context, s *scene) error {
	if s.annotatedMode(s.cluster) {
		return nil
	}
	if s.rehoming != nil && s.rehoming.Spec.Mode != "" {
		s.observation.Mode = configv1alpha1.Mode(s.rehoming.Spec.Mode)
		return nil
	}
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	if err := r.Client.Get(ctx, types.NamespacedName{Name: s.cluster.Namespace}, namespace); err != nil {
		return fmt.Errorf("get Namespace %s: %w", s.cluster.Namespace, err)
	}
	s.annotatedMode(namespace)
	return nil
}

// annotatedMode takes the mode from an object's annotation, and returns false where it has none.
func (s *scene) annotatedMode(owner client.Object) bool {
	text, ok := owner.GetAnnotations()[v1alpha1.AnnotationMode]
	if !ok {
		return false
	}
	switch mode := configv1alpha1.Mode(text); mode {
	case configv1alpha1.Enforce, configv1alpha1.Observe, configv1alpha1.Off:
		s.observation.Mode = mode
	default:
		s.block(v1alpha1.ReasonInvalidMode, fmt.Sprintf("Annotation %s of %s holds %q, which is none of Enforce, Observe and Off: nothing is changed.",
			v1alpha1.AnnotationMode, owner.GetName(), text))
	}
	return true
}
