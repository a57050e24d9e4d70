package feasibility

import (
	corev1 "k8s.io/api/core/v1"
)

// World is all that a decision needs of one Cluster.
type World struct {
	// Namespace is where all Pods of the Cluster are.
	Namespace string
	// NamespaceLabels are that Namespace's labels; a term can select it by them.
	NamespaceLabels map[string]string
	Nodes           []corev1.Node
	// Pods are all database Pods that the Cluster asks for, those without volumes and those yet to be created, too.
	Pods []Pod
}

// Pod is a database Pod of the Cluster.
type Pod struct {
	Name   string
	Labels map[string]string
	// Policy names the place in the Cluster where the Pod's rules stand. Pods of one Policy are rewritten together.
	Policy string
	// Stale are the Pod's rules as they are, Rewritten as they would be. The two differ in selectors and namespaces only. They
	// are equal where nothing is due.
	Stale, Rewritten Rules
	NodeSelector     map[string]string
	Tolerations      []corev1.Toleration
	Volumes          []Volume
}

// Rules are those parts of a Pod's spec that a rewrite changes.
type Rules struct {
	Affinity                  *corev1.Affinity
	TopologySpreadConstraints []corev1.TopologySpreadConstraint
}

// Volume is a claim of a Pod. Without NodeAffinity and Node it is free: it can be mounted on any node.
type Volume struct {
	Claim string
	// NodeAffinity is where the PersistentVolume that the claim is bound to can be mounted: see MountableOn.
	NodeAffinity *corev1.VolumeNodeAffinity
	// Node is the node that the scheduler selected for a claim which is not bound yet.
	Node string
}

// tied reports whether the volume can be mounted on some nodes only.
func (v *Volume) tied() bool {
	return v.Node != "" || v.NodeAffinity != nil && v.NodeAffinity.Required != nil
}

// Kind is the kind of a rule.
type Kind string

// The kinds of rules that can leave a Pod without a node.
const (
	AntiAffinity Kind = "anti-affinity"
	Affinity     Kind = "affinity"
	Spread       Kind = "topology spread"
)

// Rule identifies a rule of the Cluster: the required term or DoNotSchedule constraint at Index of the list that Kind stands in,
// in the rules of Policy.
type Rule struct {
	Policy      string
	Kind        Kind
	Index       int
	TopologyKey string
}

// Refusal is a rule that must stay stale.
type Refusal struct {
	Rule Rule
	// Unproven says that the rule may be harmless, but was not proven to be.
	Unproven bool
	// Pods holds the Pod that can be left without a node, then those in its way. Claims are the claims that tie them. Domains are
	// those of the rule's key in which the first can run.
	Pods, Claims, Domains []string
	// Reason is one plain sentence without a full stop.
	Reason string
}
