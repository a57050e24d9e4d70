package controllers

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/feasibility"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// seatOf returns a Pod of a World: without claims, it has a name that no Pod has.
func seatOf(name, template, policy string, claims ...string) feasibility.Pod {
	pod := feasibility.Pod{Name: name, Policy: policy, Labels: map[string]string{
		kubeblocks.LabelWorkload: "carrot67-mysql", kubeblocks.LabelInstanceTemplate: template,
	}}
	for _, claim := range claims {
		pod.Volumes = append(pod.Volumes, feasibility.Volume{Claim: claim})
	}
	return pod
}

func podOfMysql(name, node string) databasePod {
	component := &kubeblocks.Component{ObjectMeta: metav1.ObjectMeta{Name: "carrot67-mysql"}}
	set := &kubeblocks.InstanceSet{ObjectMeta: metav1.ObjectMeta{Name: "carrot67-mysql"}}
	return databasePod{rehometesting.MakeDatabasePod(component, name).OnNode(node).Obj(), set, component}
}

func TestWithRunningTiesEachPodThatRunsOnce(t *testing.T) {
	w := &feasibility.World{Pods: []feasibility.Pod{
		seatOf("carrot67-mysql-0", "", "/mysql", "data-0"), seatOf("carrot67-mysql--new-1", "", "/mysql"),
		seatOf("carrot67-mysql--new-2", "", "/mysql"), seatOf("carrot67-mysql-hot-new-0", "hot", "/hot"),
	}}
	pods := []databasePod{
		podOfMysql("carrot67-mysql-0", "n0"), podOfMysql("carrot67-mysql-7", "n7"), podOfMysql("carrot67-mysql-hot-0", "hot"),
		podOfMysql("carrot67-mysql-hot-1", "beyond"),
	}

	got := withRunning(w, pods)

	nodes := map[string]string{}
	for _, pod := range got.Pods {
		for _, v := range pod.Volumes {
			if v.Node != "" {
				nodes[pod.Name] += v.Node
			}
		}
	}
	g := NewWithT(t)
	g.Expect(nodes).To(Equal(map[string]string{"carrot67-mysql-0": "n0", "carrot67-mysql--new-1": "n7", "carrot67-mysql-hot-new-0": "hot"}))
	g.Expect(w.Pods[0].Volumes).To(HaveLen(1), "the World stays as it is")
	g.Expect(withRunning(w, []databasePod{podOfMysql("carrot67-mysql-0", "")})).To(BeNil())
}

// Neither the node's taints nor rules about nodes move a Pod that runs. Only a restart gives it other rules.
func TestWithRunningKeepsAPodWhereAndAsItIs(t *testing.T) {
	g := NewWithT(t)
	terms := []corev1.PodAffinityTerm{{TopologyKey: corev1.LabelHostname}}
	stale := &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{}, PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms}}
	runs, waits := seatOf("carrot67-mysql-0", "", "/mysql", "data-0"), seatOf("carrot67-mysql-1", "", "/mysql", "data-1")
	other := seatOf("carrot67-mysql-hot-0", "hot", "/hot", "data-hot-0")
	for _, pod := range []*feasibility.Pod{&runs, &waits, &other} {
		pod.NodeSelector = map[string]string{"disk": "ssd"}
		pod.Stale.Affinity, pod.Rewritten.Affinity = stale, &corev1.Affinity{}
	}
	w := &feasibility.World{Pods: []feasibility.Pod{runs, waits, other}}

	got := withRunning(w, []databasePod{podOfMysql("carrot67-mysql-0", "n0")}).Pods

	g.Expect(got[0].NodeSelector).To(BeEmpty())
	g.Expect(got[0].Tolerations).To(ConsistOf(corev1.Toleration{Operator: corev1.TolerationOpExists}))
	g.Expect(got[0].Stale.Affinity).To(Equal(&corev1.Affinity{PodAntiAffinity: stale.PodAntiAffinity}))
	g.Expect(got[0].Rewritten).To(Equal(got[0].Stale))
	g.Expect(got[1].Rewritten).To(Equal(got[1].Stale), "it has the same policy")
	g.Expect(got[1].NodeSelector).NotTo(BeEmpty())
	g.Expect(got[2]).To(Equal(other))
}
