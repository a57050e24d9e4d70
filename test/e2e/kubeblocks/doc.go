// Package kubeblocks builds, installs and runs KubeBlocks, in the versions that Rehome is tested with.
//
// KubeBlocks is AGPL-3.0. Nothing here imports it: its programs are built in its own module and run as separate processes.
package kubeblocks
