// Package kubeblocks holds everything that Rehome knows about KubeBlocks: its API versions, read-only views of its objects,
// label and annotation keys, the snapshot in a Backup, the places of scheduling policies, KubeBlocks' own rewrite, and the
// relations of Cluster, Component, Restore and Backup. A difference between versions exists here or nowhere.
//
// The views hold only the fields that Rehome reads. A view must never be sent back to the API server: it would drop
// every other field. Writes are JSON Patches of single leaves.
//
// +kubebuilder:object:generate=true
package kubeblocks
