// Package differential restores scheduling rules of many shapes, and compares what KubeBlocks writes, what Rehome writes, and what the
// three laws of the rewrite require. Each shape is a file of testdata/differential.
package differential

// The names in the shapes.
const (
	Source = "my1"
	Target = "kiwi"
	Backup = "bp1"
)
