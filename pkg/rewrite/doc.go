// Package rewrite decides which scheduling rules of a restored cluster must change, and how.
//
// A cluster restored from a backup inherits the rules of its source, and those rules name the source. Rewrite takes the
// two identities, the policies of the snapshot and the policies of the live object, and answers with the leaves to
// change (Edit) and with what it saw (Finding). Every edit obeys three laws. Let S be a selector of the source's policy,
// R its rewrite, and src and tgt Pods of the two clusters that differ in identity only:
//
//  1. The target takes the source's place: R(tgt) = S(src).
//  2. The source becomes a stranger: R(src) = S(a Pod of a cluster named nowhere).
//  3. Strangers stay strangers: R(v) = S(v) for every other Pod v.
//
// Only what was inherited changes: a live rule is inherited when an equal rule stands at the same place of the snapshot.
// The package is pure: no client, no clock, no logger.
package rewrite
