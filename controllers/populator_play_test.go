package controllers_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// outcome is how a restore ends: how many of its Pods have nodes, and what Rehome says of it.
type outcome struct {
	bound  int
	status metav1.ConditionStatus
	reason string
}

var _ = besideKubeBlocks12("A restore of KubeBlocks 1.2 to its end", func(e *env) {
	// play lets KubeBlocks and the scheduler work until nothing changes, with or without Rehome. The source is on the first taken of
	// three nodes.
	play := func(rehome bool, taken, replicas int, start func(*rehometesting.ClusterWrapper), change func(*populator)) outcome {
		GinkgoHelper()
		e.reset(rehometesting.V12())
		p := &populator{env: e, replicas: replicas, room: 10, assumed: map[types.UID]string{}}
		for _, name := range []string{"n1", "n2", "n3"} {
			p.nodes = append(p.nodes, e.node(name, "a"))
		}
		p.taken = p.nodes[:taken]
		p.v = e.volumeRestore(clusterStale, start)
		change(p)
		e.merge(p.v.set, `{"spec":{"replicas":`+string(rune('0'+replicas))+`}}`)
		if p.onDelete && !p.instances {
			e.merge(p.v.set, `{"spec":{"instanceUpdateStrategy":{"type":"OnDelete"}}}`)
		}
		for range 12 {
			p.step()
			if rehome {
				e.reconcile()
				e.clock.Step(time.Hour)
			}
		}
		end := outcome{bound: p.bound()}
		if rehome {
			ready := e.reported(v1alpha1.ConditionReady)
			end.status, end.reason = ready.Status, ready.Reason
		}
		return end
	}
	nothing := func(*populator) {}

	DescribeTable("ends no worse with Rehome than without",
		func(taken, replicas int, start func(*rehometesting.ClusterWrapper), change func(*populator), without int, with outcome) {
			Expect(play(false, taken, replicas, start, change).bound).To(Equal(without), "without Rehome")
			Expect(play(true, taken, replicas, start, change)).To(Equal(with), "with Rehome")
		},
		Entry("all Pods refused", 3, 3, fromBackup, nothing, 0, outcome{3, metav1.ConditionTrue, v1alpha1.ReasonRehomed}),
		Entry("all Pods refused, and none replaced", 3, 2, fromBackup, func(p *populator) { p.onDelete = true }, 0, outcome{2, metav1.ConditionTrue, v1alpha1.ReasonRehomed}),
		Entry("all Pods refused, with Instances", 3, 2, fromBackup, func(p *populator) { p.instances = true }, 0, outcome{2, metav1.ConditionTrue, v1alpha1.ReasonRehomed}),
		Entry("all Pods refused, with Instances, and none replaced", 3, 2, fromBackup, func(p *populator) { p.instances, p.onDelete = true, true }, 0,
			outcome{2, metav1.ConditionTrue, v1alpha1.ReasonRehomed}),
		Entry("all Pods on the only node without the source", 2, 2, fromBackup, nothing, 2, outcome{2, metav1.ConditionFalse, v1alpha1.ReasonVolumesBound}),
		Entry("one Pod on the only such node, and no room for the other", 2, 2, fromBackup, func(p *populator) { p.room = 1 }, 1,
			outcome{1, metav1.ConditionFalse, v1alpha1.ReasonVolumesBound}),
		Entry("an empty database", 3, 2, func(c *rehometesting.ClusterWrapper) {
			c.Annotation(kubeblocks.AnnotationRestoreFromBackup, `{"mysql":{"name":"bp1"}}`)
		}, nothing, 0, outcome{0, metav1.ConditionFalse, v1alpha1.ReasonRestoreIgnored}),
	)
})
