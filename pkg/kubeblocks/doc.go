// Package kubeblocks holds all that Rehome knows about KubeBlocks: which API versions there are, read-only views of its
// objects, label and annotation keys, what a Backup's snapshot holds, where scheduling policies live, and how a Cluster,
// its Components, its Restores and their Backups find each other. A difference between versions exists here or nowhere.
//
// The views hold only the fields that Rehome reads. A view must never be sent back to the API server: it would drop
// every other field. Writes are JSON Patches of single leaves.
//
// +kubebuilder:object:generate=true
package kubeblocks
