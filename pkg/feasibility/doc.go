// Package feasibility decides whether a Cluster's scheduling rules may be rewritten although its volumes are already bound to
// nodes or zones. A stale rule names the source, so it does not restrict the target's Pods among themselves. The rewritten rule
// does. Where the volumes do not admit it, a database that would have run never starts.
//
// The package is pure: no client, no clock, no log.
//
// # What is proven
//
// A rewrite is admitted only when every play ends well. A play is what the scheduler can do: it takes the Pods in any order,
// puts each on any node that the rules leave open, never moves one, and retries those without a node until nothing changes. A
// play ends well when every Pod has a node. A placement for all Pods is not enough: where p0 can run on n1 and n2, p1 on n1
// alone, and the rule wants one Pod per node, p0 can take n1 first.
//
// Pods are judged in groups: a group's rules select no Pods but its own. A group without a changed rule is not judged. In a
// group with one, all rules count, those too that stay. Pods of the source may have kept others off a node until now, so that a
// Pod found it. An unchanged rule can take that node away once the rewrite sets the others free.
//
// The proof is exact for anti-affinity on one topology key, whatever the number of Pods, and for groups that are small enough to
// search all plays. Other groups need a sufficient condition. Where it fails, or the work exceeds its bound, the answer is
// "cannot be proven", and the rule is refused: a refusal costs less than a database without a node. The work is bounded by a
// constant, so no tenant can make a decision slow.
//
// # What is not judged
//
// A rule that concerns no Pod with a bound volume is always admitted, whatever the number of nodes. With free volumes the
// rewritten rule is what the database would have had without a restore, and another node cures it. Where only some volumes are
// free, the rule is judged like any other: a Pod whose volume is free can take the node that another needs.
//
// Preferred rules and ScheduleAnyway never leave a Pod without a node. A Pod that no node could run, because the node of its
// volume is gone, does not run with or without the rewrite: it neither counts nor takes a node from others.
//
// Other clusters' Pods, resources, quotas, host ports, volume limits and the topology of a StorageClass are not judged: they are
// the same before and after. An unchanged rule that selects none of the Cluster's Pods is about others' Pods: a Pod with such a
// rule may find a node or not. Pods of the source count in one case: beside a rule that was refused, and so stays stale, they may
// leave a Pod any of its domains.
//
// # Cordons and taints that pass
//
// A decision outlives a drain. So it has to hold twice: for the nodes as they are, and for the nodes without cordons and without
// the taints that Kubernetes itself sets and removes. Taints of a site stay.
package feasibility
