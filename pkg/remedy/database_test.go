package remedy

import (
	"testing"

	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

func TestDatabasePodsWithoutANodeAreReported(t *testing.T) {
	const words = "0/3 nodes are available."
	running := RestoreProgress{Status: metav1.ConditionUnknown, Message: "RestoreRunning: 1 of 2"}
	for name, c := range map[string]struct {
		byClaim  bool
		progress RestoreProgress
		pods     []Pod
		status   metav1.ConditionStatus
		reason   string
		message  string
	}{
		"refused, with any version":        {false, RestoreProgress{}, []Pod{{Name: "p", Unschedulable: words}}, metav1.ConditionFalse, v1alpha1.ReasonUnschedulable, "1 database Pods have no node. p: " + words},
		"not yet tried, up to 1.1":         {false, RestoreProgress{}, []Pod{{Name: "p"}}, metav1.ConditionTrue, v1alpha1.ReasonScheduled, noRestore},
		"not yet tried, from 1.2 on":       {true, running, []Pod{{Name: "p"}}, metav1.ConditionFalse, v1alpha1.ReasonScheduling, "p: the scheduler has not tried"},
		"restoring, though refused before": {true, running, []Pod{{Name: "p", Unschedulable: words, RestoringOn: "n1"}}, metav1.ConditionUnknown, v1alpha1.ReasonRestoringVolumes, "p: its volume is being restored on node n1"},
		"refused, while another one waits": {true, running, []Pod{{Name: "p", RestoringOn: "n1"}, {Name: "q", Unschedulable: words}}, metav1.ConditionFalse, v1alpha1.ReasonUnschedulable, "q: " + words},
		"no Pods, and KubeBlocks at work":  {true, running, nil, metav1.ConditionUnknown, v1alpha1.ReasonRestoringVolumes, "RestoreRunning: 1 of 2"},
		"no Pods, and nothing has begun":   {true, RestoreProgress{}, nil, metav1.ConditionUnknown, v1alpha1.ReasonNoPods, noRestoreYet},
		"failed":                           {true, RestoreProgress{Status: metav1.ConditionFalse, Message: "RestoreFailed: x"}, nil, metav1.ConditionFalse, v1alpha1.ReasonRestoreFailed, "RestoreFailed: x"},
		"restored":                         {true, RestoreProgress{Status: metav1.ConditionTrue}, nil, metav1.ConditionTrue, v1alpha1.ReasonScheduled, everyPodBound},
	} {
		t.Run(name, func(t *testing.T) {
			o := stuck()
			cured(&o)
			o.Restores, o.ClusterOnly, o.Progress, o.Database = nil, c.byClaim, c.progress, c.pods
			o.Progress.Expected = c.byClaim

			pods := Decide(o).Cluster.PodsScheduled

			NewWithT(t).Expect(pods).To(SatisfyAll(
				HaveField("Status", c.status), HaveField("Reason", c.reason), HaveField("Message", ContainSubstring(c.message))))
		})
	}
}

func TestInstances(t *testing.T) {
	controller := &Controller{Object: object("carrot67-mysql-0"), Generation: 3, Stale: []rewrite.Edit{edit("mysql")}}
	attempt := key("Instance", "carrot67-mysql-0", controller.UID+"/3")
	patches := ConsistOf(PatchInstance{counted{&attempt}, controller.Object, controller.Stale})
	for name, c := range map[string]struct {
		change  func(*Observation, *Controller)
		actions gomegatypes.GomegaMatcher
		reason  string
	}{
		"a stale one is rewritten": {func(*Observation, *Controller) {}, patches, v1alpha1.ReasonRewritingInstances},
		"one whose Pod has a selected node is rewritten, because the volumes admit it": {func(o *Observation, _ *Controller) { o.Instances[0].NodeSelected = true },
			patches, v1alpha1.ReasonRewritingInstances},
		"one is kept where the volumes do not admit it": {func(_ *Observation, c *Controller) { c.Refused = "one node" }, BeEmpty(), v1alpha1.ReasonVolumesBound},
		"one is kept while its Pod can be bound": {func(_ *Observation, c *Controller) { c.Undecided = "it has no decision" }, BeEmpty(),
			v1alpha1.ReasonWaitingForScheduler},
		"one waits for the InstanceSet": {func(o *Observation, _ *Controller) { o.Instances[0].TemplateStale = true }, BeEmpty(), v1alpha1.ReasonRehomed},
		"one waits for the Cluster":     {func(o *Observation, _ *Controller) { o.Live = stuck().Live }, Not(patches), v1alpha1.ReasonRewritingCluster},
		"one is reported in Observe":    {func(o *Observation, _ *Controller) { o.Mode = configv1alpha1.Observe }, BeEmpty(), v1alpha1.ReasonObserved},
		"the same version is not counted twice": {func(o *Observation, _ *Controller) {
			o.History.Attempts = []Attempt{{Key: attempt, Action: "PatchInstance", Time: now}}
		}, ConsistOf(PatchInstance{counted{}, controller.Object, controller.Stale}), v1alpha1.ReasonRewritingInstances},
		"another version is another attempt": {func(o *Observation, c *Controller) {
			o.History.Attempts = []Attempt{{Key: attempt, Action: "PatchInstance", Time: now}}
			c.Generation = 5
		}, BeEmpty(), v1alpha1.ReasonBackingOff},
		"a rewritten one is left to KubeBlocks": {func(_ *Observation, c *Controller) { c.Stale = nil }, BeEmpty(), v1alpha1.ReasonRehomed},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			o := stuck()
			cured(&o)
			own := *controller
			o.Restores, o.Instances = nil, []Instance{{Object: object("pod"), Controller: &own}}
			c.change(&o, &own)

			plan := Decide(o)

			g.Expect(plan.Actions).To(c.actions)
			g.Expect(plan.Cluster.PolicyRehomed.Reason).To(Equal(c.reason))
		})
	}
}
