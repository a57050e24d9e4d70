// Package remedy decides what to do about a restored Cluster: from an Observation to a Plan. The Plan lists the actions that are
// due, and the conditions to report. The package is pure: no client, no clock, no logger. What was done before it reads from the
// History, which is kept with the Cluster.
//
// It never deletes what ever started, never changes a finished or failed Restore, never rewrites a rule that governs a bound
// database Pod without consent, never fights another writer over a field, and never guesses.
package remedy
