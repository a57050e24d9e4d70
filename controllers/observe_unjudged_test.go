package controllers

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/feasibility"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// KubeBlocks 0.9 appends the rules of an instance template to those of its component, or of the Cluster where the component has none.
func TestARuleOfTheWholeClusterIsUnjudgedWhereItGoverns(t *testing.T) {
	labels := map[string]string{kubeblocks.LabelComponentName: "mysql"}
	claim := corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Labels: labels}}
	claim.Spec.VolumeName = "pv"
	for component, governs := range map[string]bool{"mysql": false, "proxy": true} {
		t.Run("beside a policy of "+component, func(t *testing.T) {
			g := NewWithT(t)
			s := &scope{cluster: &kubeblocks.Cluster{}}
			s.cluster.Spec.ComponentSpecs = []kubeblocks.ComponentSpec{{Name: "mysql"}, {Name: "proxy"}}
			s.observation.Overriding = map[string]bool{component: true}
			edit := rewrite.Edit{Path: "/spec/schedulingPolicy/x"}
			s.observation.Live.Edits = []rewrite.Edit{edit}
			w := &world{
				World: feasibility.World{Pods: []feasibility.Pod{{Name: "carrot67-mysql-hot-0"}}},
				pods:  []kubeblocks.DatabasePod{{Name: "carrot67-mysql-hot-0", Labels: labels, Ambiguous: true}},
			}

			refused := BeEmpty()
			if governs {
				refused = ConsistOf(remedy.RefusedRule{Path: edit.Path, Reason: ambiguousReason})
			}
			g.Expect(unjudged(w, &s.observation, true)).To(refused)
			g.Expect(unjudged(w, &s.observation, false)).To(BeEmpty(), "later versions append nothing")
			g.Expect(withoutComponent(s, []corev1.PersistentVolumeClaim{claim})).To(ConsistOf(remedy.RefusedRule{Path: edit.Path, Reason: noComponentReason}),
				"it can select the Pods, whether it governs them or not")
		})
	}
}
