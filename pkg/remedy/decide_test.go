package remedy

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

func object(name string) Object {
	return Object{
		NamespacedName: types.NamespacedName{Namespace: "default", Name: name},
		UID:            types.UID(name + "-uid"), ResourceVersion: "7",
	}
}

func uids(names ...string) []types.UID {
	var list []types.UID
	for _, name := range names {
		list = append(list, object(name).UID)
	}
	return list
}

// edit is one that gives a rule of a component to carrot67.
func edit(component string) rewrite.Edit {
	return rewrite.Edit{Path: "/x", From: "my1", To: "carrot67", Component: component}
}

// now is when all observations are made.
var now = metav1.Unix(1_800_000_000, 0)

// ago returns a time before now.
func ago(seconds int64) metav1.Time { return metav1.Unix(now.Unix()-seconds, 0) }

// hanging is the observation of a restored Cluster as Rehome first meets it: nothing rewritten, nothing started.
func hanging() Observation {
	return Observation{
		Now:        now,
		Cluster:    object("carrot67"),
		Generation: 1,
		Ledger:     Ledger{UID: object("carrot67").UID},
		Inherited:  []rewrite.Finding{{Class: rewrite.SourceIdentity, Rule: "required anti-affinity against my1"}},
		Live:       rewrite.Result{Edits: []rewrite.Edit{edit("mysql")}},
		Components: []Component{{Object: object("carrot67-mysql"), Stale: true}},
		Restores: []Restore{{
			Object: object("restore"), Owner: "carrot67-mysql", Component: "mysql", Stale: []rewrite.Edit{edit("mysql")},
			Jobs: []Job{{Object: object("job-0"), Outdated: true, HasPods: true}, {Object: object("job-1"), Outdated: true, HasPods: true}},
			Pods: []Pod{{Name: "pod-0", Unschedulable: "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules."}},
		}},
		Policy: Policy{
			Mode: configv1alpha1.Enforce, RestorePods: configv1alpha1.Inherit, Limits: configv1alpha1.Defaults().Limits,
		},
	}
}

// clusterIsRewritten and those below are what becomes of it step by step.
func clusterIsRewritten(o *Observation) { o.Live = rewrite.Result{} }

func componentFollowed(o *Observation) { clusterIsRewritten(o); o.Components[0].Stale = false }

// halfDone: the first Job has started, the other waits.
func halfDone(o *Observation) {
	componentFollowed(o)
	o.Restores[0].Started = "Pod pod-0 was bound to a node"
	o.Restores[0].Jobs[0].Started = "Pod pod-0 was bound to a node"
	o.Restores[0].Pods[0] = Pod{Name: "pod-0", Node: "n4"}
}

// exchanged: the Restore of halfDone carries the new rules, its Jobs do not yet.
func exchanged(o *Observation) { halfDone(o); o.Restores[0].Stale = nil }

// allStarted: both Jobs run under the old rules.
func allStarted(o *Observation) {
	halfDone(o)
	o.Restores[0].Jobs[1].Started = "Pod pod-1 was bound to a node"
	o.Restores[0].Pods = []Pod{{Name: "pod-0", Node: "n4", Claims: []string{"data-0"}}, {Name: "pod-1", Node: "n5", Claims: []string{"data-1"}}}
}

// cured: nothing is left to do.
func cured(o *Observation) {
	componentFollowed(o)
	o.Restores[0].Stale = nil
	for i := range o.Restores[0].Jobs {
		o.Restores[0].Jobs[i].Outdated = false
	}
}

// strict: the Restore is cured, and its rules keep its Pods from every node.
func strict(o *Observation) { cured(o); o.Restores[0].Strict = []rewrite.Edit{edit("mysql")} }

// counted puts attempts about the given objects, so many seconds ago, into the ledger.
func counted(o *Observation, of []types.UID, seconds ...int64) {
	for _, s := range seconds {
		o.Ledger = o.Ledger.With(Charge{Key: "Restore restore", Of: of}, "RecreateRestore", ago(s))
	}
}

func TestDecide(t *testing.T) {
	restoreCharge := &Charge{Key: "Restore restore", Of: uids("restore")}
	patchesCluster := ConsistOf(PatchCluster{
		Cluster: object("carrot67"), Edits: hanging().Live.Edits,
		Ledger: Ledger{UID: object("carrot67").UID, Rewrites: map[string]int{"mysql": 1}},
		Rules:  "Inherited: required anti-affinity against my1.",
	})
	recreatesRestore := ConsistOf(RecreateRestore{Restore: object("restore"), Charge: restoreCharge})
	removesRules := ConsistOf(RemoveSchedulingSpec{
		Restore: object("restore"), Edits: []rewrite.Edit{edit("mysql")}, Charge: &Charge{Key: "Restore restore", Of: uids("job-1")},
	})
	recreatesJob := ConsistOf(RecreateJobs{
		Restore: object("restore"), Jobs: []Object{object("job-1")}, Charge: &Charge{Key: "Restore restore", Of: uids("job-1")},
	})
	relaxes := ConsistOf(RemoveSchedulingSpec{
		Restore: object("restore"), Edits: []rewrite.Edit{edit("mysql")}, Charge: &Charge{Key: "Restore restore", Of: uids("job-0", "job-1")},
	})
	doesNothing := BeEmpty()
	with := func(steps ...func(*Observation)) func(*Observation) {
		return func(o *Observation) {
			for _, step := range steps {
				step(o)
			}
		}
	}
	restore := func(change func(*Restore)) func(*Observation) { return func(o *Observation) { change(&o.Restores[0]) } }

	for name, c := range map[string]struct {
		observation func(*Observation)
		actions     gomegatypes.GomegaMatcher
		reason      string
	}{
		// The actions, in their order.
		"a Cluster with stale rules is rewritten first":            {with(), patchesCluster, v1alpha1.ReasonRewritingCluster},
		"a Restore waits until its Component carries the new rule": {clusterIsRewritten, doesNothing, v1alpha1.ReasonWaitingForComponent},
		"a stale Restore that never started is re-created":         {componentFollowed, recreatesRestore, v1alpha1.ReasonRecreatingRestore},
		"a Restore without Jobs is re-created, too": {with(componentFollowed, restore(func(r *Restore) { r.Jobs, r.Pods = nil, nil })),
			recreatesRestore, v1alpha1.ReasonRecreatingRestore},
		"a Restore waits for the scheduler to decide on its Pods": {with(componentFollowed, restore(func(r *Restore) { r.Undecided = "the scheduler has yet to look at Pod pod-0" })),
			doesNothing, v1alpha1.ReasonWaitingForScheduler},
		"so do the Jobs of a Restore that started in part": {with(exchanged, restore(func(r *Restore) { r.Jobs[1].Undecided = "the scheduler has yet to look at Pod pod-1" })),
			doesNothing, v1alpha1.ReasonWaitingForScheduler},
		"a Restore that is going is not deleted again": {with(componentFollowed, restore(func(r *Restore) { r.Deleting = true })),
			doesNothing, v1alpha1.ReasonRecreatingRestore},
		"a half-done Restore is given the new rules": {halfDone, removesRules, v1alpha1.ReasonRecreatingJobs},
		"a Restore without rules gets those noted": {with(halfDone, restore(func(r *Restore) { r.Stale, r.Swap = nil, SwapRemoved })),
			ConsistOf(AddSchedulingSpec{Restore: object("restore")}), v1alpha1.ReasonRecreatingJobs},
		"rules written meanwhile are removed again": {with(halfDone, restore(func(r *Restore) { r.Stale, r.Swap = nil, SwapUndone })),
			ConsistOf(RemoveSchedulingSpec{Restore: object("restore")}), v1alpha1.ReasonRecreatingJobs},
		"an exchange is finished even when the Cluster was reverted": {func(o *Observation) {
			o.Restores[0].Stale, o.Restores[0].Swap = nil, SwapRemoved
		}, ContainElement(AddSchedulingSpec{Restore: object("restore")}), v1alpha1.ReasonRecreatingJobs},
		"then its Jobs that never started are re-created": {exchanged, recreatesJob, v1alpha1.ReasonRecreatingJobs},
		"a Job that is going is not deleted again": {with(exchanged, restore(func(r *Restore) { r.Jobs[1].Going = true })),
			doesNothing, v1alpha1.ReasonRehomed},
		"a Serial Restore gets the new rules for the Jobs to come": {with(halfDone, restore(func(r *Restore) { r.Serial, r.Jobs = true, r.Jobs[:1] })),
			ConsistOf(RemoveSchedulingSpec{Restore: object("restore"), Edits: []rewrite.Edit{edit("mysql")}, Charge: restoreCharge}), v1alpha1.ReasonRecreatingJobs},
		"a cured Restore is rehomed": {cured, doesNothing, v1alpha1.ReasonRehomed},

		// RelaxRestorePods.
		"strict rules stay where the site inherits": {strict, doesNothing, v1alpha1.ReasonRehomed},
		"strict rules that hold a Pod are relaxed": {with(strict, func(o *Observation) { o.RestorePods = configv1alpha1.Relaxed }),
			relaxes, v1alpha1.ReasonRelaxingRestorePods},
		"they are relaxed automatically where the volumes are free": {with(strict, func(o *Observation) { o.RestorePods = configv1alpha1.Auto }),
			relaxes, v1alpha1.ReasonRelaxingRestorePods},
		"they are not where the volumes are tied": {with(strict, func(o *Observation) {
			o.RestorePods = configv1alpha1.Auto
			o.Restores[0].Tied = "volume v1 is tied to nodes"
		}), doesNothing, v1alpha1.ReasonRehomed},
		"they are not while no Pod is held by them": {with(strict, func(o *Observation) {
			o.RestorePods = configv1alpha1.Relaxed
			o.Restores[0].Pods[0].Unschedulable = "0/3 nodes are available: 3 Insufficient cpu."
		}), doesNothing, v1alpha1.ReasonRehomed},
		"stale rules are rewritten, not relaxed": {with(componentFollowed, func(o *Observation) {
			o.RestorePods = configv1alpha1.Relaxed
			o.Restores[0].Strict = []rewrite.Edit{edit("mysql")}
		}), recreatesRestore, v1alpha1.ReasonRecreatingRestore},

		// The nevers.
		"a Restore all of which started is never deleted": {allStarted, doesNothing, v1alpha1.ReasonRestoreStarted},
		"a Restore that started does not keep the Cluster stale": {with(allStarted, func(o *Observation) { o.Live = hanging().Live }),
			patchesCluster, v1alpha1.ReasonRestoreStarted},
		"Pods that share a node are reported and not touched": {with(allStarted, restore(func(r *Restore) { r.Pods[1].Node = "n4" })),
			doesNothing, v1alpha1.ReasonSpreadLost},
		"a Cluster whose volumes share a node that they cannot leave is not rewritten": {with(allStarted, restore(func(r *Restore) {
			r.Pods[1].Node, r.Tied = "n4", "volume v1 is tied to nodes"
		}), func(o *Observation) { o.Live = hanging().Live }), doesNothing, v1alpha1.ReasonSpreadLost},
		"a Cluster whose volumes share a node that they can leave is rewritten": {with(allStarted, restore(func(r *Restore) {
			r.Pods[1].Node = "n4"
		}), func(o *Observation) { o.Live = hanging().Live }), patchesCluster, v1alpha1.ReasonSpreadLost},
		"a completed Restore is never deleted": {with(componentFollowed, restore(func(r *Restore) { r.Finished = true })),
			doesNothing, v1alpha1.ReasonRestoreFinished},
		"a completed Restore whose database shares a node is reported": {with(allStarted, restore(func(r *Restore) {
			r.Finished, r.Jobs, r.Pods[1].Node = true, nil, "n4"
		})), doesNothing, v1alpha1.ReasonSpreadLost},
		"a completed Restore does not keep the Cluster stale": {restore(func(r *Restore) { r.Finished = true }),
			patchesCluster, v1alpha1.ReasonRewritingCluster},
		"a failed Restore is never touched": {with(componentFollowed, restore(func(r *Restore) { r.Failed = true })),
			doesNothing, v1alpha1.ReasonRestoreFailed},
		"a failed Restore is never touched, half-done or not": {with(exchanged, restore(func(r *Restore) { r.Failed = true })),
			doesNothing, v1alpha1.ReasonRestoreFailed},
		"a rule over a bound database Pod is never changed": {func(o *Observation) { o.Bound = []Scope{{Component: "mysql"}} },
			doesNothing, v1alpha1.ReasonClusterStarted},
		"a bound Pod of another component holds nothing back": {func(o *Observation) { o.Bound = []Scope{{Component: "proxy"}} },
			patchesCluster, v1alpha1.ReasonRewritingCluster},
		"a bound Pod of any component holds the cluster's policy": {func(o *Observation) {
			o.Live.Edits[0].Component = ""
			o.Bound = []Scope{{Component: "proxy"}}
		}, doesNothing, v1alpha1.ReasonClusterStarted},
		"a bound Pod of an instance template holds its component's rules": {func(o *Observation) { o.Bound = []Scope{{"mysql", "hot"}} },
			doesNothing, v1alpha1.ReasonClusterStarted},
		"bound Pods do not hold the rules of an instance template that is not theirs": {func(o *Observation) {
			o.Live.Edits[0].Template = "hot"
			o.Bound = []Scope{{Component: "mysql"}, {"mysql", "cold"}}
		}, HaveLen(1), v1alpha1.ReasonRewritingCluster},
		"a bound Pod of an instance template holds that template's rules": {func(o *Observation) {
			o.Live.Edits[0].Template = "hot"
			o.Bound = []Scope{{"mysql", "hot"}}
		}, doesNothing, v1alpha1.ReasonClusterStarted},
		"with the owner's consent a bound Pod holds nothing back": {func(o *Observation) {
			o.Bound, o.AllowRollingUpdate = []Scope{{Component: "mysql"}}, true
		}, patchesCluster, v1alpha1.ReasonRewritingCluster},
		"an unknown source stops everything": {func(o *Observation) {
			o.Obstacle = &Obstacle{Reason: v1alpha1.ReasonSourceUnknown, Message: "no snapshot"}
		}, doesNothing, v1alpha1.ReasonSourceUnknown},
		"a Restore of KubeBlocks 1.2 is never touched": {with(componentFollowed, func(o *Observation) { o.ClusterOnly = true }),
			doesNothing, v1alpha1.ReasonRehomed},
		"a Cluster of KubeBlocks 1.2 is rewritten": {func(o *Observation) { o.ClusterOnly = true }, patchesCluster, v1alpha1.ReasonRewritingCluster},

		// Modes.
		"in Observe the Cluster is not written":      {func(o *Observation) { o.Mode = configv1alpha1.Observe }, doesNothing, v1alpha1.ReasonObserved},
		"in Observe no Restore is re-created":        {with(componentFollowed, func(o *Observation) { o.Mode = configv1alpha1.Observe }), doesNothing, v1alpha1.ReasonObserved},
		"in Observe what is done is said to be done": {with(cured, func(o *Observation) { o.Mode = configv1alpha1.Observe }), doesNothing, v1alpha1.ReasonRehomed},

		// Limits.
		"an attempt that was counted and not made is made, and not counted again": {with(componentFollowed, func(o *Observation) { counted(o, uids("restore"), 1) }),
			ConsistOf(RecreateRestore{Restore: object("restore")}), v1alpha1.ReasonRecreatingRestore},
		"a second attempt waits": {with(componentFollowed, func(o *Observation) { counted(o, uids("restore-before"), 29) }),
			doesNothing, v1alpha1.ReasonBackingOff},
		"a second attempt is made in time": {with(componentFollowed, func(o *Observation) { counted(o, uids("restore-before"), 30) }),
			recreatesRestore, v1alpha1.ReasonRecreatingRestore},
		"a third attempt waits longer": {with(componentFollowed, func(o *Observation) { counted(o, uids("restore-before"), 99, 59) }),
			doesNothing, v1alpha1.ReasonBackingOff},
		"there is no fourth attempt": {with(componentFollowed, func(o *Observation) { counted(o, uids("restore-before"), 9999, 999, 600) }),
			doesNothing, v1alpha1.ReasonAttemptsExhausted},
		"Jobs that are made anew go with the attempt that exchanged the rules": {with(exchanged, func(o *Observation) { counted(o, uids("job-1"), 1) }),
			ConsistOf(RecreateJobs{Restore: object("restore"), Jobs: []Object{object("job-1")}}), v1alpha1.ReasonRecreatingJobs},
		"an empty bucket holds an attempt": {with(componentFollowed, func(o *Observation) {
			for range 50 {
				o.Recent.Times = append(o.Recent.Times, now)
			}
		}), doesNothing, v1alpha1.ReasonRateLimited},
		"an open breaker holds an attempt": {with(componentFollowed, func(o *Observation) { o.Recent.Outcomes = turnedDown(6, 60) }),
			doesNothing, v1alpha1.ReasonBreakerOpen},
		"no limit holds a rewrite of the Cluster": {func(o *Observation) { o.Recent.Outcomes = turnedDown(6, 60) },
			patchesCluster, v1alpha1.ReasonRewritingCluster},

		// Contended.
		"a rewrite that was undone once is made again": {func(o *Observation) { o.Ledger.Rewrites = map[string]int{"mysql": 1} },
			ConsistOf(HaveField("Ledger.Rewrites", map[string]int{"mysql": 2})), v1alpha1.ReasonRewritingCluster},
		"a rewrite that was undone twice ends it": {func(o *Observation) { o.Ledger.Rewrites = map[string]int{"mysql": 2} },
			ConsistOf(Yield{Cluster: object("carrot67"), Ledger: Ledger{
				UID: object("carrot67").UID, Rewrites: map[string]int{"mysql": 2}, Contention: &Contention{Generation: 1},
			}}), v1alpha1.ReasonContended},
		"a rewrite of another component does not count": {func(o *Observation) { o.Ledger.Rewrites = map[string]int{"proxy": 2} },
			ConsistOf(HaveField("Ledger.Rewrites", map[string]int{"proxy": 2, "mysql": 1})), v1alpha1.ReasonRewritingCluster},
		"a contended Cluster is left alone": {func(o *Observation) {
			o.Ledger.Rewrites, o.Ledger.Contention = map[string]int{"mysql": 2}, &Contention{Generation: 1, Manager: "argocd"}
		}, doesNothing, v1alpha1.ReasonContended},
		"a contended Cluster whose spec changed is rewritten again": {func(o *Observation) {
			o.Generation = 2
			o.Ledger.Rewrites, o.Ledger.Contention = map[string]int{"mysql": 2}, &Contention{Generation: 1, Manager: "argocd"}
		}, patchesCluster, v1alpha1.ReasonRewritingCluster},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			o := hanging()
			c.observation(&o)

			plan := Decide(o)

			g.Expect(plan.Actions).To(c.actions)
			g.Expect(plan.Verdicts).To(ConsistOf(SatisfyAll(
				HaveField("Restore", object("restore")), HaveField("Rules.Reason", c.reason), HaveField("Rules.Status", statusOf(c.reason)),
			)))
		})
	}
}

func statusOf(reason string) metav1.ConditionStatus {
	switch reason {
	case v1alpha1.ReasonRehomed, v1alpha1.ReasonRestoreFinished:
		return metav1.ConditionTrue
	case v1alpha1.ReasonSourceUnknown:
		return metav1.ConditionUnknown
	}
	return metav1.ConditionFalse
}

// turnedDown is the outcome of that many remediated Restores whose Pods found no node, and of as many as fill a window that did.
func turnedDown(count int, seconds int64) []Outcome {
	var outcomes []Outcome
	for i := range BreakerWindow {
		outcome := Outcome{At: ago(seconds)}
		if i < count {
			outcome.Unschedulable = "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes"
		}
		outcomes = append(outcomes, outcome)
	}
	return outcomes
}

func TestDatabasePods(t *testing.T) {
	stuck := Instance{Object: object("carrot67-mysql-0"), Kept: "its update strategy is OnDelete"}
	recreates := ConsistOf(RecreatePod{Pod: stuck.Object, Charge: &Charge{Key: "Pod carrot67-mysql-0", Of: uids("carrot67-mysql-0")}})
	for name, c := range map[string]struct {
		change  func(*Observation)
		actions gomegatypes.GomegaMatcher
		reason  string
	}{
		"one that KubeBlocks does not replace is re-created":       {func(*Observation) {}, recreates, v1alpha1.ReasonRecreatingPods},
		"one that KubeBlocks replaces is left to it":               {func(o *Observation) { o.Instances[0].Kept = "" }, BeEmpty(), v1alpha1.ReasonRehomed},
		"one waits until its template carries the new rules":       {func(o *Observation) { o.Instances[0].TemplateStale = true }, BeEmpty(), v1alpha1.ReasonRehomed},
		"one whose volume has a node is never deleted":             {func(o *Observation) { o.Instances[0].NodeSelected = true }, BeEmpty(), v1alpha1.ReasonRehomed},
		"one is never deleted in Observe":                          {func(o *Observation) { o.Mode = configv1alpha1.Observe }, BeEmpty(), v1alpha1.ReasonObserved},
		"one is re-created in KubeBlocks 1.2, too":                 {func(o *Observation) { o.ClusterOnly = true }, recreates, v1alpha1.ReasonRecreatingPods},
		"one is not deleted while the Cluster carries stale rules": {func(o *Observation) { o.Live = hanging().Live }, Not(recreates), v1alpha1.ReasonRewritingCluster},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			o := hanging()
			cured(&o)
			o.Restores[0].Finished = true
			o.Instances = []Instance{stuck}
			c.change(&o)

			plan := Decide(o)

			g.Expect(plan.Actions).To(c.actions)
			g.Expect(plan.Verdicts[0].Rules.Reason).To(Equal(c.reason))

			// Of a component that no Restore fills, only the Cluster can speak.
			o.Restores = nil
			g.Expect(Decide(o).Cluster.Rules.Reason).To(Equal(c.reason))
		})
	}
}

func TestACluster(t *testing.T) {
	g := NewWithT(t)
	o := hanging()
	cured(&o)
	o.Restores = nil
	g.Expect(Decide(o).Cluster.Pods.Status).To(Equal(metav1.ConditionTrue), "one without Restores waits for nothing")

	o.Restoring = true
	g.Expect(Decide(o).Cluster.Pods).To(SatisfyAll(HaveField("Status", metav1.ConditionUnknown), HaveField("Reason", v1alpha1.ReasonNoPods)),
		"one whose Restore is being made anew has no node yet")
}

func TestWhoWaitsForItsTurn(t *testing.T) {
	g := NewWithT(t)
	o := hanging()
	componentFollowed(&o)
	o.Limits.RemediationBurst = 1
	o.Recent.Times = []metav1.Time{now}
	g.Expect(Decide(o)).To(SatisfyAll(HaveField("Actions", BeEmpty()), HaveField("RateLimited", BeTrue()), HaveField("Again.Duration", BeNumerically(">", 0))))

	first := Decide(o).Again.Duration
	o.Recent.Ahead = 2
	g.Expect(Decide(o).Again.Duration).To(Equal(3 * first))

	o.Mode = configv1alpha1.Observe
	g.Expect(Decide(o).RateLimited).To(BeFalse(), "an observer takes nobody's turn")
}

func TestPodsScheduled(t *testing.T) {
	for name, c := range map[string]struct {
		restore Restore
		status  metav1.ConditionStatus
		reason  string
		message string
	}{
		"a Pod that no rule lets in": {Restore{Pods: []Pod{{Name: "p", Unschedulable: "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules."}}},
			metav1.ConditionFalse, v1alpha1.ReasonUnschedulable, "1 of 1 Pods wait for a node. p: 0/3 nodes are available"},
		"a Pod without a volume": {Restore{Pods: []Pod{{Name: "p", Unschedulable: "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."}}},
			metav1.ConditionFalse, v1alpha1.ReasonVolumeNotBound, "PersistentVolumeClaims"},
		"a Pod that nobody has looked at": {Restore{Pods: []Pod{{Name: "p"}}}, metav1.ConditionFalse, v1alpha1.ReasonScheduling, "not looked at it yet"},
		"a Job that a quota keeps from having Pods": {Restore{Jobs: []Job{{Object: object("job-0")}}},
			metav1.ConditionUnknown, v1alpha1.ReasonNoPods, "Job job-0 has no Pods"},
		"a Pod whose image cannot be pulled": {Restore{Jobs: []Job{{HasPods: true}}, Pods: []Pod{{Name: "p", Node: "n1", Waiting: "ImagePullBackOff"}}},
			metav1.ConditionTrue, v1alpha1.ReasonScheduled, "p on n1: ImagePullBackOff"},
		"Pods that run":            {Restore{Jobs: []Job{{HasPods: true}}, Pods: []Pod{{Name: "p", Node: "n1"}}}, metav1.ConditionTrue, v1alpha1.ReasonScheduled, "1 of 1 Pods have found nodes."},
		"a Restore that completed": {Restore{Finished: true}, metav1.ConditionTrue, v1alpha1.ReasonScheduled, "Every Pod"},
		"a Restore without Jobs":   {Restore{}, metav1.ConditionUnknown, v1alpha1.ReasonNoPods, "no Jobs yet"},
	} {
		t.Run(name, func(t *testing.T) {
			said := c.restore.scheduled()

			NewWithT(t).Expect(said).To(SatisfyAll(
				HaveField("Status", c.status), HaveField("Reason", c.reason), HaveField("Message", ContainSubstring(c.message))))
		})
	}
}

func TestLostSpreadNamesNodeAndClaims(t *testing.T) {
	g := NewWithT(t)
	o := hanging()
	allStarted(&o)
	o.Restores[0].Pods[1].Node = "n4"

	g.Expect(Decide(o).Verdicts[0].Rules.Message).To(ContainSubstring("2 of them are on node n4, with the volume claims data-0, data-1"))
}

func TestLostSpreadIsRememberedUntilTheDatabaseHasNodes(t *testing.T) {
	g := NewWithT(t)
	o := hanging()
	allStarted(&o)
	o.Restores[0].Pods[1].Node = "n4"
	message := Decide(o).Verdicts[0].Rules.Message

	o.Restores[0].Finished, o.Restores[0].Pods, o.Restores[0].Lost = true, nil, message
	g.Expect(Decide(o).Verdicts[0].Rules).To(Equal(Said{metav1.ConditionFalse, v1alpha1.ReasonSpreadLost, message}))

	o.Restores[0].Pods = []Pod{{Name: "carrot67-mysql-0", Node: "n1"}, {Name: "carrot67-mysql-1", Node: "n2"}}
	g.Expect(Decide(o).Verdicts[0].Rules.Reason).To(Equal(v1alpha1.ReasonRestoreFinished))
}

func TestContendedNamesTheFieldManager(t *testing.T) {
	g := NewWithT(t)
	o := hanging()
	o.Ledger.Contention = &Contention{Generation: 1, Manager: "argocd"}

	g.Expect(Decide(o).Verdicts[0].Rules.Message).To(HavePrefix("Field manager argocd undid"))
}

func TestNothingInheritedMeansNothingToDoOrSay(t *testing.T) {
	g := NewWithT(t)
	o := hanging()
	o.Inherited = nil

	plan := Decide(o)

	g.Expect(plan.Actions).To(BeEmpty())
	g.Expect(plan.Verdicts).To(BeEmpty())
	g.Expect(plan.Cluster.Rules).To(SatisfyAll(HaveField("Status", metav1.ConditionTrue), HaveField("Reason", v1alpha1.ReasonNothingInherited)))
}

func TestOneRestoreDoesNotHoldUpAnother(t *testing.T) {
	g := NewWithT(t)
	o := hanging()
	clusterIsRewritten(&o)
	o.Components = append(o.Components, Component{Object: object("carrot67-proxy")})
	o.Restores = append(o.Restores, Restore{Object: object("proxy"), Owner: "carrot67-proxy", Component: "proxy", Stale: []rewrite.Edit{edit("proxy")}})

	plan := Decide(o)

	g.Expect(plan.Actions).To(ConsistOf(HaveField("Restore", object("proxy"))))
	g.Expect(plan.Verdicts[0].Rules.Reason).To(Equal(v1alpha1.ReasonWaitingForComponent))
	g.Expect(plan.Verdicts[1].Rules.Reason).To(Equal(v1alpha1.ReasonRecreatingRestore))
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

	message := Decide(o).Verdicts[0].Rules.Message

	g.Expect(message).To(ContainSubstring("Inherited: required anti-affinity against my1; "))
	g.Expect(message).To(ContainSubstring("; and 996 more."))
	g.Expect(message).To(ContainSubstring("Kept, because the snapshot does not hold it: keep away from my1."))
	g.Expect(len(message)).To(BeNumerically("<", 2000))
}
