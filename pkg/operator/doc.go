// Package operator runs the reconcilers: it waits until KubeBlocks is served, starts a manager for the version that is, and
// starts another when that changes. Its health endpoint says what it waits for.
package operator
