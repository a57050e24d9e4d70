// Package v1alpha1 holds what Rehome says through the Kubernetes API: the Rehoming kind, condition types and their reasons.
//
// +kubebuilder:object:generate=true
// +groupName=rehome.kubeblocks.io
package v1alpha1
