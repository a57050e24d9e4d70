// Package feasibility checks pkg/feasibility against kube-scheduler. It generates worlds: nodes in zones, Pods of a restored cluster
// whose volumes are free, or bound to nodes or zones, and rules of all kinds that name the source. The scheduler's own plugins
// (NodeUnschedulable, TaintToleration, NodeAffinity, VolumeBinding, InterPodAffinity, PodTopologySpread) then place the Pods: with
// the stale rules, and with those that the decision leaves. Every Pod that finds a node without Rehome has to find one with it.
//
// A play takes the Pods in some order, puts each on one of the nodes that the plugins leave open, and retries those without a
// node until nothing moves. Some plays choose at random. Others choose for the worst: Pods with many nodes come first, and take
// those that others need. "Without Rehome" means at the end of every play with the stale rules, and one of those begins with the
// moves of the play that it is compared with: else luck in other plays would count.
//
// Rules of a group without a bound volume are always admitted, whatever the number of nodes. So they are rewritten in both plays.
//
// Pods of the source are in some of the worlds. There, no rule selects them both before and after the rewrite: what Pods of other
// clusters do in both is not judged.
package feasibility
