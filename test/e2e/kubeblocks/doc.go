// Package kubeblocks builds, installs and runs the real KubeBlocks, in any of
// the versions Rehome is tested against.
//
// KubeBlocks is AGPL-3.0. Nothing here imports it: its programs are built in
// its own module, run as separate processes, and spoken to through the API
// server.
package kubeblocks
