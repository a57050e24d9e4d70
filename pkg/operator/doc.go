// Package operator runs the reconciler: it waits until KubeBlocks' kinds are served, and then runs one manager for the version
// that is. It ends when that changes for good, so that the process is started again.
package operator
