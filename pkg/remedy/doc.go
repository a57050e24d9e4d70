// Package remedy decides what to do about a restored cluster: from an observation to a plan. The plan lists the actions that
// are due, of which the first is to be taken, and the verdict to show on each Restore. The package is pure: no client, no
// clock, no logger. What was done before it knows from the Ledger, which is kept with the Cluster.
//
// The nevers it keeps: nothing is deleted of which any part ever started, a finished or failed Restore is left alone, no rule
// is changed that governs a database Pod bound to a node, nobody is fought over a field, and nothing is guessed.
package remedy
