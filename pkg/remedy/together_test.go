package remedy

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/feasibility"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// twoComponents adds a second component with a Restore to a stuck Cluster. The volume of mysql-0 is tied to a node. narrow has the rules of
// each component select its own Pods only.
func twoComponents(o *Observation, narrow bool) {
	volumesOn("n3", "")(o)
	proxy := shards(1)
	o.Restores, o.Components = append(o.Restores, proxy.Restores[0]), append(o.Components, proxy.Components[0])
	w := o.Placement.World
	policy := "/spec/componentSpecs/1/schedulingPolicy"
	w.Pods[1].Policy, w.Pods[1].Name = policy, "carrot67-shard0-0"
	w.Pods[1].NodeSelector = map[string]string{corev1.LabelHostname: "n4"} // else its rule is refused
	for i, component := range []string{"mysql", "shard0"} {
		pod := &w.Pods[i]
		pod.Labels = map[string]string{rewrite.LabelInstance: "carrot67", rewrite.LabelComponentName: component}
		for _, rules := range []*feasibility.Rules{&pod.Stale, &pod.Rewritten} {
			term := &rules.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0]
			if term.LabelSelector = term.LabelSelector.DeepCopy(); narrow {
				metav1.AddLabelToSelector(term.LabelSelector, rewrite.LabelComponentName, component)
			}
		}
	}
	second := edit("shard0")
	second.Path = strings.Replace(o.Live.Edits[0].Path, "/spec/componentSpecs/0/schedulingPolicy", policy, 1)
	o.Live.Edits = append(o.Live.Edits, second)
}

// A proof is about all rules of a group. With only some of them rewritten, a stale Pod can take the node of a bound volume.
func TestRulesThatWereProvenTogetherAreRewrittenTogether(t *testing.T) {
	exhaust := func(o *Observation) {
		for _, seconds := range []int64{9999, 999, 600} {
			o.History = o.History.With(key("Restore", "shard0", uids("before")...), recreateRestore, ago(seconds))
		}
	}
	oneToken := func(o *Observation) {
		for range o.Limits.RemediationBurst/2 - 1 { // a Namespace gets half
			o.Recent = o.Recent.With(now)
		}
	}
	preferred, template := edit("mysql"), edit("mysql")
	preferred.Path = "/spec/componentSpecs/0/schedulingPolicy/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/0/x"
	template.Template = "hot"
	refused := edit("mysql")
	refused.Path = "/spec/componentSpecs/0/schedulingPolicy/topologySpreadConstraints/0/labelSelector/matchLabels/app.kubernetes.io~1instance"
	refuses := func(e rewrite.Edit) func(*Observation) {
		return func(o *Observation) {
			o.Placement.Unjudged = append(o.Placement.Unjudged, RefusedRule{Path: e.Path, Reason: "its volumes are in one zone"})
		}
	}
	overridden := func(o *Observation) { o.Overriding = map[string]bool{"mysql": true, "shard0": true} }
	proxyRuns := func(o *Observation) { o.Bound = []Scope{{Component: "proxy"}} }
	for name, c := range map[string]struct {
		narrow bool
		limit  func(*Observation)
		beside []rewrite.Edit
		edits  int
		ahead  int
		reason string
	}{
		"all at once":              {false, func(*Observation) {}, nil, 2, 2, v1alpha1.ReasonRewritingCluster},
		"a limit of one holds all": {false, exhaust, nil, 0, 0, v1alpha1.ReasonAttemptsExhausted},
		"no token is left for the second, which follows": {false, oneToken, nil, 2, 1, v1alpha1.ReasonRewritingCluster},
		"but not a preferred rule":                       {false, exhaust, []rewrite.Edit{preferred}, 1, 0, v1alpha1.ReasonRewritingCluster},
		"nor rules that were not proven with them":       {false, exhaust, []rewrite.Edit{edit("proxy")}, 1, 0, v1alpha1.ReasonAttemptsExhausted},
		"a limit holds all rules of a component, because its Restores wait for all": {
			false, exhaust, []rewrite.Edit{template}, 0, 0, v1alpha1.ReasonAttemptsExhausted,
		},
		"but not those of a component whose Restore has ended": {true, func(o *Observation) {
			exhaust(o)
			o.Restores[0].Finished = true
		}, []rewrite.Edit{edit("")}, 1, 0, v1alpha1.ReasonRewritingCluster},
		"and those of another component that waits for a rule of the whole Cluster": {
			true, exhaust, []rewrite.Edit{edit("")}, 0, 0, v1alpha1.ReasonAttemptsExhausted,
		},
		"but not of one with a policy of its own": {true, func(o *Observation) { exhaust(o); overridden(o) }, []rewrite.Edit{edit("")}, 2, 1, v1alpha1.ReasonRewritingCluster},
		"a refused rule holds the others of its component, because its Restores are not changed": {
			true, refuses(refused), []rewrite.Edit{refused}, 1, 1, v1alpha1.ReasonVolumesBound,
		},
		"and those that were proven with them": {false, refuses(refused), []rewrite.Edit{refused}, 0, 0, v1alpha1.ReasonVolumesBound},
		"but not where the Restore of the component has ended": {true, func(o *Observation) {
			refuses(refused)(o)
			o.Restores[0].Failed = true
		}, []rewrite.Edit{refused}, 2, 1, v1alpha1.ReasonRestoreFailed},
		"a rule of the whole Cluster that a database Pod holds holds all that Restores wait for": {
			true, proxyRuns, []rewrite.Edit{edit("")}, 0, 0, v1alpha1.ReasonClusterStarted,
		},
		"but not those of components with a policy of their own": {true, func(o *Observation) { proxyRuns(o); overridden(o) }, []rewrite.Edit{edit("")}, 2, 2, v1alpha1.ReasonRewritingCluster},
		"a rule that waits for a Pod holds them, too": {true, func(o *Observation) {
			o.Awaited = []Awaited{{Component: "proxy", Exists: true, Text: "the scheduler has yet to decide on Pod x"}}
		}, []rewrite.Edit{edit("")}, 0, 0, v1alpha1.ReasonWaitingForScheduler},
		"and one that a database Pod can hold soon": {true, func(o *Observation) {
			o.Undecided = []Scope{{Component: "proxy"}}
		}, []rewrite.Edit{edit("")}, 0, 0, v1alpha1.ReasonWaitingForScheduler},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			o := stuck()
			twoComponents(&o, c.narrow)
			c.limit(&o)
			o.Live.Edits = append(o.Live.Edits, c.beside...)

			plan := Decide(o)

			var edits []rewrite.Edit
			for _, a := range plan.Actions {
				edits = append(edits, a.(PatchCluster).Edits...)
			}
			g.Expect(edits).To(HaveLen(c.edits))
			g.Expect(Attempts(plan.Actions)).To(HaveLen(c.ahead))
			g.Expect(reasons(o, plan)[0]).To(Equal(c.reason))
		})
	}
}

// A plan is made twice, the second time while all other Clusters wait, and a proof can take two seconds.
func TestAProofIsMadeOnce(t *testing.T) {
	g := NewWithT(t)
	o := stuck()
	volumesOn("n3", "n3")(&o)
	g.Expect(reasons(o, Decide(o))).To(ConsistOf(v1alpha1.ReasonVolumesBound))

	o.Placement.World.Pods = nil // a second proof would refuse nothing

	g.Expect(reasons(o, Decide(o))).To(ConsistOf(v1alpha1.ReasonVolumesBound))
}

// A rule that waits for a Pod is in no bundle of its own, where its component has no other. Its stale Pod could take the node of a volume.
func TestRulesThatWereProvenTogetherWaitTogether(t *testing.T) {
	for name, c := range map[string]struct {
		wait func(*Observation)
		// other is the reason on the Restore of shard0.
		other string
	}{
		"until the scheduler has decided": {func(o *Observation) {
			o.Undecided = []Scope{{Component: "shard0"}}
			o.Unplaced = o.Undecided
		}, v1alpha1.ReasonWaitingForScheduler},
		"until it has, beside a Pod that runs": {func(o *Observation) {
			o.Undecided = []Scope{{Component: "shard0"}}
			o.Unplaced, o.Bound = o.Undecided, o.Undecided
			o.Restores[1].Finished = true
		}, v1alpha1.ReasonClusterStarted},
		"until it has, on a restore Pod": {func(o *Observation) {
			o.Awaited = []Awaited{{Component: "shard0", Exists: true, Text: "Pod shard0-0"}}
		}, v1alpha1.ReasonWaitingForScheduler},
	} {
		t.Run(name, func(t *testing.T) {
			o := stuck()
			twoComponents(&o, false)
			c.wait(&o)
			plan := Decide(o)
			NewWithT(t).Expect(plan.Actions).To(BeEmpty())
			NewWithT(t).Expect(reasons(o, plan)).To(HaveExactElements(v1alpha1.ReasonWaitingForScheduler, c.other))

			o = stuck()
			twoComponents(&o, true)
			c.wait(&o)
			NewWithT(t).Expect(Decide(o).Actions).To(ConsistOf(HaveField("Edits", HaveLen(1))), "narrow rules were not proven together")
		})
	}
	t.Run("but not for a Pod with a node on which KubeBlocks restores its volume", func(t *testing.T) {
		o := stuck()
		twoComponents(&o, false)
		o.ClusterOnly, o.Restores = true, nil
		o.Undecided = []Scope{{Component: "shard0"}}
		NewWithT(t).Expect(Decide(o).Actions).To(ConsistOf(HaveField("Edits", HaveLen(1))))
	})
	t.Run("but not for a Pod that KubeBlocks may create after the others run", func(t *testing.T) {
		o := stuck()
		twoComponents(&o, false)
		o.Awaited = []Awaited{{Component: "shard0", Text: "Pods of shard0"}}
		NewWithT(t).Expect(Decide(o).Actions).To(ConsistOf(HaveField("Edits", HaveLen(1))))
	})
}

// A rewrite was undone, and meanwhile a volume was bound. The attempt that follows is recorded, and needs no token.
func TestRulesOfARestoreAreRewrittenTogetherAfterAnAttemptWasRecorded(t *testing.T) {
	o := stuck()
	second := edit("mysql")
	second.Path = "/mysql/y"
	o.Live.Edits = append(o.Live.Edits, second)
	o.History = o.History.With(key("Restore", "restore", uids("restore", "job-0", "job-1")...), recreateRestore, ago(1))
	NewWithT(t).Expect(Decide(o).Actions).To(ConsistOf(HaveField("Edits", HaveLen(2))))

	o.Placement = &Placement{Unjudged: []RefusedRule{{Path: second.Path, Reason: "a volume was bound meanwhile"}}}
	NewWithT(t).Expect(Decide(o).Actions).To(BeEmpty())
}
