// Package admission answers the API server's questions about Clusters and Restores before they are stored: it rewrites the rules that
// a restored Cluster inherited, and keeps rewritten rules when an older manifest is applied again. It decides nothing itself, refuses
// nothing, and leaves to the operator what it cannot read.
package admission
