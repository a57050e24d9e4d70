// Package v1alpha1 holds what Rehome says through the Kubernetes API: condition types and their reasons.
package v1alpha1
