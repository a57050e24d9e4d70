// Package manifest makes the Cluster to create from the snapshot of a Backup: rewritten rules, the reference that makes KubeBlocks
// restore it, and nothing that belongs to the life of the source. It decides without IO.
package manifest
