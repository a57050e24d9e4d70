package placement

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func refused(node string, reasons ...string) Verdict {
	return Verdict{Node: node, Refusals: []Refusal{{Plugin: "first", Reasons: reasons}, {Plugin: "second", Reasons: []string{"not counted"}}}}
}

func TestMessage(t *testing.T) {
	whole := Verdict{Node: "a", Refusals: []Refusal{{Plugin: "p", Reasons: []string{"pod has unbound immediate PersistentVolumeClaims"}, AllNodes: true}}}
	for _, c := range []struct {
		name     string
		verdicts []Verdict
		text     string
	}{
		{"the first reason of each node, counted and sorted", []Verdict{refused("a", "x"), refused("b", "a", "x"), refused("c", "x")},
			"0/3 nodes are available: 1 a, 3 x."},
		{"a refusal of the Pod itself", []Verdict{whole, whole}, "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims."},
		{"a node fits", []Verdict{refused("a", "x"), {Node: "b"}}, ""},
		{"no nodes", nil, "no nodes available to schedule pods"},
	} {
		NewWithT(t).Expect(Message(c.verdicts)).To(Equal(c.text), c.name)
	}
}

func TestAgrees(t *testing.T) {
	g := NewWithT(t)
	const expected = "0/1 nodes are available: 1 Insufficient cpu."

	g.Expect(Agrees(expected, expected)).To(BeTrue())
	g.Expect(Agrees(expected+" no new claims to deallocate, preemption: 0/1 nodes are available", expected)).To(BeTrue())
	g.Expect(Agrees("0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.", expected)).To(BeFalse())
	g.Expect(Agrees("0/11 nodes are available", expected)).To(BeFalse())
	g.Expect(Agrees("", "")).To(BeFalse(), "nothing was said")
	g.Expect(Agrees("anything", "")).To(BeFalse(), "a node fits")
}

func TestGroupedJoinsNodesWithTheSameReasons(t *testing.T) {
	g := NewWithT(t)
	stop := Stop{By: "cpu: asks for 4, 1 of 8 is free", Plugin: pluginResources, Reasons: []string{"Insufficient cpu"}}
	other := stop
	other.By = "cpu: asks for 4, 2 of 8 is free"

	rows := Grouped([]NodeRow{
		{Nodes: []string{"a"}, Stops: []Stop{stop}}, {Nodes: []string{"b"}, Fits: true}, {Nodes: []string{"c"}, Stops: []Stop{other}},
	})

	g.Expect(rows).To(HaveLen(2))
	g.Expect(rows[0].Nodes).To(Equal([]string{"a", "c"}))
}

func TestOverQuota(t *testing.T) {
	quota := func(hard, used corev1.ResourceList) *World {
		return &World{Quotas: []corev1.ResourceQuota{{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "small"}, Status: corev1.ResourceQuotaStatus{Hard: hard, Used: used},
		}}}
	}
	cpu := func(name corev1.ResourceName, n string) corev1.ResourceList {
		return corev1.ResourceList{name: resource.MustParse(n)}
	}
	spec := &corev1.PodSpec{Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: cpu(corev1.ResourceCPU, "2")}}}}
	for _, c := range []struct {
		name  string
		world *World
		says  OmegaMatcher
	}{
		{"room", quota(cpu("requests.cpu", "4"), cpu("requests.cpu", "2")), BeEmpty()},
		{"too little", quota(cpu("requests.cpu", "4"), cpu("requests.cpu", "3")), HavePrefix("quota small: ")},
		{"by the short name", quota(cpu("cpu", "1"), nil), HavePrefix("quota small: cpu")},
		{"of something else", quota(cpu("services", "1"), cpu("services", "1")), BeEmpty()},
		{"Pods", quota(cpu("pods", "1"), cpu("pods", "1")), HavePrefix("quota small: ")},
	} {
		g := NewWithT(t)
		g.Expect(OverQuota(c.world, "default", spec)).To(c.says, c.name)
		g.Expect(OverQuota(c.world, "elsewhere", spec)).To(BeEmpty())
	}
}
