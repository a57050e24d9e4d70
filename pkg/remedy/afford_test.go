package remedy

import (
	"testing"

	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

func breakerIsOpen(o *Observation) { o.Recent.All.Outcomes = unschedulableAgain(6) }

func bucketIsEmpty(o *Observation) {
	for range o.Limits.RemediationBurst {
		o.Recent = o.Recent.With(now)
	}
}

// everyEdit makes the rule one of the whole Cluster, which governs each component.
func everyEdit(o *Observation) { o.Live.Edits = []rewrite.Edit{edit("")} }

// staysStale takes the observation to a later step, with the Cluster still stale.
func staysStale(o *Observation, step func(*Observation)) {
	live := o.Live
	step(o)
	o.Live = live
}

// A rewrite without the attempts that must follow it would leave restore Pods with stale rules beside a Cluster without them. A node that
// becomes free then takes them all, and their volumes with them.
func TestALimitHoldsARewriteThatAttemptsMustFollow(t *testing.T) {
	for name, c := range map[string]struct {
		observation func(*Observation)
		edits       gomegatypes.GomegaMatcher
		reason      string
	}{
		"an open breaker": {breakerIsOpen, BeEmpty(), v1alpha1.ReasonBreakerOpen},
		"an empty bucket": {bucketIsEmpty, BeEmpty(), v1alpha1.ReasonRateLimited},
		"the time between attempts": {func(o *Observation) {
			o.History = o.History.With(key("Restore", "restore", uids("before")...), recreateRestore, ago(1))
		}, BeEmpty(), v1alpha1.ReasonBackingOff},
		"the number of attempts": {func(o *Observation) {
			for _, seconds := range []int64{9999, 999, 600} {
				o.History = o.History.With(key("Restore", "restore", uids("before")...), recreateRestore, ago(seconds))
			}
		}, BeEmpty(), v1alpha1.ReasonAttemptsExhausted},
		"the limit of one Restore holds a rule of the whole Cluster": {func(o *Observation) {
			*o = shards(2)
			everyEdit(o)
			o.History = o.History.With(key("Restore", "shard1", uids("before")...), recreateRestore, ago(1))
		}, BeEmpty(), v1alpha1.ReasonBackingOff},
		"but no rule of another component": {func(o *Observation) {
			breakerIsOpen(o)
			o.Live.Edits = append(o.Live.Edits, edit("proxy"))
		}, ConsistOf(edit("proxy")), v1alpha1.ReasonBreakerOpen},
		"but no preferred rule, which keeps no Pod off": {func(o *Observation) {
			breakerIsOpen(o)
			o.Live.Edits[0].Path = "/mysql/preferredDuringSchedulingIgnoredDuringExecution/0"
		}, HaveLen(1), v1alpha1.ReasonRewritingCluster},
		"but not where the attempt is recorded": {func(o *Observation) {
			breakerIsOpen(o)
			o.History = o.History.With(restoreKey(o.Restores[0]), recreateRestore, ago(1))
		}, HaveLen(1), v1alpha1.ReasonRewritingCluster},
		"but not where all Pods have started": {func(o *Observation) {
			staysStale(o, allStarted)
			breakerIsOpen(o)
		}, HaveLen(1), v1alpha1.ReasonRestoreStarted},
		"an attempt on the whole Restore is none on the Jobs that are left of it": {func(o *Observation) {
			staysStale(o, halfDone)
			o.History = o.History.With(restoreKey(o.Restores[0]), recreateRestore, ago(1))
		}, BeEmpty(), v1alpha1.ReasonBackingOff},
		"but not where the Restore has finished": {func(o *Observation) {
			breakerIsOpen(o)
			o.Restores[0].Finished = true
		}, HaveLen(1), v1alpha1.ReasonRewritingCluster},
		"but not where the Restore has failed": {func(o *Observation) {
			breakerIsOpen(o)
			o.Restores[0].Failed = true
		}, HaveLen(1), v1alpha1.ReasonRestoreFailed},
		"but not where the Restore is being deleted": {func(o *Observation) {
			breakerIsOpen(o)
			o.Restores[0].Deleting = true
		}, HaveLen(1), v1alpha1.ReasonRewritingCluster},
		"but not where the rules of the Restore cannot be replaced": {func(o *Observation) {
			breakerIsOpen(o)
			o.Restores[0].Refused = "they are invalid"
		}, HaveLen(1), v1alpha1.ReasonInvalidRule},
		"but not where other volumes leave the Restore no node": {func(o *Observation) {
			breakerIsOpen(o)
			o.Restores[0].NoDomain = "they are everywhere"
		}, HaveLen(1), v1alpha1.ReasonRewritingCluster},
		"but not where KubeBlocks makes the Restores itself": {func(o *Observation) {
			o.ClusterOnly = true
			breakerIsOpen(o)
		}, HaveLen(1), v1alpha1.ReasonRewritingCluster},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			o := stuck()
			c.observation(&o)

			plan := Decide(o)

			var edits []rewrite.Edit
			for _, action := range plan.Actions {
				edits = append(edits, action.(PatchCluster).Edits...)
			}
			g.Expect(edits).To(c.edits)
			g.Expect(reasons(o, plan)).To(ContainElement(c.reason))
		})
	}
}

func TestALimitHidesNoContention(t *testing.T) {
	g := NewWithT(t)
	o := stuck()
	breakerIsOpen(&o)
	o.History.Rewrites = rewrites(2)

	plan := Decide(o)

	g.Expect(plan.Actions).To(ConsistOf(BeAssignableToTypeOf(MarkContended{})))
	g.Expect(policyOf(plan, "restore").Reason).To(Equal(v1alpha1.ReasonContended))
}

func TestALimitThatHoldsARewriteIsWaitedFor(t *testing.T) {
	g := NewWithT(t)
	o := stuck()
	bucketIsEmpty(&o)

	plan := Decide(o)

	g.Expect(plan.RateLimited).To(BeTrue())
	g.Expect(plan.RequeueAfter.Duration).To(BeNumerically(">", 0))
}

func TestARewriteTakesTheTokensOfTheAttemptsThatFollow(t *testing.T) {
	// rewritten is the Cluster after its first plan.
	rewritten := func(t *testing.T, o Observation) (Observation, PatchCluster) {
		t.Helper()
		g := NewWithT(t)
		plan := Decide(o)
		g.Expect(plan.Next()).To(HaveExactElements(BeAssignableToTypeOf(PatchCluster{})))
		patch := plan.Actions[0].(PatchCluster)
		g.Expect(Attempts(plan.Next())).To(ConsistOf(patch.Ahead))
		o.History = patch.History
		o.Live = rewrite.Result{}
		for i := range o.Components {
			o.Components[i].Stale = false
		}
		return o, patch
	}

	t.Run("so that none holds them", func(t *testing.T) {
		g := NewWithT(t)
		o, patch := rewritten(t, stuck())
		breakerIsOpen(&o)
		bucketIsEmpty(&o)

		plan := Decide(o)

		g.Expect(patch.Ahead).To(HaveLen(1))
		g.Expect(patch.History.Attempts).To(ConsistOf(HaveField("Action", recreateRestore)))
		g.Expect(plan.Next()).To(ConsistOf(RecreateRestore{Restore: object("restore")}))
		g.Expect(Attempts(plan.Next())).To(BeEmpty(), "it was counted")
	})
	t.Run("also on the Jobs that are left of a Restore", func(t *testing.T) {
		g := NewWithT(t)
		o := stuck()
		staysStale(&o, halfDone)
		o, patch := rewritten(t, o)
		bucketIsEmpty(&o)

		g.Expect(patch.History.Attempts).To(ConsistOf(HaveField("Action", replaceSchedulingSpec)))
		g.Expect(Decide(o).Next()).To(ConsistOf(BeAssignableToTypeOf(RemoveSchedulingSpec{})))
	})
	t.Run("also where a Job starts in between", func(t *testing.T) {
		g := NewWithT(t)
		o, _ := rewritten(t, stuck())
		halfDone(&o)
		bucketIsEmpty(&o)

		plan := Decide(o)

		g.Expect(plan.Next()).To(ConsistOf(BeAssignableToTypeOf(RemoveSchedulingSpec{})))
		g.Expect(Attempts(plan.Next())).To(BeEmpty(), "it was counted")
	})
	t.Run("and one for each rule", func(t *testing.T) {
		g := NewWithT(t)
		o := shards(4)
		for _, r := range o.Restores {
			o.Live.Edits = append(o.Live.Edits, edit(r.Component))
		}
		o.Limits.RemediationBurst = 4 // one Namespace gets half
		held := reasons(o, Decide(o))[2:]
		_, patch := rewritten(t, o)

		g.Expect(patch.Edits).To(ConsistOf(edit("shard0"), edit("shard1")))
		g.Expect(patch.Ahead).To(HaveLen(2))
		g.Expect(held).To(HaveEach(v1alpha1.ReasonRateLimited))
	})
	t.Run("one at least for a rule, because many Restores can need more than there ever are", func(t *testing.T) {
		g := NewWithT(t)
		o := shards(4)
		everyEdit(&o)
		o.Limits.RemediationBurst = 4 // one Namespace gets half
		o, patch := rewritten(t, o)

		g.Expect(patch.Ahead).To(HaveLen(2))
		bucketIsEmpty(&o)
		g.Expect(reasons(o, Decide(o))).To(ConsistOf(v1alpha1.ReasonRecreatingRestore, v1alpha1.ReasonRecreatingRestore,
			v1alpha1.ReasonRateLimited, v1alpha1.ReasonRateLimited))
	})
	t.Run("but not in mode Observe", func(t *testing.T) {
		g := NewWithT(t)
		o := stuck()
		o.Mode = configv1alpha1.Observe

		g.Expect(Decide(o).Actions).To(BeEmpty())
	})
	t.Run("but none where no Restore must follow", func(t *testing.T) {
		g := NewWithT(t)
		o := stuck()
		o.Restores = nil
		_, patch := rewritten(t, o)

		g.Expect(patch.Ahead).To(BeEmpty())
		g.Expect(patch.History.Attempts).To(BeEmpty())
	})
}
