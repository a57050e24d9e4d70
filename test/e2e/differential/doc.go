// Package differential compares what becomes of scheduling rules when a cluster is restored: what KubeBlocks makes of them, what
// Rehome does, and what the three laws of the rewrite demand. The shapes in which such rules are written are files of
// testdata/differential.
package differential

// The names that the shapes are written with.
const (
	Source = "my1"
	Target = "kiwi"
	Backup = "bp1"
)
