package controllers

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// KubeBlocks 1.2 restores a volume on the node that the scheduler selected. Until then its Pod has no condition PodScheduled.
func TestAPodIsUnplacedUntilANodeIsSelectedForItsVolume(t *testing.T) {
	component := &kubeblocks.Component{ObjectMeta: metav1.ObjectMeta{Name: "carrot67-mysql", Labels: map[string]string{kubeblocks.LabelComponentName: "mysql"}}}
	for name, c := range map[string]struct {
		pod      func(*rehometesting.PodWrapper)
		claim    func(*rehometesting.ClaimWrapper)
		unplaced bool
	}{
		"no node is selected":         {unplaced: true},
		"a node is selected":          {claim: func(w *rehometesting.ClaimWrapper) { w.Selected("n1") }},
		"the volume exists, too":      {claim: func(w *rehometesting.ClaimWrapper) { w.Selected("n1").Obj().Spec.VolumeName = "pv" }, unplaced: true},
		"the scheduler found no node": {pod: func(w *rehometesting.PodWrapper) { w.Unschedulable("0/3 nodes are available") }},
		"the Pod is bound":            {pod: func(w *rehometesting.PodWrapper) { w.OnNode("n1") }},
	} {
		t.Run(name, func(t *testing.T) {
			pod := rehometesting.MakeDatabasePod(component, "carrot67-mysql-0").Pending().Claim("data-carrot67-mysql-0")
			if c.pod != nil {
				c.pod(pod)
			}
			data := rehometesting.MakeClaim(pod.Obj())
			if c.claim != nil {
				c.claim(data)
			}
			var o remedy.Observation

			newAwaited(&o, []corev1.PersistentVolumeClaim{*data.Obj()}).databasePods([]databasePod{{pod.Obj(), &kubeblocks.InstanceSet{}, component}})

			want := BeEmpty()
			if c.unplaced {
				want = ConsistOf(remedy.Scope{Component: "mysql"})
			}
			NewWithT(t).Expect(o.Unplaced).To(want)
		})
	}
}
