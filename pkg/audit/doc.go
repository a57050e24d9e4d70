// Package audit judges whether a Backup can be restored, from its metadata alone: beside its source, under another name, and without
// Rehome. It judges equal snapshots once, and groups Backups by their source.
//
// It decides with pkg/rewrite, as the operator and `rehome rewrite` do. It is pure: no client, no clock, no logger, and it renders nothing.
package audit
