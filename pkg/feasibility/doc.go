// Package feasibility decides whether a Cluster's scheduling rules may be rewritten although its volumes are already bound to
// nodes or zones. A stale rule names the source, so it does not restrict the target's Pods among themselves; the rewritten rule
// does. Where the volumes do not admit it, a database that would have run never starts.
//
// The package is pure: no client, no clock, no log.
//
// # What is proven
//
// A rewrite is admitted only when every play is harmless. A play is what the scheduler can do: it takes the Pods in any order,
// puts each on any node that its rules leave open, never moves one, and retries those without a node until nothing changes. A
// play harms when it ends with a Pod that has no node, and would find one if the rewritten rules were not there. So a placement
// for all Pods is not enough: where p0 can run on n1 and n2, p1 on n1 alone, and the rule wants one Pod per node, p0 can take n1
// first, and the rule is refused.
//
// The proof is exact for anti-affinity on one topology key, at any size, and for groups of Pods that are small enough to search
// all plays. Larger groups need a sufficient condition. Where it fails, or where the work exceeds its bound, the answer is
// "cannot be proven", and the rule is refused: a refusal costs less than a database without a node. The work is bounded by a
// constant, so no tenant can make a decision slow.
//
// # What is not judged
//
// A rule that concerns no Pod with a bound volume is always admitted, whatever the number of nodes. With free volumes the
// rewritten rule is what the database would have had without a restore, and another node cures it.
//
// Preferred rules and ScheduleAnyway never leave a Pod without a node. A Pod without any node that could run it, because the node
// of its volume is gone, does not run with or without the rewrite: it neither counts nor takes a node from others.
//
// Other clusters' Pods, resources, quotas, host ports, volume limits and the topology of a StorageClass are not judged: they are
// the same before and after. An unchanged affinity rule that selects none of the Cluster's Pods is about others' Pods, too: a Pod
// with such a rule may find a node or not.
//
// # Cordons and taints that pass
//
// A decision outlives a drain. So it has to hold twice: for the nodes as they are, and for the nodes without their cordons and
// without the taints that Kubernetes itself sets and removes (node.kubernetes.io/...). Taints of a site stay.
package feasibility
