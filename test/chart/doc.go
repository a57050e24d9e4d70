// Package chart tests the Helm chart and the kustomize builds against a real API server. `make test-chart` runs it, and builds the tools
// that it needs.
package chart
