// Package feasibility decides whether a Cluster's scheduling rules may be rewritten although its volumes are already bound to
// nodes or zones. A stale rule names the source, so it does not restrict the target's Pods among themselves. The rewritten rule
// does. Where the volumes do not admit it, a database that would have run never starts.
//
// The package is pure: no client, no clock, no log.
//
// # What is proven
//
// A play is what the scheduler can do: it takes the Pods in any order, puts each on any node that the rules leave open, never moves
// one, and retries those without a node until nothing changes. A Pod is sure when it has a node at the end of every play. The
// invariant: a Pod that is sure under the stale rules is sure under those that a decision leaves.
//
// A placement for all Pods is not enough: where p0 can run on n1 and n2, p1 on n1 alone, and the rule wants one Pod per node, p0 can
// take n1 first.
//
// Pods are judged in groups: a group's rules select no Pods of the Cluster but its own, neither stale nor rewritten. So no Pod
// outside a group changes its plays, and three cases prove the invariant:
//
//   - A group without a changed rule has the same plays before and after. It is not judged.
//   - A group without a tied volume is not judged either, by intent. Its rules are always admitted.
//   - In any other group, all Pods must be sure after the rewrite. All rules of the group count, those too that stay.
//
// It is not enough to ask whether a Pod loses a node to a changed rule. A stale rule, or Pods of the source, may have kept others
// waiting. The rewrite sets them free, and an unchanged rule lets them take the node of a Pod that was sure. So groups are joined by
// what the stale rules select, too, and a changed rule counts even where it concerns no tied volume itself.
//
// A rule with NotIn selects the target's Pods while it is stale, and the source's once it is rewritten. The source's Pods can be on
// any node. Such a rule is refused in a group with a tied volume.
//
// The proof is exact for anti-affinity on one topology key, whatever the number of Pods, and for groups that are small enough to
// search all plays. Other groups need a sufficient condition. Where it fails, or the work exceeds its bound, the answer is
// "cannot be proven", and the rule is refused: a refusal costs less than a database without a node. The work is bounded by a
// constant, so no tenant can make a decision slow. What is asked of an Occupancy shares one such bound, and an answer that is not known
// has to be taken for the worst.
//
// # What is not judged
//
// With free volumes the rewritten rule is what the database would have had without a restore, and another node cures it. Where only
// some volumes of a group are free, the rule is judged like any other: a Pod whose volume is free can take the node that another
// needs.
//
// Preferred rules and ScheduleAnyway never leave a Pod without a node. A Pod that no node could run, because the node of its
// volume is gone, does not run with or without the rewrite: it neither counts nor takes a node from others.
//
// Other clusters' Pods, resources, quotas, host ports, volume limits and the topology of a StorageClass are not judged. They are the
// same before and after, but a node that they close counts as open. An unchanged rule that selects none of the Cluster's Pods is
// about others' Pods: a Pod with such a rule may find a node or not. Pods of the source count where a rule was refused, and so stays
// stale: they may leave a Pod any of its domains.
//
// # Cordons and taints that pass
//
// A decision outlives a drain. So it has to hold twice: for the nodes as they are, and for the nodes without cordons and without
// the taints that Kubernetes itself sets and removes. Taints of a site stay.
package feasibility
