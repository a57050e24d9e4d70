// Package conformance holds pkg/rewrite to its laws with the code that matters in the end: the API server's admission of
// Pods, and kube-scheduler's InterPodAffinity and PodTopologySpread. It generates clusters, policies, nodes and Pods, rewrites
// the policy, and compares what the scheduler makes of every node. What the laws say of selectors becomes two statements:
//
//   - The target takes the source's place, and strangers stay strangers (laws 1 and 3): where a Pod of the source fits among
//     Pods of the source and strangers, the target's Pod with the rewritten policy fits among Pods of the target and the
//     same strangers, and scores the same.
//   - The source becomes a stranger (law 2): to the target, Pods of the source are worth the same as Pods of a cluster that
//     is named nowhere.
//
// A case is one generated scenario and one comparison of all its nodes.
package conformance
