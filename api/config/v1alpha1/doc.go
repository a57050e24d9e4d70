// Package v1alpha1 holds the configuration file of the operator.
//
// +kubebuilder:object:generate=true
package v1alpha1
