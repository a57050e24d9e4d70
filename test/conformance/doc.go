// Package conformance checks the laws of pkg/rewrite with the code that decides in a cluster: the API server's admission of
// Pods, and kube-scheduler's plugins InterPodAffinity and PodTopologySpread.
//
// It generates a policy, nodes and Pods, rewrites the policy, and compares the scheduler's result for every node. The laws about
// selectors become two properties:
//
//   - The target takes the source's place, and strangers stay strangers (laws 1 and 3). A source Pod among Pods of the source and
//     strangers gets the same result as a target Pod, with the rewritten policy, among Pods of the target and the same strangers.
//   - The source becomes a stranger (law 2). For a target Pod, Pods of the source count the same as Pods of an unnamed cluster.
//
// A case is one generated scenario, compared on all its nodes.
package conformance
