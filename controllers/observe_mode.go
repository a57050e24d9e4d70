package controllers

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// readPolicy reads what the configuration, the Namespace and the Rehoming decide.
func (r *ClusterReconciler) readPolicy(ctx context.Context, s *scope) error {
	o := &s.observation
	o.Mode, o.Limits, o.RestorePods, o.DatabasePods = r.Config.Mode, r.Config.Limits, r.Config.RestorePods, r.Config.DatabasePods
	s.options = rewrite.Options{
		IdentityLabels:    r.Config.IdentityLabels,
		ScopeUnscoped:     s.consents(v1alpha1.ConsentScopeUnscoped),
		RestoreThirdParty: s.consents(v1alpha1.ConsentRestoreThirdParty),
	}
	o.AllowRollingUpdate = s.consents(v1alpha1.ConsentRollingUpdate)
	o.AllowPreferredRules = s.consents(v1alpha1.ConsentPreferredRules)
	if s.rehoming != nil && s.rehoming.Spec.RestorePods != "" {
		o.RestorePods = configv1alpha1.RestorePods(s.rehoming.Spec.RestorePods)
	}
	if err := r.readMode(ctx, s); err != nil {
		return err
	}
	if o.Mode == configv1alpha1.Disabled {
		s.skip = skipDisabled
	}
	return nil
}

// consents reports whether the owner of the Cluster consents.
func (s *scope) consents(to v1alpha1.Consent) bool {
	return s.rehoming != nil && slices.Contains(s.rehoming.Spec.Consents, to)
}

// +kubebuilder:rbac:roleName=rehome-cluster-reader,groups="",resources=namespaces,verbs=list;watch

// readMode reads the mode of the Cluster. The nearest wins: its Rehoming, the annotation of its Namespace, the configuration.
// The Cluster's own annotations do not count, because they arrive with snapshots. An invalid annotation is an obstacle.
func (r *ClusterReconciler) readMode(ctx context.Context, s *scope) error {
	if s.rehoming != nil && s.rehoming.Spec.Mode != "" {
		s.observation.Mode = configv1alpha1.Mode(s.rehoming.Spec.Mode)
		return nil
	}
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	if err := r.Client.Get(ctx, types.NamespacedName{Name: s.cluster.Namespace}, namespace); err != nil {
		return fmt.Errorf("get Namespace %s: %w", s.cluster.Namespace, err)
	}
	text, ok := namespace.Annotations[v1alpha1.AnnotationMode]
	if !ok {
		return nil
	}
	mode, err := configv1alpha1.ParseMode(text)
	if err != nil {
		s.block(remedy.Obstacle{Reason: v1alpha1.ReasonInvalidMode, Message: fmt.Sprintf(invalidMode, v1alpha1.AnnotationMode, namespace.Name, err)})
		return nil
	}
	s.observation.Mode = mode
	return nil
}
