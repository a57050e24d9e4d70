// Package chart tests what installs Rehome, the Helm chart and the kustomize builds, against a real API server. `make test-chart`
// runs it: it needs the tools that the Makefile builds.
package chart
