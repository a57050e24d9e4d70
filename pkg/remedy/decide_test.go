package remedy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/attempts"
	"github.com/rehome-operator/rehome/pkg/feasibility"
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
	return rewrite.Edit{Path: "/" + component + "/x", From: "my1", To: "carrot67", Component: component}
}

// rewrites counts rewrites of the place of edit("mysql").
func rewrites(count int) map[string]int { return map[string]int{pathKey(edit("mysql").Path): count} }

// now is when all observations are made.
var now = metav1.Unix(1_800_000_000, 0)

// ago returns a time before now.
func ago(seconds int64) metav1.Time { return metav1.Unix(now.Unix()-seconds, 0) }

// stuck is the observation of a restored Cluster as Rehome first meets it: nothing rewritten, nothing started.
func stuck() Observation {
	return Observation{
		Now:        now,
		Cluster:    object("carrot67"),
		Generation: 1,
		History:    History{Version: historyVersion, UID: object("carrot67").UID},
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

// The functions below take the observation to later steps.
func clusterIsRewritten(o *Observation) { o.Live = rewrite.Result{} }

func componentFollowed(o *Observation) { clusterIsRewritten(o); o.Components[0].Stale = false }

// halfDone: the first Job has started, the other waits.
func halfDone(o *Observation) {
	componentFollowed(o)
	o.Restores[0].Started = "Pod pod-0 was bound to a node"
	o.Restores[0].Jobs[0].Started = "Pod pod-0 was bound to a node"
	o.Restores[0].Pods[0] = Pod{Name: "pod-0", Node: "n4"}
}

// replaced: the Restore of halfDone has the rewritten rules, its Jobs do not.
func replaced(o *Observation) { halfDone(o); o.Restores[0].Stale = nil }

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

// requiredPath is where the stale rule of volumesOn stands.
const requiredPath = "/spec/componentSpecs/0/schedulingPolicy/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/0"

// volumesOn: the rule is one Pod per node, and the volumes of two database Pods are bound to nodes, or free where there is none.
func volumesOn(nodes ...string) func(*Observation) {
	apart := func(cluster string) feasibility.Rules {
		return feasibility.Rules{Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
				TopologyKey:   corev1.LabelHostname,
				LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{rewrite.LabelInstance: cluster}},
			}},
		}}}
	}
	w := &feasibility.World{Namespace: "default"}
	for _, name := range []string{"n3", "n4", "n5"} {
		w.Nodes = append(w.Nodes, corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}}})
	}
	for i, node := range nodes {
		pod := feasibility.Pod{
			Name: fmt.Sprintf("carrot67-mysql-%d", i), Labels: map[string]string{rewrite.LabelInstance: "carrot67"},
			Policy: "/spec/componentSpecs/0/schedulingPolicy", Stale: apart("my1"), Rewritten: apart("carrot67"),
		}
		if node != "" {
			pod.Volumes = []feasibility.Volume{{Claim: fmt.Sprintf("data-%d", i), Node: node}}
		}
		w.Pods = append(w.Pods, pod)
	}
	return func(o *Observation) {
		o.Placement = &Placement{World: w, Rewritten: []rewrite.Policy{{
			Path: "/spec/componentSpecs/0/schedulingPolicy", Component: "mysql", Affinity: apart("carrot67").Affinity,
		}}}
		o.Live.Edits[0].Path = requiredPath + "/labelSelector/matchLabels/app.kubernetes.io~1instance"
	}
}

// attempted adds attempts on the given objects, so many seconds ago, to the history.
func attempted(o *Observation, of []types.UID, seconds ...int64) {
	for _, s := range seconds {
		o.History = o.History.With(key("Restore", "restore", of...), recreateRestore, ago(s))
	}
}

func key(kind, name string, uids ...types.UID) attempts.Key {
	return attempts.Key{Kind: kind, Name: name, UIDs: uids}
}

// attemptOn is the attempt of an action on the Restore that re-creates the named objects.
func attemptOn(names ...string) counted {
	k := key("Restore", "restore", uids(names...)...)
	return counted{&k}
}

func TestDecide(t *testing.T) {
	patchesCluster := ConsistOf(SatisfyAll(BeAssignableToTypeOf(PatchCluster{}), HaveField("Cluster", object("carrot67")), HaveField("Edits", HaveLen(1)), HaveField("History.Rewrites", HaveLen(1))))
	recreatesRestore := ConsistOf(RecreateRestore{attemptOn("restore"), object("restore")})
	removesRules := ConsistOf(RemoveSchedulingSpec{attemptOn("job-1"), object("restore"), []rewrite.Edit{edit("mysql")}})
	recreatesJob := ConsistOf(RecreateJobs{attemptOn("job-1"), object("restore"), []Object{object("job-1")}})
	relaxes := ConsistOf(RemoveSchedulingSpec{attemptOn("job-0", "job-1"), object("restore"), []rewrite.Edit{edit("mysql")}})
	doesNothing := BeEmpty()
	recordsLostSpread := ConsistOf(BeAssignableToTypeOf(RecordLostSpread{}))
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
		"a Restore without Jobs is never deleted, because KubeBlocks can be creating them": {
			with(componentFollowed, restore(func(r *Restore) { r.Jobs, r.Pods = nil, nil })), doesNothing, v1alpha1.ReasonWaitingForScheduler},
		"a Restore waits for the scheduler to decide on its Pods": {with(componentFollowed, restore(func(r *Restore) { r.Undecided = "the scheduler has yet to look at Pod pod-0" })),
			doesNothing, v1alpha1.ReasonWaitingForScheduler},
		"so do the Jobs of a Restore that started in part": {with(replaced, restore(func(r *Restore) { r.Jobs[1].Undecided = "the scheduler has yet to look at Pod pod-1" })),
			doesNothing, v1alpha1.ReasonWaitingForScheduler},
		"a Restore that is being deleted is not deleted again": {with(componentFollowed, restore(func(r *Restore) { r.Deleting = true })),
			doesNothing, v1alpha1.ReasonRecreatingRestore},
		"a stuck Job does not wait for a Job without a decision": {with(replaced, restore(func(r *Restore) {
			r.Jobs = append(r.Jobs, Job{Object: object("job-2"), Outdated: true, HasPods: true, Undecided: "the scheduler has yet to look at Pod pod-2"})
		})), recreatesJob, v1alpha1.ReasonRecreatingJobs},
		"a half-done Restore gets the rewritten rules": {halfDone, removesRules, v1alpha1.ReasonRecreatingJobs},
		"a Restore without rules gets the recorded ones": {with(halfDone, restore(func(r *Restore) { r.Stale, r.Replacement = nil, ReplacementRemoved })),
			ConsistOf(AddSchedulingSpec{Restore: object("restore")}), v1alpha1.ReasonRecreatingJobs},
		"rules written meanwhile are removed again": {with(halfDone, restore(func(r *Restore) { r.Stale, r.Replacement = nil, ReplacementReverted })),
			ConsistOf(RemoveSchedulingSpec{Restore: object("restore")}), v1alpha1.ReasonRecreatingJobs},
		"a replacement is finished even when the Cluster was reverted": {func(o *Observation) {
			o.Restores[0].Stale, o.Restores[0].Replacement = nil, ReplacementRemoved
		}, ContainElement(AddSchedulingSpec{Restore: object("restore")}), v1alpha1.ReasonRecreatingJobs},
		"then its Jobs that never started are re-created": {replaced, recreatesJob, v1alpha1.ReasonRecreatingJobs},
		"a Job that is being deleted is not deleted again": {with(replaced, restore(func(r *Restore) { r.Jobs[1].Deleting = true })),
			doesNothing, v1alpha1.ReasonRehomed},
		"a Serial Restore gets the new rules for the Jobs to come": {with(halfDone, restore(func(r *Restore) { r.Serial, r.Jobs = true, r.Jobs[:1] })),
			ConsistOf(RemoveSchedulingSpec{attemptOn("restore"), object("restore"), []rewrite.Edit{edit("mysql")}}), v1alpha1.ReasonRecreatingJobs},
		"a cured Restore is rehomed": {cured, doesNothing, v1alpha1.ReasonRehomed},

		// RelaxRestorePods.
		"strict rules stay where the site inherits": {strict, doesNothing, v1alpha1.ReasonRehomed},
		"strict rules that hold a Pod are relaxed": {with(strict, func(o *Observation) { o.RestorePods = configv1alpha1.Relaxed }),
			relaxes, v1alpha1.ReasonRelaxingRestorePods},
		"they are relaxed automatically where the volumes are free": {with(strict, func(o *Observation) { o.RestorePods = configv1alpha1.Auto }),
			relaxes, v1alpha1.ReasonRelaxingRestorePods},
		"they are not where the volumes are tied": {with(strict, func(o *Observation) {
			o.RestorePods = configv1alpha1.Auto
			o.Restores[0].TopologyBound = "volume v1 is tied to nodes"
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
		"a Restore that started completely is never deleted": {allStarted, doesNothing, v1alpha1.ReasonRestoreStarted},
		"a Restore that started does not keep the Cluster stale": {with(allStarted, func(o *Observation) { o.Live = stuck().Live }),
			patchesCluster, v1alpha1.ReasonRestoreStarted},
		"Pods that share a node are reported and not touched": {with(allStarted, restore(func(r *Restore) { r.Pods[1].Node = "n4" })),
			recordsLostSpread, v1alpha1.ReasonSpreadLost},
		"a rule that the volumes do not admit is not rewritten, whatever the owner consents to": {with(volumesOn("n4", "n4"), func(o *Observation) { o.AllowRollingUpdate = true }),
			doesNothing, v1alpha1.ReasonVolumesBound},
		"a rule that the volumes admit is rewritten": {volumesOn("n4", "n5"), patchesCluster, v1alpha1.ReasonRewritingCluster},
		"another rule beside one that the volumes do not admit is rewritten, where no Restore waits for both": {with(volumesOn("n4", "n4"), func(o *Observation) {
			o.Live.Edits = append(o.Live.Edits, edit("proxy"))
		}), patchesCluster, v1alpha1.ReasonVolumesBound},
		"but not where one does": {with(volumesOn("n4", "n4"), func(o *Observation) {
			o.Live.Edits = append(o.Live.Edits, edit("mysql"))
		}), doesNothing, v1alpha1.ReasonVolumesBound},
		"a refused rule becomes a preferred one with the owner's consent": {with(volumesOn("n4", "n4"), func(o *Observation) { o.AllowPreferredRules = true }),
			ConsistOf(HaveField("Edits", HaveExactElements(HaveField("Path", HavePrefix(requiredPath)), HaveField("Path", HaveSuffix("/preferredDuringSchedulingIgnoredDuringExecution")), HaveField("Path", HaveSuffix("/requiredDuringSchedulingIgnoredDuringExecution"))))), v1alpha1.ReasonRewritingCluster},
		"a bound Pod of another component does not split that move": {with(volumesOn("n4", "n4"), func(o *Observation) {
			o.AllowPreferredRules, o.Bound = true, []Scope{{Component: "proxy"}}
		}), ConsistOf(HaveField("Edits", HaveLen(3))), v1alpha1.ReasonRewritingCluster},
		"the consent reaches a refused rule with an edit that nobody judged": {with(volumesOn("n4", "n5"), func(o *Observation) {
			o.AllowPreferredRules = true
			o.Placement.Unjudged = []RefusedRule{{Path: o.Live.Edits[0].Path, Reason: "unknown"}}
		}), ConsistOf(HaveField("Edits", HaveLen(3))), v1alpha1.ReasonRewritingCluster},
		"a rule that cannot become preferred stays refused": {with(volumesOn("n4", "n4"), func(o *Observation) {
			o.AllowPreferredRules = true
			o.Placement.Rewritten = nil
		}), doesNothing, v1alpha1.ReasonVolumesBound},
		"a Restore with free volumes is never held": {volumesOn("", ""), patchesCluster, v1alpha1.ReasonRewritingCluster},
		"a rule that cannot be judged is not rewritten": {with(volumesOn("n4", "n5"), func(o *Observation) {
			o.Placement.Unjudged = []RefusedRule{{Path: requiredPath, Reason: "unknown"}}
		}), doesNothing, v1alpha1.ReasonVolumesBound},
		"a Cluster whose Pods share a node that their volumes can leave is rewritten": {with(allStarted, restore(func(r *Restore) {
			r.Pods[1].Node = "n4"
		}), func(o *Observation) { o.Live = stuck().Live }), HaveExactElements(BeAssignableToTypeOf(PatchCluster{}), BeAssignableToTypeOf(RecordLostSpread{})), v1alpha1.ReasonSpreadLost},
		"a completed Restore is never deleted": {with(componentFollowed, restore(func(r *Restore) { r.Finished = true })),
			doesNothing, v1alpha1.ReasonRestoreFinished},
		"a completed Restore whose database shares a node is reported": {with(allStarted, restore(func(r *Restore) {
			r.Finished, r.Jobs, r.Pods[1].Node = true, nil, "n4"
		})), recordsLostSpread, v1alpha1.ReasonSpreadLost},
		"a completed Restore whose stale rules were to bring its Pods together is not reported": {with(allStarted, restore(func(r *Restore) {
			r.Finished, r.Jobs, r.Pods[1].Node = true, nil, "n4"
			r.Stale[0].Path = "/spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/0"
		})), doesNothing, v1alpha1.ReasonRestoreFinished},
		"a completed Restore does not keep the Cluster stale": {restore(func(r *Restore) { r.Finished = true }),
			patchesCluster, v1alpha1.ReasonRewritingCluster},
		"a failed Restore is never touched": {with(componentFollowed, restore(func(r *Restore) { r.Failed = true })),
			doesNothing, v1alpha1.ReasonRestoreFailed},
		"a failed Restore is never touched, half-done or not": {with(replaced, restore(func(r *Restore) { r.Failed = true })),
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
		"a rule over a database Pod that can be bound at any moment waits for the scheduler": {
			func(o *Observation) { o.Undecided = []Scope{{Component: "mysql"}} }, doesNothing, v1alpha1.ReasonWaitingForScheduler},
		"such a Pod of another component holds nothing back": {func(o *Observation) { o.Undecided = []Scope{{Component: "proxy"}} },
			patchesCluster, v1alpha1.ReasonRewritingCluster},
		"with the owner's consent such a Pod holds nothing back": {func(o *Observation) {
			o.Undecided, o.AllowRollingUpdate = []Scope{{Component: "mysql"}}, true
		}, patchesCluster, v1alpha1.ReasonRewritingCluster},
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
		"a recorded attempt that was not made is made, and not recorded again": {with(componentFollowed, func(o *Observation) { attempted(o, uids("restore"), 1) }),
			ConsistOf(RecreateRestore{Restore: object("restore")}), v1alpha1.ReasonRecreatingRestore},
		"a second attempt waits": {with(componentFollowed, func(o *Observation) { attempted(o, uids("restore-before"), 29) }),
			doesNothing, v1alpha1.ReasonBackingOff},
		"a second attempt is made in time": {with(componentFollowed, func(o *Observation) { attempted(o, uids("restore-before"), 30) }),
			recreatesRestore, v1alpha1.ReasonRecreatingRestore},
		"a third attempt waits longer": {with(componentFollowed, func(o *Observation) { attempted(o, uids("restore-before"), 99, 59) }),
			doesNothing, v1alpha1.ReasonBackingOff},
		"there is no fourth attempt": {with(componentFollowed, func(o *Observation) { attempted(o, uids("restore-before"), 9999, 999, 600) }),
			doesNothing, v1alpha1.ReasonAttemptsExhausted},
		"an open breaker does not hide that all attempts are used": {with(componentFollowed, func(o *Observation) {
			attempted(o, uids("restore-before"), 9999, 999, 600)
			o.Recent.All.Outcomes = unschedulableAgain(6)
		}), doesNothing, v1alpha1.ReasonAttemptsExhausted},
		"Jobs are re-created in the attempt that replaced the rules": {with(replaced, func(o *Observation) { attempted(o, uids("job-1"), 1) }),
			ConsistOf(RecreateJobs{Restore: object("restore"), Jobs: []Object{object("job-1")}}), v1alpha1.ReasonRecreatingJobs},
		"such Jobs do not wait for another attempt with one that is not of it": {with(replaced, restore(func(r *Restore) {
			r.Jobs = append(r.Jobs, Job{Object: object("job-2"), Outdated: true, HasPods: true})
		}), func(o *Observation) { attempted(o, uids("job-1"), 1) }),
			ConsistOf(RecreateJobs{Restore: object("restore"), Jobs: []Object{object("job-1")}}), v1alpha1.ReasonRecreatingJobs},
		"an empty bucket holds an attempt": {with(componentFollowed, func(o *Observation) {
			for range 50 {
				o.Recent.All.Times = append(o.Recent.All.Times, now)
			}
		}), doesNothing, v1alpha1.ReasonRateLimited},
		"an empty bucket of its Namespace holds an attempt": {with(componentFollowed, func(o *Observation) {
			for range 25 {
				o.Recent.Namespace.Times = append(o.Recent.Namespace.Times, now)
			}
		}), doesNothing, v1alpha1.ReasonRateLimited},
		// Review: TestReviewClockSkew.
		"attempts that a leader's wrong clock wrote hold nothing": {with(componentFollowed, func(o *Observation) {
			attempted(o, uids("restore-before"), -86_400)
			for range 50 {
				o.Recent.All.Times = append(o.Recent.All.Times, ago(-86_400))
				o.Recent.Namespace.Times = append(o.Recent.Namespace.Times, ago(-86_400))
			}
		}), recreatesRestore, v1alpha1.ReasonRecreatingRestore},
		"an open breaker holds an attempt": {with(componentFollowed, func(o *Observation) { o.Recent.All.Outcomes = unschedulableAgain(6) }),
			doesNothing, v1alpha1.ReasonBreakerOpen},

		// Contended.
		"a rewrite that was reverted once is made again": {func(o *Observation) { o.History.Rewrites = rewrites(1) },
			ConsistOf(HaveField("History.Rewrites", rewrites(2))), v1alpha1.ReasonRewritingCluster},
		"a rewrite that was reverted twice ends it": {func(o *Observation) { o.History.Rewrites = rewrites(2) },
			ConsistOf(MarkContended{Cluster: object("carrot67"), History: History{
				Version: historyVersion, UID: object("carrot67").UID, Rewrites: rewrites(2), Contention: &Contention{Generation: 1},
			}}), v1alpha1.ReasonContended},
		"a rewrite of another place does not count": {func(o *Observation) {
			o.History.Rewrites = rewrites(2)
			o.Live.Edits[0].Path += "/other"
		}, ConsistOf(HaveField("History.Rewrites", HaveKeyWithValue(pathKey("/mysql/x/other"), 1))), v1alpha1.ReasonRewritingCluster},
		"a rule that is held does not count": {func(o *Observation) {
			o.History.Rewrites, o.Bound = rewrites(2), []Scope{{Component: "mysql"}}
			o.Live.Edits = append(o.Live.Edits, edit("proxy"))
		}, ConsistOf(HaveField("Edits", ConsistOf(edit("proxy")))), v1alpha1.ReasonClusterStarted},
		"a contended Cluster is not changed": {func(o *Observation) {
			o.History.Rewrites, o.History.Contention = rewrites(2), &Contention{Generation: 1, Manager: "argocd"}
		}, doesNothing, v1alpha1.ReasonContended},
		"a contended Cluster whose spec changed is rewritten again": {func(o *Observation) {
			o.Generation = 2
			o.History.Rewrites, o.History.Contention = rewrites(2), &Contention{Generation: 1, Manager: "argocd"}
		}, ConsistOf(HaveField("History", SatisfyAll(HaveField("Rewrites", rewrites(1)), HaveField("Contention", BeNil())))), v1alpha1.ReasonRewritingCluster},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			o := stuck()
			c.observation(&o)

			plan := Decide(o)

			g.Expect(plan.Actions).To(c.actions)
			g.Expect(plan.Restores).To(HaveLen(1))
			g.Expect(policyOf(plan, "restore")).To(SatisfyAll(HaveField("Reason", c.reason), HaveField("Status", statusOf(c.reason))))
		})
	}
}

// policyOf returns the condition PolicyRehomed of a Restore.
func policyOf(p Plan, restore string) metav1.Condition {
	return p.Restores[object(restore).UID].PolicyRehomed
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

// unschedulableAgain is the outcome, a minute ago, of a full window of remediated Restores: so many are Unschedulable again.
func unschedulableAgain(count int) []attempts.Outcome {
	var outcomes []attempts.Outcome
	for i := range attempts.BreakerWindow {
		outcome := attempts.Outcome{Time: ago(60)}
		if i < count {
			outcome.Unschedulable = "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules. preemption: 0/3 nodes"
		}
		outcomes = append(outcomes, outcome)
	}
	return outcomes
}

func TestDatabasePods(t *testing.T) {
	pending := Instance{Object: object("carrot67-mysql-0"), Kept: "its update strategy is OnDelete"}
	k := key("Pod", "carrot67-mysql-0", uids("carrot67-mysql-0")...)
	recreates := ConsistOf(RecreatePod{counted{&k}, pending.Object})
	for name, c := range map[string]struct {
		change  func(*Observation)
		actions gomegatypes.GomegaMatcher
		reason  string
	}{
		"one that KubeBlocks does not replace is re-created":       {func(*Observation) {}, recreates, v1alpha1.ReasonRecreatingPods},
		"one that KubeBlocks replaces is left to it":               {func(o *Observation) { o.Instances[0].Kept = "" }, BeEmpty(), v1alpha1.ReasonRehomed},
		"one waits until its template carries the new rules":       {func(o *Observation) { o.Instances[0].TemplateStale = true }, BeEmpty(), v1alpha1.ReasonRehomed},
		"one whose volume has a node is never deleted":             {func(o *Observation) { o.Instances[0].NodeSelected = true }, BeEmpty(), v1alpha1.ReasonRehomed},
		"one is never deleted where the volumes do not admit it":   {func(o *Observation) { o.Instances[0].Refused = "one node" }, BeEmpty(), v1alpha1.ReasonVolumesBound},
		"one is never deleted in Observe":                          {func(o *Observation) { o.Mode = configv1alpha1.Observe }, BeEmpty(), v1alpha1.ReasonObserved},
		"one is re-created in KubeBlocks 1.2, too":                 {func(o *Observation) { o.ClusterOnly = true }, recreates, v1alpha1.ReasonRecreatingPods},
		"one is not deleted while the Cluster carries stale rules": {func(o *Observation) { o.Live = stuck().Live }, Not(recreates), v1alpha1.ReasonRewritingCluster},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			o := stuck()
			cured(&o)
			o.Restores[0].Finished = true
			o.Instances = []Instance{pending}
			c.change(&o)

			plan := Decide(o)

			g.Expect(plan.Actions).To(c.actions)
			g.Expect(policyOf(plan, "restore").Reason).To(Equal(c.reason))

			// Of a component that no Restore fills, only the Cluster can speak.
			o.Restores = nil
			g.Expect(Decide(o).Cluster.PolicyRehomed.Reason).To(Equal(c.reason))
		})
	}
}

func TestACluster(t *testing.T) {
	g := NewWithT(t)
	o := stuck()
	cured(&o)
	o.Restores = nil
	g.Expect(Decide(o).Cluster.PodsScheduled.Status).To(Equal(metav1.ConditionTrue), "one without Restores waits for nothing")

	o.Restoring = true
	g.Expect(Decide(o).Cluster.PodsScheduled).To(SatisfyAll(HaveField("Status", metav1.ConditionUnknown), HaveField("Reason", v1alpha1.ReasonNoPods)),
		"one whose Restore is being re-created has no node yet")
}

func TestRateLimitedRestoreWaitsForItsPosition(t *testing.T) {
	g := NewWithT(t)
	o := stuck()
	componentFollowed(&o)
	o.Limits.RemediationBurst = 1
	o.Recent.All.Times = []metav1.Time{now}
	g.Expect(Decide(o)).To(SatisfyAll(HaveField("Actions", BeEmpty()), HaveField("RateLimited", BeTrue()), HaveField("RequeueAfter.Duration", BeNumerically(">", 0))))

	first := Decide(o).RequeueAfter.Duration
	o.Recent.All.Position = 2
	g.Expect(Decide(o).RequeueAfter.Duration).To(Equal(3 * first))

	o.Mode = configv1alpha1.Observe
	g.Expect(Decide(o).RateLimited).To(BeFalse(), "an observer takes no token")
}

func TestPodsScheduled(t *testing.T) {
	for name, c := range map[string]struct {
		restore Restore
		status  metav1.ConditionStatus
		reason  string
		message string
	}{
		"a Pod that no rule lets in": {Restore{Pods: []Pod{{Name: "p", Unschedulable: "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules."}}},
			metav1.ConditionFalse, v1alpha1.ReasonUnschedulable, "1 of 1 Pods have no node. p: 0/3 nodes are available"},
		"a Pod without a volume": {Restore{Pods: []Pod{{Name: "p", Unschedulable: "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."}}},
			metav1.ConditionFalse, v1alpha1.ReasonVolumeNotBound, "PersistentVolumeClaims"},
		"a Pod without a volume, behind one that no rule lets in": {Restore{Pods: []Pod{
			{Name: "p", Unschedulable: "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules."},
			{Name: "q", Unschedulable: "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."},
		}}, metav1.ConditionFalse, v1alpha1.ReasonUnschedulable, "2 of 2 Pods have no node."},
		"a Pod that nobody has looked at": {Restore{Pods: []Pod{{Name: "p"}}}, metav1.ConditionFalse, v1alpha1.ReasonScheduling, "not tried to place it yet"},
		"a Job that a quota keeps from having Pods": {Restore{Jobs: []Job{{Object: object("job-0")}}},
			metav1.ConditionUnknown, v1alpha1.ReasonNoPods, "Job job-0 has no Pods"},
		"a Pod whose image cannot be pulled": {Restore{Jobs: []Job{{HasPods: true}}, Pods: []Pod{{Name: "p", Node: "n1", Waiting: "ImagePullBackOff"}}},
			metav1.ConditionTrue, v1alpha1.ReasonScheduled, "p on n1: ImagePullBackOff"},
		"Pods that run":            {Restore{Jobs: []Job{{HasPods: true}}, Pods: []Pod{{Name: "p", Node: "n1"}}}, metav1.ConditionTrue, v1alpha1.ReasonScheduled, "1 of 1 Pods have nodes."},
		"a Restore that completed": {Restore{Finished: true}, metav1.ConditionTrue, v1alpha1.ReasonScheduled, "Every Pod"},
		"a Restore without Jobs":   {Restore{}, metav1.ConditionUnknown, v1alpha1.ReasonNoPods, "not created Jobs yet"},
	} {
		t.Run(name, func(t *testing.T) {
			condition := c.restore.podsScheduled()

			NewWithT(t).Expect(condition).To(SatisfyAll(
				HaveField("Status", c.status), HaveField("Reason", c.reason), HaveField("Message", ContainSubstring(c.message))))
		})
	}
}

func TestLostSpreadNamesNodeAndClaims(t *testing.T) {
	g := NewWithT(t)
	o := stuck()
	allStarted(&o)
	o.Restores[0].Pods[1].Node = "n4"

	g.Expect(policyOf(Decide(o), "restore").Message).To(ContainSubstring("2 of them are on node n4, with the volume claims data-0, data-1"))
}

func TestLostSpreadIsRememberedUntilTheDatabaseHasNodes(t *testing.T) {
	g := NewWithT(t)
	o := stuck()
	allStarted(&o)
	o.Restores[0].Pods[1].Node = "n4"
	plan := Decide(o)
	g.Expect(plan.Actions).To(HaveLen(1))
	o.History = ReadHistory(plan.Actions[0].(RecordLostSpread).History.String(), o.Cluster.UID)
	g.Expect(Decide(o).Actions).To(BeEmpty(), "it is recorded once")

	o.Restores[0].Finished, o.Restores[0].Pods = true, nil
	g.Expect(policyOf(Decide(o), "restore")).To(SatisfyAll(HaveField("Status", metav1.ConditionFalse),
		HaveField("Reason", v1alpha1.ReasonSpreadLost), HaveField("Message", ContainSubstring("n4, with the volume claims data-0, data-1"))))

	o.Restores[0].Pods = []Pod{{Name: "carrot67-mysql-0", Node: "n1"}, {Name: "carrot67-mysql-1", Node: "n2"}}
	g.Expect(policyOf(Decide(o), "restore").Reason).To(Equal(v1alpha1.ReasonRestoreFinished))
}

func TestAttemptsLeftAndUnblocked(t *testing.T) {
	g := NewWithT(t)
	o := stuck()
	cured(&o)
	o.Restores[0].Pods = []Pod{{Name: "pod-0", Node: "n1"}}
	g.Expect(Decide(o).Unblocked()).To(BeZero(), "a Restore that was never remediated was not unblocked")

	attempted(&o, uids("restore-before"), 99, 60)
	g.Expect(Decide(o).Restores).To(HaveKeyWithValue(object("restore").UID,
		SatisfyAll(HaveField("AttemptsLeft", BeEquivalentTo(1)), HaveField("Unblocked", true))))
	g.Expect(Decide(o).Unblocked()).To(BeEquivalentTo(1))

	o.Restores[0].Pods = append(o.Restores[0].Pods, Pod{Name: "pod-1"})
	g.Expect(Decide(o).Unblocked()).To(BeZero(), "a Pod without a node is not unblocked")

	allStarted(&o)
	o.Restores[0].Stale = stuck().Restores[0].Stale
	g.Expect(Decide(o).Unblocked()).To(BeZero(), "one that started under stale rules was not unblocked by Rehome")
}

func TestABackupThatWasNotReadIsReadAgain(t *testing.T) {
	g := NewWithT(t)
	o := stuck()
	cured(&o)
	o.Unread = &Obstacle{Reason: v1alpha1.ReasonSourceUnknown, RequeueAfter: metav1.Duration{Duration: 5 * time.Minute}}
	g.Expect(Decide(o).RequeueAfter.Duration).To(Equal(5 * time.Minute))

	o.Restores[0].Stale = stuck().Restores[0].Stale
	attempted(&o, uids("restore-before"), 1)
	g.Expect(Decide(o).RequeueAfter.Duration).To(Equal(29*time.Second), "the shorter wait decides")
}

func TestContendedNamesTheFieldManager(t *testing.T) {
	g := NewWithT(t)
	o := stuck()
	o.History.Contention = &Contention{Generation: 1, Manager: "argocd"}

	g.Expect(policyOf(Decide(o), "restore").Message).To(HavePrefix("Field manager argocd reverted"))
}

func TestNothingInheritedPlansNothing(t *testing.T) {
	g := NewWithT(t)
	o := stuck()
	o.Inherited, o.Live, o.Restores[0].Stale = nil, rewrite.Result{}, nil
	done := o.Restores[0]
	done.Object, done.Pods, done.Finished, done.Stale = object("done"), nil, true, []rewrite.Edit{edit("mysql")}
	o.Restores = append(o.Restores, done) // nothing can be done about it any more

	plan := Decide(o)

	g.Expect(plan.Actions).To(BeEmpty())
	g.Expect(plan.NothingInherited).To(BeTrue())
	g.Expect(plan.Cluster.PolicyRehomed).To(SatisfyAll(HaveField("Status", metav1.ConditionTrue), HaveField("Reason", v1alpha1.ReasonNothingInherited)))
	g.Expect(plan.Cluster.PodsScheduled).To(SatisfyAll(HaveField("Status", metav1.ConditionFalse), HaveField("Reason", v1alpha1.ReasonUnschedulable)),
		"it is about Pods, whatever was inherited")
	g.Expect(plan.Restores[object("restore").UID].PodsScheduled).To(Equal(plan.Cluster.PodsScheduled))
}

// Where a person names the source, a rewritten Cluster no longer shows what it inherited.
func TestWhatWasBegunIsFinishedWhereNoRuleShowsThatItWasInherited(t *testing.T) {
	for name, change := range map[string]func(*Observation){
		"a Restore after the rewrite":                    func(o *Observation) { o.History = o.History.rewritten(stuck().Live.Edits) },
		"a Restore whose rule the Cluster no longer has": func(*Observation) {},
		"Jobs after the replacement of their rules": func(o *Observation) {
			halfDone(o)
			o.Restores[0].Stale = nil
			attempted(o, []types.UID{"before"}, 9999)
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			o := stuck()
			componentFollowed(&o)
			o.Inherited = nil
			change(&o)

			plan := Decide(o)

			g.Expect(plan.Actions).To(HaveLen(1))
			g.Expect(plan.NothingInherited).To(BeFalse())
			g.Expect(policyOf(plan, "restore").Message).NotTo(ContainSubstring("Inherited"))
		})
	}
}

func TestReplacementThatWasBegunIsFinishedFirst(t *testing.T) {
	for name, change := range map[string]func(*Observation){
		"in mode Observe":  func(o *Observation) { o.Mode = configv1alpha1.Observe },
		"in mode Disabled": func(o *Observation) { o.Mode = configv1alpha1.Disabled },
		"without the Backup": func(o *Observation) {
			o.Obstacle = &Obstacle{Reason: v1alpha1.ReasonSourceUnknown, Message: "not found"}
		},
		"in an invalid mode":               func(o *Observation) { o.Obstacle = &Obstacle{Reason: v1alpha1.ReasonInvalidMode, Message: "got x"} },
		"without the rule in the snapshot": func(o *Observation) { o.Inherited = nil },
		"during a contention":              func(o *Observation) { o.Live, o.History.Contention = stuck().Live, &Contention{Generation: 1} },
		"before the Cluster is rewritten":  func(o *Observation) { o.Live = stuck().Live },
		"in a Restore that failed":         func(o *Observation) { o.Restores[0].Failed = true },
		"in a Restore that completed":      func(o *Observation) { o.Restores[0].Finished = true },
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			o := stuck()
			replaced(&o)
			change(&o)

			o.Restores[0].Replacement = ReplacementRemoved
			g.Expect(Decide(o).Actions).To(HaveExactElements(append([]any{AddSchedulingSpec{Restore: object("restore")}}, rest(Decide(o))...)...))
			g.Expect(policyOf(Decide(o), "restore").Reason).To(Equal(v1alpha1.ReasonRecreatingJobs))

			o.Restores[0].Replacement = ReplacementEmptied
			g.Expect(Decide(o).Actions[0]).To(Equal(RemoveSchedulingSpec{Restore: object("restore")}))
		})
	}
}

// rest returns the actions of a plan after the first.
func rest(p Plan) []any {
	var actions []any
	for _, action := range p.Actions[1:] {
		actions = append(actions, action)
	}
	return actions
}

func TestReplacementIsNotFinishedByAGuess(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*Restore)
		message string
	}{
		"the annotation holds no rules":      {func(r *Restore) { r.Replacement = ReplacementLost }, "does not hold any"},
		"the API server refuses the rules":   {func(r *Restore) { r.Replacement, r.Refused = ReplacementRemoved, "spec.x: Invalid value" }, "spec.x: Invalid value"},
		"the API server refuses the removal": {func(r *Restore) { r.Replacement, r.Refused = ReplacementEmptied, "denied by a webhook" }, "denied by a webhook"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			o := stuck()
			replaced(&o)
			c.change(&o.Restores[0])

			plan := Decide(o)

			g.Expect(plan.Actions).To(BeEmpty())
			g.Expect(policyOf(plan, "restore")).To(SatisfyAll(HaveField("Status", metav1.ConditionFalse),
				HaveField("Reason", v1alpha1.ReasonInvalidRule), HaveField("Message", ContainSubstring(c.message))))
		})
	}
}

func TestConsentsGivenOneAfterAnotherAreNoContention(t *testing.T) {
	g := NewWithT(t)
	o := stuck()
	for i := range 5 {
		o.Generation = int64(i)
		o.Live.Edits = []rewrite.Edit{{Path: fmt.Sprintf("/mysql/%d", i), Component: "mysql"}}

		plan := Decide(o)

		g.Expect(plan.Actions).To(ConsistOf(BeAssignableToTypeOf(PatchCluster{})))
		o.History = plan.Actions[0].(PatchCluster).History
	}
	o.Live.Edits = []rewrite.Edit{{Path: "/mysql/0", Component: "mysql"}, {Path: "/mysql/9", Component: "mysql"}}
	o.History = Decide(o).Actions[0].(PatchCluster).History
	g.Expect(Decide(o).Actions).To(ConsistOf(BeAssignableToTypeOf(MarkContended{})), "one of the places was reverted twice")
}

func TestHistoryOfManyRewritesIsBounded(t *testing.T) {
	g := NewWithT(t)
	var edits []rewrite.Edit
	for i := range 5000 {
		edits = append(edits, rewrite.Edit{Path: fmt.Sprintf("/mysql/%d", i)})
	}
	history := History{}.rewritten(edits).rewritten(edits)

	g.Expect(len(history.String())).To(BeNumerically("<", 8<<10))
	g.Expect(history.reverted(edits[:1])).To(BeTrue())
	g.Expect(history.reverted(edits[4999:])).To(BeTrue())
	g.Expect(history.rewritten(nil)).To(Equal(history))
}

func TestPodsScheduledNamesTheRulesThatRehomeKeeps(t *testing.T) {
	const antiAffinity = "/spec/schedulingPolicy/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/0"
	const preferred = "/spec/schedulingPolicy/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/0"
	const spread = "/spec/schedulingPolicy/topologySpreadConstraints/0"
	const ownAntiAffinity = "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules."
	const ofRunning = "0/3 nodes are available: 3 node(s) didn't satisfy existing pods anti-affinity rules."
	finding := func(class rewrite.Class, path string) []rewrite.Finding {
		return []rewrite.Finding{{Class: class, Path: path, Rule: "required rule R"}}
	}
	for name, c := range map[string]struct {
		findings []rewrite.Finding
		refusal  string
		says     gomegatypes.GomegaMatcher
	}{
		"one that names no cluster, and the consent": {finding(rewrite.Unscoped, antiAffinity), ownAntiAffinity,
			And(ContainSubstring("these rules of carrot67"), ContainSubstring("required rule R: the consent ScopeUnscoped"))},
		"one that names another cluster, and the field": {finding(rewrite.ThirdParty, antiAffinity), ownAntiAffinity,
			And(ContainSubstring("required rule R"), ContainSubstring("spec.source of the Rehoming"))},
		"one that names a shard":              {finding(rewrite.Generated, antiAffinity), ownAntiAffinity, ContainSubstring("no consent covers it")},
		"a spread constraint":                 {finding(rewrite.Unscoped, spread), "1 node(s) didn't match pod topology spread constraints.", ContainSubstring("required rule R")},
		"one of the source's that runs":       {finding(rewrite.Unscoped, antiAffinity), ofRunning, And(ContainSubstring("Cluster my1 was backed up with: required rule R"), ContainSubstring("never changes the source"))},
		"one of somebody's that runs":         {nil, ofRunning, ContainSubstring("Pods that run can be the cause, for example of cluster my1")},
		"but not a preferred one":             {finding(rewrite.Unscoped, preferred), ownAntiAffinity, Not(ContainSubstring("keeps"))},
		"but not one that selects nothing":    {finding(rewrite.Vacuous, antiAffinity), ownAntiAffinity, Not(ContainSubstring("keeps"))},
		"but not one of another kind":         {finding(rewrite.Unscoped, spread), ownAntiAffinity, Not(ContainSubstring("keeps"))},
		"but not where no rule refused a Pod": {finding(rewrite.Unscoped, antiAffinity), "0/3 nodes are available: 3 Insufficient cpu.", Not(ContainSubstring("keeps"))},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			o := stuck()
			o.Inherited, o.Live, o.Source = nil, rewrite.Result{Findings: c.findings}, "my1"
			o.Restores[0].Pods[0].Unschedulable = c.refusal

			g.Expect(Decide(o).Cluster.PodsScheduled.Message).To(SatisfyAll(HavePrefix("1 of 1 Pods have no node. pod-0: "+c.refusal), c.says,
				ContainSubstring(" See kubectl rehome explain "+o.Cluster.Name+" -n "+o.Cluster.Namespace+".")))

			o.Obstacle = &Obstacle{Reason: v1alpha1.ReasonMultiCluster}
			g.Expect(Decide(o).Cluster.PodsScheduled.Message).To(c.says, "behind an obstacle, too")
		})
	}
}

func TestOneRestoreDoesNotHoldUpAnother(t *testing.T) {
	g := NewWithT(t)
	o := stuck()
	clusterIsRewritten(&o)
	o.Components = append(o.Components, Component{Object: object("carrot67-proxy")})
	o.Restores = append(o.Restores, Restore{Object: object("proxy"), Owner: "carrot67-proxy", Component: "proxy", Stale: []rewrite.Edit{edit("proxy")},
		Jobs: []Job{{Object: object("proxy-job"), Outdated: true, HasPods: true}}})

	plan := Decide(o)

	g.Expect(plan.Actions).To(ConsistOf(HaveField("Restore", object("proxy"))))
	g.Expect(policyOf(plan, "restore").Reason).To(Equal(v1alpha1.ReasonWaitingForComponent))
	g.Expect(policyOf(plan, "proxy").Reason).To(Equal(v1alpha1.ReasonRecreatingRestore))
}

func TestMessageNamesRulesAndStaysShort(t *testing.T) {
	g := NewWithT(t)
	o := stuck()
	for range 1000 {
		o.Inherited = append(o.Inherited, rewrite.Finding{Class: rewrite.SourceIdentity, Rule: strings.Repeat("x", 100)})
	}
	o.Live.Findings = []rewrite.Finding{
		{Class: rewrite.SourceIdentity, Rule: "inherited elsewhere"},
		{Class: rewrite.Intended, Rule: "keep away from my1"},
	}

	message := policyOf(Decide(o), "restore").Message

	g.Expect(message).To(ContainSubstring("Inherited: required anti-affinity against my1; "))
	g.Expect(message).To(ContainSubstring("; and 996 more."))
	g.Expect(message).To(ContainSubstring("Kept, because the snapshot does not hold it: keep away from my1."))
	g.Expect(len(message)).To(BeNumerically("<", 2000))
}
