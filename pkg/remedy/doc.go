// Package remedy decides what to do about a restored cluster: from an observation to a plan. The plan names the one
// action that is due, if any, and the verdict to show on each Restore. The package is pure: no client, no clock, no
// logger.
//
// The nevers it keeps: nothing is deleted of which any part ever started, and no rule is changed that governs a database
// Pod bound to a node.
package remedy
