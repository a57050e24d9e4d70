package remedy

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
)

// restore decides on one Restore, and returns what to say of its rules. The first that has something to say decides.
func (d *decision) restore(r Restore) Said {
	for _, decide := range []func(Restore) *Said{
		d.ended, d.swapping, d.beyond, d.clusterFirst, d.recreateRestore, d.exchange, d.recreateJobs, d.relax,
	} {
		if said := decide(r); said != nil {
			return *said
		}
	}
	said := d.rehomed()
	said.Message += d.deed(r)
	return said
}

// rehomed says that no inherited rule names the source any more.
func (d *decision) rehomed() Said {
	return Said{metav1.ConditionTrue, v1alpha1.ReasonRehomed, "The rules inherited from the source cluster name " + d.Cluster.Name + " now."}
}

// deed says how often a Restore was remediated, how and when last; it is empty where it never was.
func (d *decision) deed(r Restore) string {
	attempts := d.Ledger.Attempts[RestoreKey(r.Name)]
	if len(attempts) == 0 {
		return ""
	}
	last := attempts[len(attempts)-1]
	what := "Jobs of the Restore that had never started were"
	if last.Action == (RecreateRestore{}).Deed().Action {
		what = "The Restore, of which nothing had ever started, was"
	}
	return fmt.Sprintf(" %s made anew (attempt %d of %d, at %s).", what, len(attempts), d.Limits.AttemptsPerRestore, last.At.UTC().Format(timeFormat))
}

// no says that inherited rules still name the source.
func no(reason, format string, args ...any) *Said {
	return &Said{metav1.ConditionFalse, reason, fmt.Sprintf(format, args...)}
}

// acting is no for something that is due: in mode Observe it is only said.
func (d *decision) acting(reason, format string, args ...any) *Said {
	said := no(reason, format, args...)
	if d.Mode == configv1alpha1.Observe {
		said.Reason, said.Message = v1alpha1.ReasonObserved, "In mode Observe nothing is changed. In mode Enforce: "+said.Message
	}
	return said
}

// attempt tries an action that makes something anew, and says that or what stands against it.
func (d *decision) attempt(c Charge, said *Said, action func(*Charge) Action) *Said {
	if against := d.try(c, action); against != nil {
		return no(against.reason, "%s", against.message)
	}
	return said
}

// RestoreKey returns the Charge.Key of the Restore of that name.
func RestoreKey(name string) string { return "Restore " + name }

func chargeFor(kind string, of Object, parts ...types.UID) Charge {
	if len(parts) == 0 {
		parts = []types.UID{of.UID}
	}
	return Charge{Key: kind + " " + of.Name, Of: parts}
}

// ended speaks of a Restore with which KubeBlocks does nothing more. It is never touched.
func (d *decision) ended(r Restore) *Said {
	switch {
	case r.Failed:
		return no(v1alpha1.ReasonRestoreFailed,
			"The Restore failed. KubeBlocks does not try it again, its volumes may hold partial data, and nothing of it is touched.")
	case r.Finished && len(r.Stale) > 0:
		return d.finished(r)
	}
	return nil
}

// finished speaks of a Restore that completed under old rules. What came of that shows in where the database Pods are.
func (d *decision) finished(r Restore) *Said {
	if shared := r.shared(); shared != "" {
		return no(v1alpha1.ReasonSpreadLost, "The Restore finished under rules that name the source cluster and did not keep its Pods apart: %s. "+
			"Nothing that has data is touched.%s", shared, r.pinned())
	}
	if len(r.Pods) == 0 && r.Lost != "" {
		// Its Pods are gone, and the database's have no nodes yet.
		return no(v1alpha1.ReasonSpreadLost, "%s", withoutRules(r.Lost))
	}
	if said := d.clusterFirst(r); said != nil {
		return said
	}
	return &Said{metav1.ConditionTrue, v1alpha1.ReasonRestoreFinished,
		"The Restore finished under rules that name the source cluster. The Cluster's rules name " + d.Cluster.Name + " now, and no two of its Pods share a node."}
}

// beyond speaks of a Restore whose Pods all started under stale rules: nothing of it is touched.
func (d *decision) beyond(r Restore) *Said {
	if len(r.Stale) == 0 || r.Started == "" || r.Serial || len(r.neverStarted()) > 0 {
		return nil
	}
	if shared := r.shared(); shared != "" {
		return no(v1alpha1.ReasonSpreadLost, "The Restore carries rules that name the source cluster, which did not keep its Pods apart: %s. "+
			"Nothing that started is touched, because running it again could damage restored data.%s", shared, r.pinned())
	}
	return no(v1alpha1.ReasonRestoreStarted, "The Restore carries rules that name the source cluster, but %s: it is left alone, "+
		"because running it again could damage restored data.", r.Started)
}

// pinned says why the Cluster's rules are left as they are although no database Pod runs; it is empty where they are not.
func (r Restore) pinned() string {
	if r.Tied == "" {
		return ""
	}
	return " The Cluster's rules are left as they are, too: " + r.Tied + ", so that with rules of its own the database would find no nodes. " +
		"To have it spread, restore under another name."
}

// clusterFirst speaks of a Restore for which the Cluster, or its Component, has to be right before.
func (d *decision) clusterFirst(r Restore) *Said {
	switch {
	case d.contention != nil:
		return no(v1alpha1.ReasonContended, "%s undid the rewrite of the Cluster's rules twice: Rehome leaves the Cluster alone until its spec "+
			"changes, or somebody removes its annotation %s.", d.contention.who(), v1alpha1.AnnotationLedger)
	case governs(d.due, r.Component):
		return d.acting(v1alpha1.ReasonRewritingCluster, "Rewriting the Cluster's rules to %s.", d.Cluster.Name)
	case governs(d.held, r.Component):
		return no(v1alpha1.ReasonClusterStarted,
			"Database Pods are running under rules that name the source cluster: rewriting them would restart the database.")
	}
	for _, c := range d.Components {
		if c.Stale && (c.Name == r.Owner || r.Component == anyComponent) {
			return no(v1alpha1.ReasonWaitingForComponent,
				"The Cluster's rules name %s; waiting for KubeBlocks to hand them to Component %s.", d.Cluster.Name, c.Name)
		}
	}
	return nil
}

func (c *Contention) who() string {
	if c.Manager == "" {
		return "Somebody"
	}
	return "Field manager " + c.Manager
}

// swapping goes on with an exchange of rules that is under way.
func (d *decision) swapping(r Restore) *Said {
	switch {
	case d.ClusterOnly || r.Deleting:
		return nil
	case r.Swap == SwapRemoved:
		d.act(AddSchedulingSpec{Restore: r.Object})
	case r.Swap == SwapUndone:
		d.act(RemoveSchedulingSpec{Restore: r.Object})
	default:
		return nil
	}
	return d.acting(v1alpha1.ReasonRecreatingJobs, "The Restore is being given the new rules.")
}

// recreateRestore has a Restore made anew of which nothing ever started.
func (d *decision) recreateRestore(r Restore) *Said {
	said := d.acting(v1alpha1.ReasonRecreatingRestore,
		"The Restore still carries the old rules and nothing of it ever started: KubeBlocks creates it again with the new ones.")
	switch {
	case d.ClusterOnly:
		return nil
	case r.Deleting:
		return said
	case len(r.Stale) == 0 || r.Started != "":
		return nil
	case r.Undecided != "":
		return d.undecided(r.Undecided)
	}
	return d.attempt(chargeFor("Restore", r.Object), said, func(c *Charge) Action {
		return RecreateRestore{Restore: r.Object, Charge: c}
	})
}

// undecided waits for the scheduler. A Pod that it has yet to look at can be bound between a look of Rehome's and the delete
// that follows; one that it turned down stays so until something changes in the cluster.
func (d *decision) undecided(what string) *Said {
	return no(v1alpha1.ReasonWaitingForScheduler,
		"The rules name the source cluster, but %s: what it binds is left alone, what it turns down is made anew.", what)
}

// exchange begins to give other rules to a Restore of which a part has started. Its Jobs that never started follow.
func (d *decision) exchange(r Restore) *Said {
	if d.ClusterOnly || len(r.Stale) == 0 {
		return nil
	}
	said := d.acting(v1alpha1.ReasonRecreatingJobs, "The Restore still carries the old rules, but %s: it is given the new ones, "+
		"and its Jobs that never started are made anew (%d). What started is not touched.", r.Started, len(r.neverStarted()))
	return d.attempt(chargeFor("Restore", r.Object, r.neverStarted()...), said, func(c *Charge) Action {
		return RemoveSchedulingSpec{Restore: r.Object, Edits: r.Stale, Charge: c}
	})
}

// recreateJobs has the Jobs made anew that never started and were made of rules that the Restore no longer carries.
func (d *decision) recreateJobs(r Restore) *Said {
	if d.ClusterOnly {
		return nil
	}
	var jobs []Object
	var uids []types.UID
	var waiting *Said
	for _, job := range r.Jobs {
		switch {
		case !job.Outdated || job.Started != "" || job.Going:
		case job.Undecided != "":
			waiting = d.undecided(job.Undecided)
		default:
			jobs, uids = append(jobs, job.Object), append(uids, job.UID)
		}
	}
	if len(jobs) == 0 {
		return waiting
	}
	said := d.acting(v1alpha1.ReasonRecreatingJobs, "The Restore carries the new rules; its Jobs that never started are made anew (%d). "+
		"What started is not touched.", len(jobs))
	return d.attempt(chargeFor("Restore", r.Object, uids...), said, func(c *Charge) Action {
		return RecreateJobs{Restore: r.Object, Jobs: jobs, Charge: c}
	})
}

// relax turns the rules among a cluster's own Pods to preferences, in its restore Jobs that never started, where the site
// wants it and nothing else is left to do.
func (d *decision) relax(r Restore) *Said {
	wanted := d.RestorePods == configv1alpha1.Relaxed || d.RestorePods == configv1alpha1.Auto && r.Tied == ""
	if d.ClusterOnly || !wanted || r.Finished || !r.HeldByOwnRules() {
		return nil
	}
	said := d.acting(v1alpha1.ReasonRelaxingRestorePods,
		"The rules name %s now, and keep a restore Pod from every node: the Restore's Jobs that never started get them as preferences.", d.Cluster.Name)
	return d.attempt(chargeFor("Restore", r.Object, r.neverStarted()...), said, func(c *Charge) Action {
		return RemoveSchedulingSpec{Restore: r.Object, Edits: r.Strict, Charge: c}
	})
}

// neverStarted lists the Jobs of which nothing ever started.
func (r Restore) neverStarted() []types.UID {
	var uids []types.UID
	for _, job := range r.Jobs {
		if job.Started == "" {
			uids = append(uids, job.UID)
		}
	}
	return uids
}
