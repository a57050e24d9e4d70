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

	world, runs := withRunning(w, []databasePod{
		podOfMysql("carrot67-mysql-0", "n0"), podOfMysql("carrot67-mysql-7", "n7"), podOfMysql("carrot67-mysql-hot-0", "hot"),
		podOfMysql("carrot67-mysql-hot-1", "beyond"), podOfMysql("carrot67-mysql-8", ""),
	})

	nodes := map[string]string{}
	for pod := range runs {
		for _, v := range pod.Volumes {
			nodes[pod.Name] += v.Node
		}
	}
	g := NewWithT(t)
	g.Expect(nodes).To(Equal(map[string]string{"carrot67-mysql-0": "n0", "carrot67-mysql--new-1": "n7", "carrot67-mysql-hot-new-0": "hot"}))
	g.Expect(world.Pods).To(HaveLen(4))
	g.Expect(w.Pods[0].Volumes).To(HaveLen(1), "the World stays as it is")
}

// mysql-0 waits, and Pods of proxy run, which has another policy.
func TestARuleIsRefusedWhereRunningPodsCloseAllNodesOfAVolume(t *testing.T) {
	apart := func(cluster string) feasibility.Rules {
		return feasibility.Rules{Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
			TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{kubeblocks.LabelInstance: cluster}},
		}}}}}
	}
	node := func(name, zone string) corev1.Node {
		return corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name, corev1.LabelTopologyZone: zone}}}
	}
	inZone := &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
		MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{"a"}}},
	}}}}
	selects := func(node string) func(p *feasibility.Pod) {
		return func(p *feasibility.Pod) { p.NodeSelector = map[string]string{corev1.LabelHostname: node} }
	}
	antiAffinity := func(r *feasibility.Rules) *corev1.PodAffinityTerm {
		return &r.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0]
	}
	for name, c := range map[string]struct {
		volume  feasibility.Volume
		on      []string
		stale   string
		budget  *feasibility.Budget
		refused bool
		change  func(p *feasibility.Pod)
	}{
		"on the only node":                             {feasibility.Volume{Node: "n1"}, []string{"n1"}, "my1", feasibility.NewBudget(), true, nil},
		"on another node":                              {feasibility.Volume{Node: "n1"}, []string{"n2"}, "my1", feasibility.NewBudget(), false, nil},
		"on one of the zone's nodes":                   {feasibility.Volume{NodeAffinity: inZone}, []string{"n1"}, "my1", feasibility.NewBudget(), false, nil},
		"on all of the zone's nodes":                   {feasibility.Volume{NodeAffinity: inZone}, []string{"n1", "n2"}, "my1", feasibility.NewBudget(), true, nil},
		"but not where the volume can be anywhere":     {feasibility.Volume{}, []string{"n1", "n2", "n3"}, "my1", feasibility.NewBudget(), false, nil},
		"but not where the stale rule does so":         {feasibility.Volume{Node: "n1"}, []string{"n1"}, "carrot67", feasibility.NewBudget(), false, nil},
		"and where it costs too much to tell":          {feasibility.Volume{Node: "n1"}, []string{"n2"}, "my1", &feasibility.Budget{}, true, nil},
		"on the zone's only node that the Pod selects": {feasibility.Volume{NodeAffinity: inZone}, []string{"n1"}, "my1", feasibility.NewBudget(), true, selects("n1")},
		"but not for a Pod that no node could take":    {feasibility.Volume{Node: "n1"}, []string{"n1"}, "my1", feasibility.NewBudget(), false, selects("n2")},
		"and where the stale rule is about the Pods of another Namespace": {feasibility.Volume{Node: "n1"}, []string{"n1"}, "carrot67", feasibility.NewBudget(), true,
			func(p *feasibility.Pod) {
				antiAffinity(&p.Stale).NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: "prod"}}
			}},
		"but not by a rule that depends on labels of the Pod": {feasibility.Volume{Node: "n1"}, []string{"n1"}, "my1", feasibility.NewBudget(), false,
			func(p *feasibility.Pod) {
				antiAffinity(&p.Rewritten).MatchLabelKeys = []string{kubeblocks.LabelComponentName}
			}},
	} {
		t.Run(name, func(t *testing.T) {
			labels := map[string]string{kubeblocks.LabelInstance: "carrot67"}
			waits := feasibility.Pod{Name: "carrot67-mysql-0", Labels: labels, Policy: "/mysql", Stale: apart(c.stale), Rewritten: apart("carrot67"), Volumes: []feasibility.Volume{c.volume}}
			w := &feasibility.World{Namespace: "default", Pods: []feasibility.Pod{waits}, Nodes: []corev1.Node{node("n1", "a"), node("n2", "a"), node("n3", "b")}}
			if c.change != nil {
				c.change(&w.Pods[0])
			}
			var database []databasePod
			for i, on := range c.on {
				running := podOfMysql("carrot67-proxy-"+string(rune('0'+i)), on)
				w.Pods = append(w.Pods, feasibility.Pod{Name: running.Name, Labels: labels, Policy: "/proxy", Volumes: []feasibility.Volume{{}}})
				database = append(database, running)
			}

			refused := besideRunning(w, database, c.budget)

			if !c.refused {
				NewWithT(t).Expect(refused).To(BeEmpty())
				return
			}
			NewWithT(t).Expect(refused).To(ConsistOf(HaveField("Path", "/mysql/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/0")))
		})
	}
}

func TestPodsThatRunTogetherRefuseNothing(t *testing.T) {
	labels := map[string]string{kubeblocks.LabelInstance: "carrot67"}
	terms := []corev1.PodAffinityTerm{{TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{MatchLabels: labels}}}
	rules := feasibility.Rules{Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms}}}
	w := &feasibility.World{Namespace: "default", Nodes: []corev1.Node{{ObjectMeta: metav1.ObjectMeta{Name: "n1", Labels: map[string]string{corev1.LabelHostname: "n1"}}}}}
	var database []databasePod
	for _, name := range []string{"carrot67-mysql-0", "carrot67-mysql-1"} {
		w.Pods = append(w.Pods, feasibility.Pod{Name: name, Labels: labels, Policy: "/mysql", Rewritten: rules, Volumes: []feasibility.Volume{{Node: "n1"}}})
		database = append(database, podOfMysql(name, "n1"))
	}

	NewWithT(t).Expect(besideRunning(w, database, feasibility.NewBudget())).To(BeEmpty())
}
