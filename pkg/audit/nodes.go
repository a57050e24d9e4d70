package audit

import (
	"crypto/sha256"
	"encoding/json"
	"sync"

	corev1 "k8s.io/api/core/v1"
	v1helper "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2" //nolint:depguard // a helper of Kubernetes takes a logger; its zero value logs nothing

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// silent is the logger that a helper of Kubernetes wants. Its zero value logs nothing.
var silent klog.Logger

// maxRemembered limits what is remembered of policies.
const maxRemembered = 1024

// nodes answers which nodes the Pods of a policy can be on, as far as the nodes' own labels and taints say.
type nodes struct {
	list []corev1.Node

	mu sync.Mutex
	// open remembers the answers by a hash of node name, node selector, node affinity and tolerations, which can be as large as a snapshot.
	open map[[sha256.Size]byte]openNodes
}

// openNodes are the nodes that the Pods of a policy can be on.
type openNodes struct {
	// matching counts the nodes that the policy names. schedulable are those that take the Pods now, too.
	matching    int
	schedulable []*corev1.Node
}

func (n *nodes) openTo(p *rewrite.Policy, tolerations []corev1.Toleration) openNodes {
	var affinity *corev1.NodeAffinity
	if p.Affinity != nil {
		affinity = p.Affinity.NodeAffinity
	}
	key, err := json.Marshal([]any{p.NodeName, p.NodeSelector, affinity, tolerations})
	if err != nil {
		return n.find(p, tolerations)
	}
	hash := sha256.Sum256(key)
	if open, ok := n.known(hash); ok {
		return open
	}
	open := n.find(p, tolerations)
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.open) >= maxRemembered {
		clear(n.open)
	}
	n.open[hash] = open
	return open
}

func (n *nodes) known(hash [sha256.Size]byte) (openNodes, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	open, ok := n.open[hash]
	return open, ok
}

func (n *nodes) find(p *rewrite.Policy, tolerations []corev1.Toleration) openNodes {
	required := nodeaffinity.NewRequiredNodeAffinity(p.NodeSelector, p.Affinity)
	cordon := corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
	var open openNodes
	for i := range n.list {
		node := &n.list[i]
		if matched, err := required.Match(node); err != nil || !matched || p.NodeName != "" && p.NodeName != node.Name {
			continue
		}
		open.matching++
		taints := node.Spec.Taints
		if node.Spec.Unschedulable {
			taints = append(taints[:len(taints):len(taints)], cordon)
		}
		if _, refused := v1helper.FindMatchingUntoleratedTaint(silent, taints, tolerations, keepsOut, true); !refused {
			open.schedulable = append(open.schedulable, node)
		}
	}
	return open
}

// keepsOut reports whether a taint keeps Pods from being scheduled.
func keepsOut(t *corev1.Taint) bool {
	return t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute
}

// domains counts the values of a topology key.
func (o openNodes) domains(key string) int {
	values := map[string]bool{}
	for _, node := range o.schedulable {
		if value, ok := node.Labels[key]; ok {
			values[value] = true
		}
	}
	return len(values)
}

// unlabelled reports whether a node lacks a topology key. Anti-affinity keeps no Pod off such a node.
func (o openNodes) unlabelled(key string) bool {
	for _, node := range o.schedulable {
		if _, ok := node.Labels[key]; !ok {
			return true
		}
	}
	return false
}

// Trim returns the part of a node that an audit needs.
func Trim(node *corev1.Node) corev1.Node {
	trimmed := corev1.Node{}
	trimmed.Name, trimmed.Labels = node.Name, node.Labels
	trimmed.Spec.Taints, trimmed.Spec.Unschedulable = node.Spec.Taints, node.Spec.Unschedulable
	return trimmed
}
