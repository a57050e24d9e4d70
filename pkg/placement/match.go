package placement

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// matcher finds the Pods that rules are about. It decides nothing: which nodes a rule refuses is the Scheduler's answer.
type matcher struct {
	world *World
	nodes map[string]labels.Set
	// namespaces are the labels of Namespaces; nil where they could not be read.
	namespaces map[string]labels.Set
	// keepers are the running Pods with a required anti-affinity.
	keepers []*Pod
}

func newMatcher(w *World) *matcher {
	m := &matcher{world: w, nodes: map[string]labels.Set{}, namespaces: map[string]labels.Set{}}
	for i := range w.Nodes {
		m.nodes[w.Nodes[i].Name] = w.Nodes[i].Labels
	}
	for i := range w.Namespaces {
		m.namespaces[w.Namespaces[i].Name] = w.Namespaces[i].Labels
	}
	for i := range w.Pods {
		if pod := &w.Pods[i]; pod.NodeName() != "" && len(antiAffinityOf(pod.object)) > 0 {
			m.keepers = append(m.keepers, pod)
		}
	}
	return m
}

// selection is what a term of a Pod selects.
type selection struct {
	namespaces        []string
	namespaceSelector labels.Selector
	pods              labels.Selector
}

// selectionOf compiles a term of a Pod in a namespace. An invalid selector selects nothing: the Scheduler says so.
func selectionOf(namespace string, selector *metav1.LabelSelector, names []string, byLabels *metav1.LabelSelector) selection {
	s := selection{namespaces: names, namespaceSelector: compile(byLabels), pods: compile(selector)}
	if len(names) == 0 && byLabels == nil {
		s.namespaces = []string{namespace}
	}
	return s
}

func compile(selector *metav1.LabelSelector) labels.Selector {
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return labels.Nothing()
	}
	return s
}

func selectionOfTerm(pod *corev1.Pod, t *corev1.PodAffinityTerm) selection {
	return selectionOf(pod.Namespace, t.LabelSelector, t.Namespaces, t.NamespaceSelector)
}

func (m *matcher) selects(s selection, namespace string, podLabels labels.Labels) bool {
	if !s.pods.Matches(podLabels) {
		return false
	}
	return slices.Contains(s.namespaces, namespace) || s.namespaceSelector.Matches(m.namespaces[namespace])
}

// inDomains returns the running Pods that a rule of a Pod selects, by the value of its topology key.
func (m *matcher) inDomains(pod *corev1.Pod, r Rule) map[string][]*Pod {
	s := selectionOf(pod.Namespace, r.selector(), nil, nil)
	if r.Term != nil {
		s = selectionOfTerm(pod, r.Term)
	}
	found := map[string][]*Pod{}
	for i := range m.world.Pods {
		other := &m.world.Pods[i]
		node, ok := m.nodes[other.NodeName()]
		if !ok || !m.selects(s, other.Namespace(), other) {
			continue
		}
		if value, ok := node[r.topologyKey()]; ok {
			found[value] = append(found[value], other)
		}
	}
	return found
}

// keeper is a rule of a running Pod that keeps another Pod away.
type keeper struct {
	pod  *Pod
	term *corev1.PodAffinityTerm
	// value is that of the topology key where the Pod runs.
	value string
}

// keepersOf returns the rules of running Pods that select a Pod.
func (m *matcher) keepersOf(pod *corev1.Pod) []keeper {
	var found []keeper
	for _, other := range m.keepers {
		for i := range antiAffinityOf(other.object) {
			t := &antiAffinityOf(other.object)[i]
			value, ok := m.nodes[other.NodeName()][t.TopologyKey]
			if ok && m.selects(selectionOfTerm(other.object, t), pod.Namespace, labels.Set(pod.Labels)) {
				found = append(found, keeper{other, t, value})
			}
		}
	}
	return found
}
