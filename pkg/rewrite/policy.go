package rewrite

import corev1 "k8s.io/api/core/v1"

// Policy is one scheduling policy of an object: the part of it that can name a cluster or a place.
type Policy struct {
	// Path is the JSON Pointer of the policy in its object, such as /spec/componentSpecs/0/schedulingPolicy.
	Path string
	// Place identifies the policy in every object and version, such as componentSpecs/mysql. It holds names instead of
	// indexes, because the order can change. It is empty for the cluster's own policy.
	Place string
	// Component is the component or sharding that the policy governs; empty for the cluster's own policy, which governs all.
	Component string
	// Template is the instance template that the policy governs; empty where it governs all of the component.
	Template string
	// Derived reports whether KubeBlocks derived the policy from the Cluster's. Then its rules can come from every place
	// that governs Component.
	Derived bool
	// Shard is the generated name of the shard of a derived policy, empty where it is none's. KubeBlocks writes it where the
	// Cluster's rule has an empty component name.
	Shard string

	NodeName                  string
	NodeSelector              map[string]string
	Affinity                  *corev1.Affinity
	TopologySpreadConstraints []corev1.TopologySpreadConstraint
}

// CountRules counts the rules of policies that select Pods.
func CountRules(policies []Policy) int {
	count := 0
	for i := range policies {
		for range eachRule(&policies[i]) {
			count++
		}
	}
	return count
}
