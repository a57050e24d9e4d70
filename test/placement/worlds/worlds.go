// Package worlds draws arrangements of nodes, Pods and volumes for tests.
package worlds

import (
	"fmt"
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/rehome-operator/rehome/pkg/placement"
)

// MaxNodes is how many nodes a world has at most. They are named node-0 and so on, and have 8 CPUs and 32 GiB.
const MaxNodes = 8

// The namespaces of all worlds.
const (
	Namespace = "prod"
	Other     = "elsewhere"
)

// The storage classes of all worlds.
const (
	ClassLate   = "late"   // binds when the first Pod is scheduled
	ClassStatic = "static" // the same, but volumes are created by hand
	ClassNow    = "now"    // binds at once
)

const (
	labelInstance  = "app.kubernetes.io/instance"
	labelComponent = "apps.kubeblocks.io/component-name"
	provisioner    = "disk.example.com"
)

// Generate draws a world. Pods without a node wait. number makes the names of claims and volumes unique.
func Generate(r *rand.Rand, number int) *placement.World {
	g := &generator{Rand: r, number: number, world: &placement.World{Namespaces: Namespaces(), Classes: Classes()}}
	for i := range 1 + g.IntN(MaxNodes) {
		g.world.Nodes = append(g.world.Nodes, g.node(i))
	}
	for i := range g.IntN(10) {
		pod := g.pod(fmt.Sprintf("running-%d", i))
		pod.Spec.NodeName = g.world.Nodes[g.IntN(len(g.world.Nodes))].Name
		if !g.oneIn(3) {
			pod.Spec.Affinity, pod.Spec.TopologySpreadConstraints = nil, nil
		}
		pod.Status.Phase = corev1.PodRunning
		g.world.Pods = append(g.world.Pods, placement.WholePods([]corev1.Pod{*pod})...)
	}
	for i := range 2 + g.IntN(4) {
		pod := g.pod(fmt.Sprintf("waiting-%d", i))
		g.selection(pod)
		g.mount(pod)
		g.world.Pods = append(g.world.Pods, placement.WholePods([]corev1.Pod{*pod})...)
	}
	return g.world
}

// Namespaces are those of all worlds.
func Namespaces() []corev1.Namespace {
	return []corev1.Namespace{
		{ObjectMeta: metav1.ObjectMeta{Name: Namespace, Labels: map[string]string{corev1.LabelMetadataName: Namespace, "tier": "data"}}},
		{ObjectMeta: metav1.ObjectMeta{Name: Other, Labels: map[string]string{corev1.LabelMetadataName: Other, "tier": "web"}}},
	}
}

// Classes are those of all worlds.
func Classes() []storagev1.StorageClass {
	late, now := storagev1.VolumeBindingWaitForFirstConsumer, storagev1.VolumeBindingImmediate
	return []storagev1.StorageClass{
		{ObjectMeta: metav1.ObjectMeta{Name: ClassLate}, Provisioner: provisioner, VolumeBindingMode: &late},
		{ObjectMeta: metav1.ObjectMeta{Name: ClassStatic}, Provisioner: "kubernetes.io/no-provisioner", VolumeBindingMode: &late},
		{ObjectMeta: metav1.ObjectMeta{Name: ClassNow}, Provisioner: provisioner, VolumeBindingMode: &now},
	}
}

type generator struct {
	*rand.Rand
	number int
	world  *placement.World
}

func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *generator, values ...T) T { return values[g.IntN(len(values))] }

var zones = []string{"a", "b", "c"}

func (g *generator) node(i int) corev1.Node {
	name := fmt.Sprintf("node-%d", i)
	n := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}}}
	if !g.oneIn(8) {
		n.Labels[corev1.LabelTopologyZone] = pick(g, zones...)
	}
	if g.oneIn(2) {
		n.Labels["disk"] = pick(g, "ssd", "hdd")
	}
	switch g.IntN(12) {
	case 0:
		n.Spec.Unschedulable = true
	case 1, 2:
		n.Spec.Taints = []corev1.Taint{{Key: "dedicated", Value: pick(g, "web", "gpu"), Effect: corev1.TaintEffectNoSchedule}}
	case 3:
		n.Spec.Taints = []corev1.Taint{{Key: "dedicated", Value: "web", Effect: corev1.TaintEffectPreferNoSchedule}}
	}
	all := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("8"), corev1.ResourceMemory: resource.MustParse("32Gi"), corev1.ResourcePods: resource.MustParse("110"),
	}
	n.Status = corev1.NodeStatus{Capacity: all, Allocatable: all}
	return n
}

// pod draws a Pod of one of three clusters, with up to three rules about others.
func (g *generator) pod(name string) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: Namespace, Name: fmt.Sprintf("w%d-%s", g.number, name), UID: types.UID(fmt.Sprintf("uid-%d-%s", g.number, name)),
			Labels: map[string]string{labelInstance: pick(g, clusters...), labelComponent: pick(g, "mysql", "proxy")},
		},
		Spec: corev1.PodSpec{
			SchedulerName: corev1.DefaultSchedulerName, TerminationGracePeriodSeconds: ptr.To[int64](0),
			Containers: []corev1.Container{{Name: "main", Image: "main"}},
		},
	}
	if g.oneIn(6) {
		p.Namespace = Other
	}
	if g.oneIn(2) {
		p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse(pick(g, "500m", "1", "2", "5")), corev1.ResourceMemory: resource.MustParse(pick(g, "1Gi", "4Gi", "20Gi")),
		}
	}
	if g.oneIn(10) {
		p.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 3306, HostPort: 3306, Protocol: corev1.ProtocolTCP}}
	}
	affinity := &corev1.Affinity{PodAffinity: &corev1.PodAffinity{}, PodAntiAffinity: &corev1.PodAntiAffinity{}}
	for range pick(g, 0, 1, 1, 2, 3) {
		switch g.IntN(7) {
		case 0, 1, 2:
			to := &affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
			*to = append(*to, g.term())
		case 3:
			to := &affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution
			*to = append(*to, g.term())
		case 4:
			to := &affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution
			*to = append(*to, corev1.WeightedPodAffinityTerm{Weight: 10, PodAffinityTerm: g.term()})
		default:
			g.spread(p)
		}
	}
	p.Spec.Affinity = affinity
	return p
}

var clusters = []string{"my1", "carrot67", "web1"}

func (g *generator) selector() *metav1.LabelSelector {
	s := &metav1.LabelSelector{MatchLabels: map[string]string{}}
	if !g.oneIn(4) {
		s.MatchLabels[labelInstance] = pick(g, clusters...)
	}
	if g.oneIn(2) {
		s.MatchLabels[labelComponent] = pick(g, "mysql", "proxy")
	}
	if g.oneIn(6) {
		s.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: labelInstance, Operator: metav1.LabelSelectorOpNotIn, Values: []string{pick(g, clusters...)}}}
	}
	return s
}

func (g *generator) topologyKey() string {
	return pick(g, corev1.LabelHostname, corev1.LabelHostname, corev1.LabelTopologyZone, "disk")
}

func (g *generator) term() corev1.PodAffinityTerm {
	t := corev1.PodAffinityTerm{TopologyKey: g.topologyKey(), LabelSelector: g.selector()}
	switch g.IntN(8) {
	case 0:
		t.Namespaces = []string{pick(g, Namespace, Other)}
	case 1:
		t.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"tier": pick(g, "data", "web")}}
	case 2:
		t.NamespaceSelector = &metav1.LabelSelector{}
	}
	return t
}

// spread adds a constraint, unless there is one of the same key.
func (g *generator) spread(p *corev1.Pod) {
	c := corev1.TopologySpreadConstraint{
		MaxSkew: 1 + g.Int32N(2), TopologyKey: g.topologyKey(), WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: g.selector(),
	}
	for _, other := range p.Spec.TopologySpreadConstraints {
		if other.TopologyKey == c.TopologyKey {
			return
		}
	}
	p.Spec.TopologySpreadConstraints = append(p.Spec.TopologySpreadConstraints, c)
}

// selection draws what a Pod demands of nodes.
func (g *generator) selection(p *corev1.Pod) {
	switch g.IntN(10) {
	case 0:
		p.Spec.NodeSelector = map[string]string{"disk": "ssd"}
	case 1:
		p.Spec.Affinity.NodeAffinity = &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
			NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{{
				Key: corev1.LabelTopologyZone, Operator: pick(g, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn), Values: []string{pick(g, zones...)},
			}}}},
		}}
	case 2:
		p.Spec.Affinity.NodeAffinity = &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
			NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{{
				Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{pick(g, "node-0", "node-1", "node-9")},
			}}}},
		}}
	}
	if g.oneIn(3) {
		p.Spec.Tolerations = []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpEqual, Value: "web"}}
	}
}

// mount draws a claim: bound in a zone or on a node, waiting for a node, waiting to be bound, or missing.
func (g *generator) mount(p *corev1.Pod) {
	kind := g.IntN(16)
	if kind > 6 {
		return
	}
	name := "data-" + p.Name
	p.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name},
	}}}
	claim := corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: ptr.To(ClassLate),
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}
	switch kind {
	case 0, 1:
		g.bind(&claim, corev1.LabelTopologyZone, pick(g, zones...))
	case 2:
		g.bind(&claim, corev1.LabelHostname, fmt.Sprintf("node-%d", g.IntN(MaxNodes)))
	case 3:
		claim.Spec.StorageClassName = ptr.To(ClassNow)
	case 4:
		claim.Spec.StorageClassName = ptr.To(ClassStatic)
	case 5:
		return // the claim is missing
	}
	g.world.Claims = append(g.world.Claims, claim)
}

// bind binds a claim to a volume in a place.
func (g *generator) bind(claim *corev1.PersistentVolumeClaim, key, value string) {
	claim.Spec.VolumeName = "pv-" + claim.Name
	claim.Status.Phase = corev1.ClaimBound
	claim.Annotations = map[string]string{"pv.kubernetes.io/bind-completed": "yes"}
	g.world.Volumes = append(g.world.Volumes, corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: claim.Spec.VolumeName},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName: ClassLate, AccessModes: claim.Spec.AccessModes, Capacity: claim.Spec.Resources.Requests,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: provisioner, VolumeHandle: claim.Name}},
			ClaimRef:                      &corev1.ObjectReference{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: corev1.NodeSelectorOpIn, Values: []string{value}}},
			}}}},
		},
	})
}
