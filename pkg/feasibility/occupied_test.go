package feasibility

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestOccupiedDomainsAreThoseOfVolumesThatATermSelects(t *testing.T) {
	const zone = corev1.LabelTopologyZone
	node := func(name, in string) corev1.Node {
		return corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name, zone: in}}}
	}
	tied := func(key, value string) *corev1.VolumeNodeAffinity {
		return &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: corev1.NodeSelectorOpIn, Values: []string{value}}},
		}}}}
	}
	apart := func(key, cluster string) Rules {
		return Rules{Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
				TopologyKey: key, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"cluster": cluster}},
			}},
		}}}
	}
	pod := func(volumes ...Volume) Pod {
		return Pod{Labels: map[string]string{"cluster": "c"}, Volumes: volumes}
	}
	for name, c := range map[string]struct {
		rules  Rules
		pods   []Pod
		want   []Domain
		free   bool
		closed func(n1 *corev1.Node)
	}{
		"a selected node":                   {apart(corev1.LabelHostname, "c"), []Pod{pod(Volume{Node: "n1"})}, []Domain{{corev1.LabelHostname, "n1"}}, true, nil},
		"a volume on a node":                {apart(corev1.LabelHostname, "c"), []Pod{pod(Volume{NodeAffinity: tied(corev1.LabelHostname, "n2")})}, []Domain{{corev1.LabelHostname, "n2"}}, true, nil},
		"a volume in a zone with two nodes": {apart(corev1.LabelHostname, "c"), []Pod{pod(Volume{NodeAffinity: tied(zone, "a")})}, nil, true, nil},
		"the same zone, one of its nodes cordoned": {apart(corev1.LabelHostname, "c"), []Pod{pod(Volume{NodeAffinity: tied(zone, "a")})}, []Domain{{corev1.LabelHostname, "n2"}}, true,
			func(n1 *corev1.Node) { n1.Spec.Unschedulable = true }},
		"the same zone, one of its nodes tainted": {apart(corev1.LabelHostname, "c"), []Pod{pod(Volume{NodeAffinity: tied(zone, "a")})}, []Domain{{corev1.LabelHostname, "n2"}}, true,
			func(n1 *corev1.Node) {
				n1.Spec.Taints = []corev1.Taint{{Key: "gpu", Effect: corev1.TaintEffectNoSchedule}}
			}},
		"a volume on a node that is cordoned": {apart(corev1.LabelHostname, "c"), []Pod{pod(Volume{Node: "n1"})}, []Domain{{corev1.LabelHostname, "n1"}}, true,
			func(n1 *corev1.Node) { n1.Spec.Unschedulable = true }},
		"a volume in a zone, and zones":        {apart(zone, "c"), []Pod{pod(Volume{NodeAffinity: tied(zone, "a")})}, []Domain{{zone, "a"}}, true, nil},
		"a volume in each zone, and zones":     {apart(zone, "c"), []Pod{pod(Volume{NodeAffinity: tied(zone, "a")}), pod(Volume{Node: "n3"})}, []Domain{{zone, "a"}, {zone, "b"}}, false, nil},
		"a free volume":                        {apart(corev1.LabelHostname, "c"), []Pod{pod(Volume{})}, nil, true, nil},
		"a Pod that the term does not select":  {apart(corev1.LabelHostname, "other"), []Pod{pod(Volume{Node: "n1"})}, nil, true, nil},
		"a Pod with the rules, which is apart": {apart(corev1.LabelHostname, "c"), []Pod{pod(Volume{Node: "n1", Claim: "own"})}, nil, true, nil},
		"no rules":                             {Rules{}, []Pod{pod(Volume{Node: "n1"})}, nil, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			w := World{Namespace: "default", Nodes: []corev1.Node{node("n1", "a"), node("n2", "a"), node("n3", "b")}, Pods: c.pods}
			if c.closed != nil {
				c.closed(&w.Nodes[0])
			}

			o := NewOccupancy(&w, NewBudget())
			occupied, ok := o.Occupied(c.rules, func(p *Pod) bool { return p.Volumes[0].Claim != "own" })

			g.Expect(ok).To(BeTrue())
			g.Expect(occupied).To(Equal(c.want))
			g.Expect(o.Free(occupied, nil)).To(Equal(c.free))
			for _, d := range occupied {
				if d.Key == corev1.LabelHostname {
					g.Expect(o.Free(occupied, []Volume{{Node: d.Value}})).To(BeFalse(), "a volume in an occupied domain")
				}
			}
		})
	}
}
