package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/sources"
)

// readPolicy reads what the configuration, the Namespace and the Rehoming decide.
func (r *ClusterReconciler) readPolicy(ctx context.Context, s *scope) error {
	o := &s.observation
	o.Mode, o.Limits, o.RestorePods, o.DatabasePods = r.Config.Mode, r.Config.Limits, r.Config.RestorePods, r.Config.DatabasePods
	s.options = s.owner().Options(&r.Config)
	o.AllowRollingUpdate = s.owner().Consents(v1alpha1.ConsentRollingUpdate)
	o.AllowPreferredRules = s.owner().Consents(v1alpha1.ConsentPreferredRules)
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

// owner is what the owner of the Cluster decided.
func (s *scope) owner() sources.Owner {
	return sources.Owner{Rehoming: s.rehoming, Restraint: s.restraint}
}

// +kubebuilder:rbac:roleName=rehome-cluster-reader,groups="",resources=namespaces,verbs=get;list;watch

// readMode reads the mode of the Cluster. An invalid annotation of its Namespace is an obstacle.
func (r *ClusterReconciler) readMode(ctx context.Context, s *scope) error {
	namespace, err := readNamespace(ctx, r.Client, s.cluster.Namespace)
	if err != nil {
		return err
	}
	s.policy.namespaceMode = namespace.Annotations[v1alpha1.AnnotationMode]
	s.observation.Mode, err = s.owner().Mode(namespace, r.Config.Mode)
	if err != nil {
		s.block(remedy.Obstacle{Reason: v1alpha1.ReasonInvalidMode, Message: err.Error()})
	}
	return nil
}

func readNamespace(ctx context.Context, from client.Reader, name string) (*metav1.PartialObjectMetadata, error) {
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	if err := from.Get(ctx, types.NamespacedName{Name: name}, namespace); err != nil {
		return nil, fmt.Errorf("get Namespace %s: %w", name, err)
	}
	return namespace, nil
}

// policyVersion identifies one version of what the owner decided: the Rehoming, where there is one, and the Namespace's mode.
type policyVersion struct {
	uid           types.UID
	generation    int64
	namespaceMode string
}

// policyHolds returns errPolicyChanged where the owner decided otherwise and the cache does not know it yet. Somebody who applies a
// Cluster and its Rehoming together relies on both. The reads are live, once, right before the first write to the Cluster.
func (r *ClusterReconciler) policyHolds(ctx context.Context, s *scope) error {
	if s.observation.History.Begun() {
		return nil
	}
	var now policyVersion
	rehoming := &v1alpha1.Rehoming{}
	switch err := r.APIReader.Get(ctx, s.name, rehoming); {
	case err == nil:
		now.uid, now.generation = rehoming.UID, rehoming.Generation
	case !apierrors.IsNotFound(err):
		return fmt.Errorf("get Rehoming: %w", err)
	}
	namespace, err := readNamespace(ctx, r.APIReader, s.cluster.Namespace)
	if err != nil {
		return err
	}
	now.namespaceMode = namespace.Annotations[v1alpha1.AnnotationMode]
	if now != s.policy {
		return errPolicyChanged
	}
	return nil
}
