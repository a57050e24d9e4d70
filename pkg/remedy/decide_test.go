package remedy

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

func object(name string) Object {
	return Object{
		NamespacedName: types.NamespacedName{Namespace: "default", Name: name},
		UID:            types.UID(name + "-uid"), ResourceVersion: "7",
	}
}

// hanging is the observation of a restored Cluster as Rehome first meets it: nothing rewritten, nothing started.
func hanging() Observation {
	return Observation{
		Cluster:   object("carrot67"),
		Inherited: []rewrite.Finding{{Class: rewrite.SourceIdentity, Rule: "required anti-affinity against my1"}},
		Live: rewrite.Result{Edits: []rewrite.Edit{
			{Path: "/spec/componentSpecs/0/schedulingPolicy/x", From: "my1", To: "carrot67", Component: "mysql"},
		}},
		Components: []Component{{Object: object("carrot67-mysql"), Stale: true}},
		Restores:   []Restore{{Object: object("restore"), Component: "carrot67-mysql", Stale: true}},
	}
}

func TestDecide(t *testing.T) {
	patchesCluster := ConsistOf(PatchCluster{Cluster: object("carrot67"), Edits: hanging().Live.Edits})
	recreates := ConsistOf(RecreateRestore{Restore: object("restore")})
	doesNothing := BeEmpty()
	clusterIsRewritten := func(o *Observation) { o.Live = rewrite.Result{} }
	componentFollowed := func(o *Observation) { clusterIsRewritten(o); o.Components[0].Stale = false }

	for name, c := range map[string]struct {
		change  func(*Observation)
		actions gomegatypes.GomegaMatcher
		status  metav1.ConditionStatus
		reason  string
	}{
		"a Cluster with stale rules is rewritten first":            {func(*Observation) {}, patchesCluster, metav1.ConditionFalse, v1alpha1.ReasonRewritingCluster},
		"a Restore waits until its Component carries the new rule": {clusterIsRewritten, doesNothing, metav1.ConditionFalse, v1alpha1.ReasonWaitingForComponent},
		"a stale Restore that never started is re-created":         {componentFollowed, recreates, metav1.ConditionFalse, v1alpha1.ReasonRecreatingRestore},
		"a Restore that is going is not deleted again":             {func(o *Observation) { componentFollowed(o); o.Restores[0].Deleting = true }, doesNothing, metav1.ConditionFalse, v1alpha1.ReasonRecreatingRestore},
		"a Restore with the new rules is rehomed":                  {func(o *Observation) { componentFollowed(o); o.Restores[0].Stale = false }, doesNothing, metav1.ConditionTrue, v1alpha1.ReasonRehomed},
		"a Restore that started is never deleted":                  {func(o *Observation) { componentFollowed(o); o.Restores[0].Started = "Pod p was bound" }, doesNothing, metav1.ConditionFalse, v1alpha1.ReasonRestoreStarted},
		"a Restore that started does not keep the Cluster stale":   {func(o *Observation) { o.Restores[0].Started = "Pod p was bound" }, patchesCluster, metav1.ConditionFalse, v1alpha1.ReasonRestoreStarted},
		"a finished Restore is never deleted":                      {func(o *Observation) { componentFollowed(o); o.Restores[0].Finished = true }, doesNothing, metav1.ConditionFalse, v1alpha1.ReasonRestoreFinished},
		"a rule over a bound database Pod is never changed":        {func(o *Observation) { o.Bound = map[string]bool{"mysql": true} }, doesNothing, metav1.ConditionFalse, v1alpha1.ReasonClusterStarted},
		"a bound Pod of another component holds nothing back":      {func(o *Observation) { o.Bound = map[string]bool{"proxy": true} }, patchesCluster, metav1.ConditionFalse, v1alpha1.ReasonRewritingCluster},
		"a bound Pod of any component holds the cluster's policy": {func(o *Observation) {
			o.Live.Edits[0].Component = ""
			o.Bound = map[string]bool{"proxy": true}
		}, doesNothing, metav1.ConditionFalse, v1alpha1.ReasonClusterStarted},
		"an unknown source stops everything": {func(o *Observation) {
			o.Obstacle = &Obstacle{Reason: v1alpha1.ReasonSourceUnknown, Message: "no snapshot"}
		}, doesNothing, metav1.ConditionUnknown, v1alpha1.ReasonSourceUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			o := hanging()
			c.change(&o)

			plan := Decide(o)

			g.Expect(plan.Actions).To(c.actions)
			g.Expect(plan.Verdicts).To(ConsistOf(SatisfyAll(
				HaveField("Restore", object("restore")), HaveField("Status", c.status), HaveField("Reason", c.reason),
			)))
		})
	}
}

func TestNothingInheritedMeansNothingToDoOrSay(t *testing.T) {
	g := NewWithT(t)
	o := hanging()
	o.Inherited = nil

	g.Expect(Decide(o)).To(Equal(Plan{}))
}

func TestOneRestoreDoesNotHoldUpAnother(t *testing.T) {
	g := NewWithT(t)
	o := hanging()
	o.Live = rewrite.Result{}
	o.Components = append(o.Components, Component{Object: object("carrot67-proxy")})
	o.Restores = append(o.Restores, Restore{Object: object("proxy"), Component: "carrot67-proxy", Stale: true})

	plan := Decide(o)

	g.Expect(plan.Actions).To(ConsistOf(RecreateRestore{Restore: object("proxy")}))
	g.Expect(plan.Verdicts[0].Reason).To(Equal(v1alpha1.ReasonWaitingForComponent))
	g.Expect(plan.Verdicts[1].Reason).To(Equal(v1alpha1.ReasonRecreatingRestore))
}

func TestMessageNamesRulesAndStaysShort(t *testing.T) {
	g := NewWithT(t)
	o := hanging()
	for range 1000 {
		o.Inherited = append(o.Inherited, rewrite.Finding{Class: rewrite.SourceIdentity, Rule: strings.Repeat("x", 100)})
	}
	o.Live.Findings = []rewrite.Finding{
		{Class: rewrite.SourceIdentity, Rule: "inherited elsewhere"},
		{Class: rewrite.Intended, Rule: "keep away from my1"},
	}

	message := Decide(o).Verdicts[0].Message

	g.Expect(message).To(ContainSubstring("Inherited: required anti-affinity against my1; "))
	g.Expect(message).To(ContainSubstring("; and 996 more."))
	g.Expect(message).To(ContainSubstring("Kept, because the snapshot does not hold it: keep away from my1."))
	g.Expect(len(message)).To(BeNumerically("<", 2000))
}
