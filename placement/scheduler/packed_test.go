package scheduler

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/pkg/placement"
)

// A readField is one that the plugins read of a Pod that runs.
type readField struct {
	name string
	// add adds the field to a running Pod, which has what base gives it. asks is what the Pod that is scheduled needs for a difference.
	base, add, asks func(*corev1.Pod)
	world           func(*placement.World)
}

// TestPackedPodsKeepWhatPluginsRead asks about a Pod beside running Pods without a field, with it, and with it and packed. The first answer
// differs from the others. Of a few Pods the objects are created as they are read; many that are alike have one.
func TestPackedPodsKeepWhatPluginsRead(t *testing.T) {
	for _, field := range readFields() {
		for _, copies := range []int{1, minAlike} {
			t.Run(fmt.Sprintf("%s of %d", field.name, copies), func(t *testing.T) {
				whole := func(p *corev1.Pod) placement.Pod { return placement.WholePods([]corev1.Pod{*p})[0] }
				without := answer(t, field, copies, false, whole)
				with := answer(t, field, copies, true, whole)
				packed := answer(t, field, copies, true, placement.NewPacker().Pack)
				if without == with {
					t.Fatalf("the field makes no difference: %s", with)
				}
				if packed != with {
					t.Errorf("packed: %s\nwhole: %s", packed, with)
				}
			})
		}
	}
}

// answer is what the plugins say about a Pod on two nodes. Running Pods are on node-1.
func answer(t *testing.T, field readField, copies int, with bool, asPod func(*corev1.Pod) placement.Pod) string {
	t.Helper()
	w := &placement.World{Namespaces: []corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "default"}}}}
	for i := range 2 {
		name := fmt.Sprintf("node-%d", i)
		w.Nodes = append(w.Nodes, corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name, corev1.LabelTopologyZone: name}},
			Status:     corev1.NodeStatus{Allocatable: corev1.ResourceList{"cpu": resource.MustParse("64"), "memory": resource.MustParse("64Gi"), "pods": resource.MustParse("110")}},
		})
	}
	for i := range copies {
		pod := podNamed(fmt.Sprintf("running-%d", i))
		pod.Spec.NodeName, pod.Status.Phase = "node-1", corev1.PodRunning
		if field.base != nil {
			field.base(pod)
		}
		if with {
			field.add(pod)
		}
		w.Pods = append(w.Pods, asPod(pod))
	}
	if field.world != nil {
		field.world(w)
	}
	s, err := New(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	pod := podNamed("waiting")
	if field.asks != nil {
		field.asks(pod)
	}
	verdicts, err := s.Filter(t.Context(), pod)
	if err != nil {
		return err.Error()
	}
	picked, err := s.Pick(t.Context(), pod)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%+v, picked %s", verdicts, picked)
}

func podNamed(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID("uid-" + name), Labels: map[string]string{}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}},
	}
}

func readFields() []readField {
	label := func(value string) func(*corev1.Pod) { return func(p *corev1.Pod) { p.Labels["app"] = value } }
	rule := corev1.PodAffinityTerm{TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}}
	apart := func(key string) func(*corev1.Pod) {
		term := rule
		term.TopologyKey = key
		return func(p *corev1.Pod) {
			p.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
				RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{term},
			}}
		}
	}
	fields := []readField{
		{name: "labels", add: label("web"), asks: apart(corev1.LabelHostname)},
		{name: "namespace", base: label("web"), add: func(p *corev1.Pod) { p.Namespace = "other" }, asks: apart(corev1.LabelHostname)},
		{
			name: "deletionTimestamp", base: label("web"), add: func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{Time: metav1.Now().Time} },
			asks: func(p *corev1.Pod) {
				label("web")(p)
				p.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
					MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: rule.LabelSelector,
				}}
			},
		},
		{name: "required podAntiAffinity on the node", add: apart(corev1.LabelHostname), asks: label("web")},
		{name: "required podAntiAffinity in the zone", add: apart(corev1.LabelTopologyZone), asks: label("web")},
		{name: "required podAffinity", asks: label("web"), add: func(p *corev1.Pod) {
			p.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{rule}}}
		}},
		{name: "preferred podAffinity", asks: label("web"), add: func(p *corev1.Pod) {
			p.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
				PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{Weight: 100, PodAffinityTerm: rule}},
			}}
		}},
		{
			name: "preferred podAntiAffinity",
			asks: func(p *corev1.Pod) { label("web")(p); request("1")(p) },
			add: func(p *corev1.Pod) {
				p.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
					PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{Weight: 100, PodAffinityTerm: rule}},
				}}
			},
			// The node without running Pods is smaller, so that the other one is better.
			world: func(w *placement.World) {
				w.Nodes[0].Status.Allocatable = w.Nodes[0].Status.Allocatable.DeepCopy()
				w.Nodes[0].Status.Allocatable[corev1.ResourceCPU] = resource.MustParse("2")
			},
		},
	}
	return append(append(fields, requestFields()...), volumeFields()...)
}

func cpu(quantity string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(quantity)}
}

func request(quantity string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.Containers[0].Resources.Requests = cpu(quantity) }
}

// requestFields are what counts as a request. The Pod that is scheduled requests nearly a node.
func requestFields() []readField {
	always := corev1.ContainerRestartPolicyAlways
	asks := request("60")
	resized := func(p *corev1.Pod) {
		request("5")(p)
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", AllocatedResources: cpu("100m")}}
	}
	podLevel := func(allocated, actual string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Status.AllocatedResources, p.Status.Resources = cpu(allocated), &corev1.ResourceRequirements{Requests: cpu(actual)}
		}
	}
	port := corev1.ContainerPort{HostPort: 80, Protocol: corev1.ProtocolTCP}
	listen := func(p *corev1.Pod) { p.Spec.Containers[0].Ports = []corev1.ContainerPort{port} }
	return []readField{
		{name: "containers' requests", add: request("5"), asks: asks},
		{name: "initContainers' requests", asks: asks, add: func(p *corev1.Pod) {
			p.Spec.InitContainers = []corev1.Container{{Name: "init", Resources: corev1.ResourceRequirements{Requests: cpu("5")}}}
		}},
		{
			name: "initContainers' restartPolicy", asks: asks,
			base: func(p *corev1.Pod) {
				request("3")(p)
				p.Spec.InitContainers = []corev1.Container{{Name: "init", Resources: corev1.ResourceRequirements{Requests: cpu("3")}}}
			},
			add: func(p *corev1.Pod) { p.Spec.InitContainers[0].RestartPolicy = &always },
			// As many as are copied fit only without it.
			world: func(w *placement.World) {
				w.Nodes[1].Status.Allocatable = w.Nodes[1].Status.Allocatable.DeepCopy()
				w.Nodes[1].Status.Allocatable[corev1.ResourceCPU] = resource.MustParse(fmt.Sprint(60 + 3*len(w.Pods)))
			},
		},
		{name: "overhead", add: func(p *corev1.Pod) { p.Spec.Overhead = cpu("5") }, asks: asks},
		{name: "resources", asks: asks, add: func(p *corev1.Pod) { p.Spec.Resources = &corev1.ResourceRequirements{Requests: cpu("5")} }},
		{name: "containerStatuses' allocatedResources", asks: asks, add: func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", AllocatedResources: cpu("5")}}
		}},
		{name: "containerStatuses' resources", asks: asks, add: func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", Resources: &corev1.ResourceRequirements{Requests: cpu("5")}}}
		}},
		{
			name: "initContainerStatuses' allocatedResources", asks: asks,
			base: func(p *corev1.Pod) {
				p.Spec.InitContainers = []corev1.Container{{Name: "init", RestartPolicy: &always}}
			},
			add: func(p *corev1.Pod) {
				p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "init", AllocatedResources: cpu("5")}}
			},
		},
		{name: "the condition of an infeasible resize", base: resized, asks: asks, add: func(p *corev1.Pod) {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodResizePending, Status: corev1.ConditionTrue, Reason: corev1.PodReasonInfeasible}}
		}},
		{name: "allocatedResources", base: podLevel("100m", "100m"), add: podLevel("5", "100m"), asks: asks},
		{name: "resources in the status", base: podLevel("100m", "100m"), add: podLevel("100m", "5"), asks: asks},
		{name: "containers' hostPort", add: listen, asks: listen},
		{
			name: "sidecars' hostPort", asks: listen,
			base: func(p *corev1.Pod) {
				p.Spec.InitContainers = []corev1.Container{{Name: "init", RestartPolicy: &always}}
			},
			add: func(p *corev1.Pod) { p.Spec.InitContainers[0].Ports = []corev1.ContainerPort{port} },
		},
	}
}
