package remedy

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// shards is the observation of a Cluster with so many Components. Each has a Restore with one Job that is stuck.
func shards(count int) Observation {
	o := stuck()
	o.Live, o.Components, o.Restores = rewrite.Result{}, nil, nil
	for i := range count {
		component := fmt.Sprintf("shard%d", i)
		o.Components = append(o.Components, Component{Object: object("carrot67-" + component)})
		o.Restores = append(o.Restores, Restore{
			Object: object(component), Owner: "carrot67-" + component, Component: component, Stale: []rewrite.Edit{edit(component)},
			Jobs: []Job{{Object: object(component + "-job"), Outdated: true, HasPods: true}},
		})
	}
	return o
}

func reasons(o Observation, p Plan) []string {
	var list []string
	for _, r := range o.Restores {
		list = append(list, p.Restores[r.UID].PolicyRehomed.Reason)
	}
	return list
}

func TestAllRestoresAreReCreatedAtOnce(t *testing.T) {
	g := NewWithT(t)
	plan := Decide(shards(20))

	g.Expect(plan.Next()).To(HaveLen(20))
	g.Expect(plan.Next()).To(HaveEach(BeAssignableToTypeOf(RecreateRestore{})))
	g.Expect(plan.RateLimited).To(BeFalse())
}

func TestAttemptsOfOnePlanTakeTokens(t *testing.T) {
	const granted = v1alpha1.ReasonRecreatingRestore
	o := shards(4)
	o.Limits.RemediationBurst = 6 // one Namespace gets half
	o.Recent = o.Recent.With(now)
	waiting := o.History.With(restoreKey(o.Restores[1]), recreateRestore, ago(1))

	t.Run("until there is none", func(t *testing.T) {
		g := NewWithT(t)
		plan := Decide(o)

		g.Expect(plan.Next()).To(HaveExactElements(HaveField("Restore", object("shard0")), HaveField("Restore", object("shard1"))))
		g.Expect(reasons(o, plan)).To(Equal([]string{granted, granted, v1alpha1.ReasonRateLimited, v1alpha1.ReasonRateLimited}))
		g.Expect(plan.RateLimited).To(BeTrue())
		g.Expect(plan.RequeueAfter.Seconds()).To(BeNumerically("~", 6, 0.01), "the time of one token")
		g.Expect(o.Recent).To(Equal(shards(0).Recent.With(now)), "the observation is not changed")
	})
	t.Run("but not for one that was recorded before", func(t *testing.T) {
		g := NewWithT(t)
		o := o
		o.History = waiting
		plan := Decide(o)

		g.Expect(plan.Next()).To(HaveLen(3))
		g.Expect(plan.Next()[1].Attempt()).To(BeNil())
		g.Expect(reasons(o, plan)).To(Equal([]string{granted, granted, granted, v1alpha1.ReasonRateLimited}))
	})
	t.Run("but not in mode Observe, which makes none", func(t *testing.T) {
		g := NewWithT(t)
		o := o
		o.Mode = configv1alpha1.Observe
		plan := Decide(o)

		g.Expect(plan.Next()).To(BeEmpty())
		g.Expect(reasons(o, plan)).To(HaveEach(v1alpha1.ReasonObserved))
	})
}

func TestTheShortestWaitOfSeveralRestoresDecides(t *testing.T) {
	for _, backsOff := range []string{"shard0", "shard1"} {
		t.Run(backsOff+" backs off", func(t *testing.T) {
			g := NewWithT(t)
			o := shards(2)
			o.History = o.History.With(key("Restore", backsOff, uids("before")...), recreateRestore, ago(1))
			o.Limits.RemediationBurst = 1
			o.Recent = o.Recent.With(now)

			plan := Decide(o)

			g.Expect(reasons(o, plan)).To(ConsistOf(v1alpha1.ReasonBackingOff, v1alpha1.ReasonRateLimited))
			g.Expect(plan.RequeueAfter.Seconds()).To(BeNumerically("~", 6, 0.01), "the time of one token")
			g.Expect(plan.RateLimited).To(BeTrue())
		})
	}
}

func TestTheClusterReportsTheRestoreThatIsWorstOff(t *testing.T) {
	for i := range 2 {
		t.Run(fmt.Sprintf("shard%d", i), func(t *testing.T) {
			g := NewWithT(t)
			o := shards(2)
			done, worst := &o.Restores[1-i], &o.Restores[i]
			done.Stale, done.Jobs[0].Outdated = nil, false
			worst.Pods = []Pod{{Name: "p", Unschedulable: "0/3 nodes are available."}}

			cluster := Decide(o).Cluster

			g.Expect(cluster.PolicyRehomed.Reason).To(Equal(v1alpha1.ReasonRecreatingRestore))
			g.Expect(cluster.PodsScheduled.Reason).To(Equal(v1alpha1.ReasonUnschedulable))
		})
	}
}

func TestAWriteToTheClusterIsTakenAloneAndFirst(t *testing.T) {
	t.Run("a rewrite", func(t *testing.T) {
		g := NewWithT(t)
		o := shards(2)
		o.Live.Edits = []rewrite.Edit{edit("shard1")}
		plan := Decide(o)

		g.Expect(plan.Actions).To(HaveExactElements(BeAssignableToTypeOf(PatchCluster{}), BeAssignableToTypeOf(RecreateRestore{})))
		g.Expect(plan.Next()).To(HaveExactElements(BeAssignableToTypeOf(PatchCluster{})))
	})
	t.Run("the record of lost spread, of all Restores", func(t *testing.T) {
		g := NewWithT(t)
		o := shards(3)
		for i := range o.Restores[1:] {
			o.Restores[1+i].Finished = true
			o.Restores[1+i].Pods = []Pod{{Name: "a", Node: "n1"}, {Name: "b", Node: "n1"}}
		}
		plan := Decide(o)

		g.Expect(plan.Actions).To(HaveExactElements(BeAssignableToTypeOf(RecordLostSpread{}), BeAssignableToTypeOf(RecreateRestore{})))
		g.Expect(plan.Next()).To(HaveExactElements(HaveField("History.LostSpread", And(HaveKey("shard1"), HaveKey("shard2")))))
		g.Expect(o.History.LostSpread).To(BeEmpty(), "the observation is not changed")
	})
	t.Run("but after what finishes a replacement", func(t *testing.T) {
		g := NewWithT(t)
		o := shards(2)
		o.Live.Edits = []rewrite.Edit{edit("shard1")}
		o.Restores[0].Replacement = ReplacementRemoved

		g.Expect(Decide(o).Next()).To(HaveExactElements(AddSchedulingSpec{Restore: object("shard0")}))
	})
}

// KubeBlocks 1.2 makes the rules of its Restores itself, and an edit of one fails the restore.
func TestUnfinishedLeavesRestoresOfKubeBlocks12Alone(t *testing.T) {
	g := NewWithT(t)
	o := Observation{Restores: []Restore{{Replacement: ReplacementRemoved}, {Replacement: ReplacementEmptied}}}
	g.Expect(Unfinished(o)).To(HaveLen(2))

	o.ClusterOnly = true

	g.Expect(Unfinished(o)).To(BeEmpty())
}
