// Package rewrite decides which scheduling rules of a restored cluster must change, and how.
//
// A cluster restored from a backup inherits the rules of its source, and those rules name the source. Rewrite compares the
// policies of the snapshot with those of the live object. It returns the leaves to change (Edit) and a report on each rule
// (Finding). Every edit obeys three laws. Let S be a selector of the source's policy, R its rewrite, and src and tgt Pods of
// the two clusters that differ in identity only:
//
//  1. The target takes the source's place: R(tgt) = S(src).
//  2. The source becomes a stranger: R(src) = S(a Pod of a cluster named nowhere).
//  3. Strangers stay strangers: R(v) = S(v) for every other Pod v.
//
// Only inherited rules change. A live rule is inherited when an equal rule stands at the same place in the snapshot.
// The package is pure: no client, no clock, no logger.
package rewrite
