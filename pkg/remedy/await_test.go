package remedy

import (
	"testing"

	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Pods that are bound by the stale rules after the Cluster was rewritten can tie volumes to one place, which the rewritten rules do not
// admit.
func TestRulesAreRewrittenWhenNoPodIsLeftToFollowThem(t *testing.T) {
	patches := ContainElement(BeAssignableToTypeOf(PatchCluster{}))
	waits := Not(patches)
	mysqlPod := Awaited{Component: "mysql", Text: "the scheduler has not tried Pod p", Exists: true}
	mysqlPods := Awaited{Component: "mysql", Text: "KubeBlocks has not created all Pods"}
	proxy := Awaited{Component: "proxy", Text: "KubeBlocks has not created the Component proxy yet"}
	preferred := rewrite.Edit{Component: "mysql", Path: "/spec/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/0/x"}
	for name, c := range map[string]struct {
		change  func(*Observation)
		actions gomegatypes.GomegaMatcher
		reason  string
	}{
		"no Pod is left":                                             {func(*Observation) {}, patches, v1alpha1.ReasonRewritingCluster},
		"a Pod can be bound":                                         {func(o *Observation) { o.Awaited = []Awaited{mysqlPod} }, waits, v1alpha1.ReasonWaitingForScheduler},
		"a Pod can be bound, with every consent":                     {func(o *Observation) { o.Awaited, o.AllowRollingUpdate = []Awaited{mysqlPod}, true }, waits, v1alpha1.ReasonWaitingForScheduler},
		"a Pod can be bound, and another has no node":                {func(o *Observation) { o.Awaited, o.Unschedulable = []Awaited{mysqlPod}, []string{"mysql"} }, waits, v1alpha1.ReasonWaitingForScheduler},
		"Pods are to come":                                           {func(o *Observation) { o.Awaited = []Awaited{mysqlPods} }, waits, v1alpha1.ReasonWaitingForScheduler},
		"Pods are to come, and one has no node":                      {func(o *Observation) { o.Awaited, o.Unschedulable = []Awaited{mysqlPods}, []string{"mysql"} }, patches, v1alpha1.ReasonRewritingCluster},
		"Pods are to come, and one of another component has no node": {func(o *Observation) { o.Awaited, o.Unschedulable = []Awaited{mysqlPods}, []string{"proxy"} }, waits, v1alpha1.ReasonWaitingForScheduler},
		"another component is to come":                               {func(o *Observation) { o.Awaited = []Awaited{proxy} }, patches, v1alpha1.ReasonRewritingCluster},
		"another component is to come, and the rule is of all":       {func(o *Observation) { o.Awaited, o.Live.Edits = []Awaited{proxy}, []rewrite.Edit{edit("")} }, waits, v1alpha1.ReasonWaitingForScheduler},
		"a rule of all, and a component that KubeBlocks creates after the stuck one": {func(o *Observation) {
			o.Awaited, o.Unschedulable, o.Live.Edits = []Awaited{proxy}, []string{"mysql"}, []rewrite.Edit{edit("")}
		}, patches, v1alpha1.ReasonRewritingCluster},
		"a required rule that becomes preferred, which takes one write": {func(o *Observation) {
			volumesOn("n4", "n4")(o)
			o.Awaited, o.AllowPreferredRules = []Awaited{mysqlPod}, true
		}, waits, v1alpha1.ReasonWaitingForScheduler},
		"a preferred rule, which leaves no Pod without a node": {func(o *Observation) { o.Awaited, o.Live.Edits = []Awaited{mysqlPod}, []rewrite.Edit{preferred} }, patches, v1alpha1.ReasonRewritingCluster},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			o := stuck()
			c.change(&o)

			plan := Decide(o)

			g.Expect(plan.Actions).To(c.actions)
			g.Expect(policyOf(plan, "restore").Reason).To(Equal(c.reason))
		})
	}
}

func TestAReportSaysWhatIsAwaited(t *testing.T) {
	o := stuck()
	o.Awaited = []Awaited{{Component: "proxy", Text: "another component's Pod"}, {Component: "mysql", Text: "the scheduler has not tried Pod p", Exists: true}}

	NewWithT(t).Expect(policyOf(Decide(o), "restore").Message).To(ContainSubstring("but the scheduler has not tried Pod p. They are rewritten when"))
}

// The Cluster's own rule governs no Pod of a component that has a policy of its own.
func TestAPodUnderAPolicyOfItsOwnDoesNotHoldTheRuleOfTheCluster(t *testing.T) {
	for name, exists := range map[string]func(*Observation){
		"on a node":       func(o *Observation) { o.Bound = []Scope{{Component: "proxy"}} },
		"not decided on":  func(o *Observation) { o.Undecided = []Scope{{Component: "proxy"}} },
		"not created yet": func(o *Observation) { o.Awaited = []Awaited{{Component: "proxy", Text: "Pods of proxy"}} },
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			o := stuck()
			everyEdit(&o)
			exists(&o)
			g.Expect(Decide(o).Actions).To(BeEmpty())

			o.Overriding = map[string]bool{"proxy": true}
			g.Expect(Decide(o).Actions).To(ConsistOf(HaveField("Edits", HaveLen(1))))
		})
	}
}

func TestAMessageListsFiveLinesOfAllParts(t *testing.T) {
	if got, want := summarize([]string{"a", "b", "c"}, []string{"d", "e", "f", "g"}), "a; b; c; d; e; and 2 more"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestARuleOfTheClusterGovernsComponentsWithoutAPolicy(t *testing.T) {
	d := decision{Observation: Observation{Overriding: map[string]bool{"proxy": true}}, awaiting: []rewrite.Edit{edit("")}}
	governed := d.governedByAny(anyEdit)
	for component, want := range map[string]bool{"mysql": true, "proxy": false} {
		if got := governed(component); got != want {
			t.Errorf("%s is governed: %t", component, got)
		}
	}
	d.awaiting = []rewrite.Edit{edit("proxy")}
	if governed := d.governedByAny(anyEdit); governed("mysql") || !governed("proxy") {
		t.Error("a rule of proxy governs proxy alone")
	}
}
