// Package scheduler is a placement.Scheduler on the filter plugins of kube-scheduler.
//
// It builds kube-scheduler's framework with a profile, and asks each plugin itself: the framework stops at the first refusal of a
// node. The plugins read from a snapshot and from the indexers of informers that never run. Both are filled from a World.
package scheduler
