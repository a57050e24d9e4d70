package feasibility

import (
	"fmt"
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/feasibility"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

const (
	source = "my1"
	target = "carrot67"

	labelInstance  = rewrite.LabelInstance
	labelComponent = rewrite.LabelComponentName
	labelPodName   = rewrite.LabelPodName
	labelRack      = "example.com/rack"
	taintDedicated = "dedicated"
)

var (
	namespaceLabels = map[string]string{corev1.LabelMetadataName: namespace, "tier": "data"}
	components      = []string{"mysql", "proxy", "shard-abc"}
)

// world is one arrangement of nodes, volumes and rules.
type world struct {
	// seen is what the operator hands over.
	seen  feasibility.World
	nodes []*corev1.Node
	// placed are Pods of the source that run.
	placed []*corev1.Pod
}

// generator draws worlds.
type generator struct {
	*rand.Rand
	storage *storage
	used    map[string]int
}

func newGenerator(seed uint64, number int, s *storage) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, uint64(number))), storage: s, used: map[string]int{}}
}

func pick[T any](g *generator, values ...T) T { return values[g.IntN(len(values))] }

// oneIn reports true once in n times.
func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func (g *generator) world() *world {
	w := &world{nodes: g.nodes()}
	w.seen = feasibility.World{Namespace: namespace, NamespaceLabels: namespaceLabels}
	for _, node := range w.nodes {
		w.seen.Nodes = append(w.seen.Nodes, *node)
	}
	beside := g.oneIn(3)
	for i := range 1 + g.IntN(3) {
		w.seen.Pods = append(w.seen.Pods, g.component(w, components[i], g.policy(beside), 7-len(w.seen.Pods))...)
	}
	if beside {
		w.placed = g.sourcePods(w)
	}
	return w
}

// nodes draws one to eight nodes in up to three zones, some take no Pods or lack a label.
func (g *generator) nodes() []*corev1.Node {
	all := make([]*corev1.Node, 1+g.IntN(maxNodes))
	inUse := zones[:1+g.IntN(len(zones))]
	for i := range all {
		name := nodeName(i)
		all[i] = &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			corev1.LabelHostname: name, corev1.LabelTopologyZone: pick(g, inUse...), labelRack: fmt.Sprint(g.IntN(4)),
		}}}
		switch g.IntN(20) {
		case 0:
			all[i].Spec.Unschedulable = true
		case 1:
			all[i].Spec.Taints = []corev1.Taint{{Key: taintDedicated, Value: "web", Effect: corev1.TaintEffectNoSchedule}}
		case 2:
			all[i].Spec.Taints = []corev1.Taint{{Key: corev1.TaintNodeNotReady, Effect: corev1.TaintEffectNoExecute}}
		case 3:
			delete(all[i].Labels, pick(g, corev1.LabelTopologyZone, labelRack))
		}
	}
	return all
}

// component draws the Pods of a component, whose volumes are where one of several kinds of storage has them.
func (g *generator) component(w *world, name string, p policy, most int) []feasibility.Pod {
	pods := make([]feasibility.Pod, 0, most)
	storage := pick(g, "nodes", "nodes", "zones", "zones", "zone", "any", "any", "free", "none")
	first := g.IntN(len(w.nodes))
	template := g.template()
	for i := range min(1+g.IntN(5), most) {
		pod := template
		pod.Name, pod.Policy = fmt.Sprintf("%s-%s-%d", target, name, i), name
		pod.Labels = podLabels(target, name, i)
		pod.Stale, pod.Rewritten = p.rules(source), p.rules(target)
		if storage != "none" {
			pod.Volumes = append(pod.Volumes, g.claim(g.place(w, storage, first+i)))
		}
		if storage != "none" && g.oneIn(10) {
			pod.Volumes = append(pod.Volumes, g.claim(g.place(w, pick(g, "free", "zone", "any"), first+i)))
		}
		pods = append(pods, pod)
	}
	return pods
}

// template draws what all Pods of a component have alike.
func (g *generator) template() feasibility.Pod {
	var pod feasibility.Pod
	switch g.IntN(12) {
	case 0:
		pod.NodeSelector = map[string]string{corev1.LabelTopologyZone: pick(g, zones...)}
	case 1, 2:
		pod.Tolerations = []corev1.Toleration{{Key: taintDedicated, Operator: corev1.TolerationOpExists}}
	}
	return pod
}

func podLabels(cluster, component string, ordinal int) map[string]string {
	return map[string]string{
		labelInstance: cluster, labelComponent: component, labelPodName: fmt.Sprintf("%s-%s-%d", cluster, component, ordinal),
	}
}

// place draws where the volume of the i-th Pod is.
func (g *generator) place(w *world, storage string, i int) string {
	node := w.nodes[i%len(w.nodes)]
	switch storage {
	case "nodes":
		if g.oneIn(8) {
			return selected + node.Name
		}
		return node.Name
	case "zones":
		return node.Labels[corev1.LabelTopologyZone]
	case "zone":
		return w.nodes[0].Labels[corev1.LabelTopologyZone]
	case "any":
		return pick(g, places()...)
	default:
		return ""
	}
}

// claim takes a claim in a place that no other Pod of the world has.
func (g *generator) claim(place string) feasibility.Volume {
	name := fmt.Sprintf("data-%d-%d", indexOf(place), g.used[place])
	g.used[place]++
	return g.storage.seen(name)
}

func indexOf(place string) int {
	for i, p := range places() {
		if p == place {
			return i
		}
	}
	panic("no such place: " + place)
}

// sourcePods draws Pods of the source, anywhere. Their rules do not matter: they select the source's Pods.
func (g *generator) sourcePods(w *world) []*corev1.Pod {
	pods := make([]*corev1.Pod, 0, 3*len(components))
	for _, component := range components {
		for i := range g.IntN(4) {
			pods = append(pods, &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{
					Namespace: namespace, Name: fmt.Sprintf("%s-%s-%d", source, component, i), Labels: podLabels(source, component, i),
				},
				Spec: corev1.PodSpec{NodeName: pick(g, w.nodes...).Name, Containers: []corev1.Container{{Name: "main", Image: "main"}}},
			})
		}
	}
	return pods
}
