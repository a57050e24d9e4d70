package remedy

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/attempts"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// restore decides on one Restore, and returns its condition PolicyRehomed. The first step that applies decides.
func (d *decision) restore(r Restore) metav1.Condition {
	for _, decide := range []func(Restore) *metav1.Condition{
		d.withoutRules, d.finishedOrFailed, d.replacing, d.allStarted, d.waitsForCluster, d.recreateRestore, d.replaceRules, d.recreateJobs, d.relax,
	} {
		if condition := decide(r); condition != nil {
			return *condition
		}
	}
	condition := d.rehomed()
	condition.Message += d.attemptSummary(r)
	return condition
}

// rehomed says that no rule is stale.
func (d *decision) rehomed() metav1.Condition {
	return conditionTrue(v1alpha1.ReasonRehomed, rehomedMessage(d.Cluster.Name))
}

// attempt tries an action that re-creates something, and returns the condition or the limit that forbids the action.
func (d *decision) attempt(key attempts.Key, condition *metav1.Condition, action func(counted) Action) *metav1.Condition {
	if limit := d.try(key, action); limit != nil {
		return limit.condition()
	}
	return condition
}

// KindRestore is the kind of the Keys of attempts on Restores.
const KindRestore = "Restore"

func restoreKey(r Restore) attempts.Key { return keyOf(KindRestore, r.Object) }

func keyOf(kind string, target Object, parts ...types.UID) attempts.Key {
	if len(parts) == 0 {
		parts = []types.UID{target.UID}
	}
	return attempts.Key{Kind: kind, Name: target.Name, UIDs: parts}
}

// finishedOrFailed is about a Restore with which KubeBlocks does nothing more. It is never changed.
func (d *decision) finishedOrFailed(r Restore) *metav1.Condition {
	switch {
	case r.Failed:
		return conditionFalse(v1alpha1.ReasonRestoreFailed, restoreFailed)
	case r.Finished && len(r.Stale) > 0:
		return d.finished(r)
	}
	return nil
}

// finished is about a Restore that completed under stale rules. Where the database Pods are shows whether they are spread.
func (d *decision) finished(r Restore) *metav1.Condition {
	shared := r.sharedNodes()
	if len(r.Pods) == 0 {
		shared = d.History.LostSpread[r.Name] // the Restore's Pods are gone, and the database's have no nodes yet
	}
	if len(shared) > 0 {
		d.recordLostSpread(r, shared)
		return conditionFalse(v1alpha1.ReasonSpreadLost, spreadLostFinished, describe(shared), d.alsoRefused(r))
	}
	if condition := d.waitsForCluster(r); condition != nil {
		return condition
	}
	message := fmt.Sprintf(restoreFinished, d.Cluster.Name)
	if r.wasToSpread() {
		message += spreadKept
	}
	condition := conditionTrue(v1alpha1.ReasonRestoreFinished, message)
	return &condition
}

// allStarted is about a Restore whose Pods all started under stale rules: it is not changed.
func (d *decision) allStarted(r Restore) *metav1.Condition {
	if len(r.Stale) == 0 || r.Started == "" || r.Serial || len(r.neverStarted()) > 0 {
		return nil
	}
	if shared := r.sharedNodes(); len(shared) > 0 {
		d.recordLostSpread(r, shared)
		return conditionFalse(v1alpha1.ReasonSpreadLost, spreadLost, describe(shared), d.alsoRefused(r))
	}
	return conditionFalse(v1alpha1.ReasonRestoreStarted, restoreStarted, r.Started)
}

// recordLostSpread records once that Pods of a Restore share nodes. One action records all Restores.
func (d *decision) recordLostSpread(r Restore, shared []SharedNode) {
	if _, recorded := d.History.LostSpread[r.Name]; recorded {
		return
	}
	for i, a := range d.plan.Actions {
		if record, ok := a.(RecordLostSpread); ok {
			record.History = record.History.withLostSpread(r.Name, shared)
			d.plan.Actions[i] = record
			return
		}
	}
	history := d.History.withLostSpread(r.Name, shared)
	if _, fits := history.LostSpread[r.Name]; fits {
		d.act(RecordLostSpread{Cluster: d.Cluster, History: history})
	}
}

// waitsForCluster is about a Restore whose Cluster or Component must be rewritten first.
func (d *decision) waitsForCluster(r Restore) *metav1.Condition {
	condition, known := d.waiting[r.Component]
	if !known {
		condition = d.rulesFirst(d.refusal(r.Component), d.governing(r.Component))
		d.waiting[r.Component] = condition
	}
	if condition != nil {
		return condition
	}
	return d.componentFirst(func(c Component) bool { return c.Name == r.Owner })
}

// rulesFirst says what the selected rules of the Cluster wait for, or returns nil. refusal says why some of them are refused; it is empty
// where none is.
func (d *decision) rulesFirst(refusal string, governs func(rewrite.Edit) bool) *metav1.Condition {
	switch {
	case d.contention != nil:
		return conditionFalse(v1alpha1.ReasonContended, contended, d.contention.writer())
	case slices.ContainsFunc(d.due, governs):
		return d.pendingAction(v1alpha1.ReasonRewritingCluster, rewritingCluster, d.Cluster.Name)
	}
	if condition := d.staysStale(refusal, governs); condition != nil {
		return condition
	}
	if i := slices.IndexFunc(d.limited, func(e limitedEdit) bool { return governs(e.Edit) }); i >= 0 {
		return d.limited[i].limit.condition()
	}
	return nil
}

// staysStale says why rules stay stale that no limit holds, or returns nil.
func (d *decision) staysStale(refusal string, governs func(rewrite.Edit) bool) *metav1.Condition {
	switch {
	case refusal != "":
		return conditionFalse(v1alpha1.ReasonVolumesBound, volumesBound, refusal)
	case slices.ContainsFunc(d.held, governs):
		return conditionFalse(v1alpha1.ReasonClusterStarted, clusterStarted)
	case slices.ContainsFunc(d.undecided, governs):
		return conditionFalse(v1alpha1.ReasonWaitingForScheduler, databaseUndecided)
	case slices.ContainsFunc(d.awaiting, governs):
		return conditionFalse(v1alpha1.ReasonWaitingForScheduler, clusterAwaits, d.awaited(d.governedByAny(governs)))
	default:
		return nil
	}
}

// componentFirst returns which Component KubeBlocks must update first, or nil.
func (d *decision) componentFirst(wanted func(Component) bool) *metav1.Condition {
	i := slices.IndexFunc(d.Components, func(c Component) bool { return c.Stale && wanted(c) })
	if i < 0 {
		return nil
	}
	return conditionFalse(v1alpha1.ReasonWaitingForComponent, waitingForComponent, d.Cluster.Name, d.Components[i].Name)
}

// withoutRules is about a Restore that a replacement has left without rules. What is due is in Unfinished.
func (d *decision) withoutRules(r Restore) *metav1.Condition {
	switch {
	case d.ClusterOnly || r.Deleting:
		return nil
	case r.Refused != "":
		return conditionFalse(v1alpha1.ReasonInvalidRule, nextRulesRefused, r.Refused)
	case r.Replacement == ReplacementLost:
		return conditionFalse(v1alpha1.ReasonInvalidRule, nextRulesLost)
	case r.Replacement == ReplacementRemoved || r.Replacement == ReplacementEmptied:
		return conditionFalse(v1alpha1.ReasonRecreatingJobs, replacingRules)
	default:
		return nil
	}
}

// replacing continues a replacement of rules that another writer has reverted.
func (d *decision) replacing(r Restore) *metav1.Condition {
	if d.ClusterOnly || r.Deleting || r.Replacement != ReplacementReverted {
		return nil
	}
	d.act(RemoveSchedulingSpec{Restore: r.Object})
	return d.pendingAction(v1alpha1.ReasonRecreatingJobs, replacingRules)
}

// recreateRestore plans to delete a Restore that never started, so that KubeBlocks re-creates it. It never deletes one without
// Jobs: KubeBlocks can be creating them, and a Pod of theirs can be bound before the delete. As soon as there are Jobs, what the
// scheduler says about their Pods decides.
func (d *decision) recreateRestore(r Restore) *metav1.Condition {
	condition := d.pendingAction(v1alpha1.ReasonRecreatingRestore, recreatingRestore)
	switch {
	case d.ClusterOnly:
		return nil
	case r.Deleting:
		return condition
	case len(r.Stale) == 0 || r.Started != "":
		return nil
	case r.Undecided != "":
		return waitForScheduler(r.Undecided)
	case len(r.Jobs) == 0:
		return waitForScheduler(noJobs)
	case r.NoDomain != "" || len(r.KeepOff) > 0:
		// KubeBlocks would re-create it without the edits that keep its Pods off.
		return d.replaceRules(r)
	}
	return d.attempt(restoreKey(r), condition, func(c counted) Action { return RecreateRestore{c, r.Object} })
}

// waitForScheduler waits for the scheduler. A Pod that it has not tried to place can be bound between the observation and the
// delete. One that is Unschedulable stays so until something changes in the cluster.
func waitForScheduler(undecided string) *metav1.Condition {
	return conditionFalse(v1alpha1.ReasonWaitingForScheduler, waitingForScheduler, undecided)
}

// replaceRules begins to replace the rules of a Restore that has started in part. Its Jobs that never started follow.
func (d *decision) replaceRules(r Restore) *metav1.Condition {
	if d.ClusterOnly || len(r.Stale) == 0 {
		return nil
	}
	if r.NoDomain != "" {
		return conditionFalse(v1alpha1.ReasonVolumesBound, siblingsBound, r.NoDomain)
	}
	condition := d.pendingAction(v1alpha1.ReasonRecreatingJobs, replacingSomeJobs, cmp.Or(r.Started, othersRestored), len(r.neverStarted()))
	return d.attempt(keyOf(KindRestore, r.Object, r.neverStarted()...), condition, func(c counted) Action {
		return RemoveSchedulingSpec{c, r.Object, slices.Concat(r.Stale, r.KeepOff)}
	})
}

// recreateJobs plans to delete the Jobs that never started and were created from rules that the Restore no longer has.
func (d *decision) recreateJobs(r Restore) *metav1.Condition {
	if d.ClusterOnly {
		return nil
	}
	var jobs []Object
	var waiting *metav1.Condition
	for _, job := range r.Jobs {
		switch {
		case !job.Outdated || job.Started != "" || job.Deleting:
		case job.Undecided != "":
			waiting = waitForScheduler(job.Undecided)
		default:
			jobs = append(jobs, job.Object)
		}
	}
	if len(jobs) == 0 {
		return waiting
	}
	jobs = d.continued(r, jobs)
	condition := d.pendingAction(v1alpha1.ReasonRecreatingJobs, recreatingJobs, len(jobs))
	return d.attempt(keyOf(KindRestore, r.Object, uidsOf(jobs)...), condition, func(c counted) Action { return RecreateJobs{c, r.Object, jobs} })
}

// continued returns those of the Jobs that the last attempt is about and has not come to, else all. One that the scheduler refused since
// needs another attempt, and must not have them wait for it.
func (d *decision) continued(r Restore, jobs []Object) []Object {
	begun := d.History.begun(keyOf(KindRestore, r.Object, uidsOf(jobs)...))
	if len(begun) == 0 {
		return jobs
	}
	return slices.DeleteFunc(jobs, func(job Object) bool { return !slices.Contains(begun, job.UID) })
}

func uidsOf(objects []Object) []types.UID {
	uids := make([]types.UID, 0, len(objects))
	for _, o := range objects {
		uids = append(uids, o.UID)
	}
	return uids
}

// relax turns the rules among a cluster's own Pods into preferred ones, in its restore Jobs that never started, where the
// configuration allows it and nothing else is left to do.
func (d *decision) relax(r Restore) *metav1.Condition {
	wanted := d.RestorePods == configv1alpha1.Relaxed || d.RestorePods == configv1alpha1.Auto && r.TopologyBound == ""
	if d.ClusterOnly || !wanted || r.Finished || !r.HeldByOwnRules() {
		return nil
	}
	condition := d.pendingAction(v1alpha1.ReasonRelaxingRestorePods, relaxing, d.Cluster.Name)
	return d.attempt(keyOf(KindRestore, r.Object, r.neverStarted()...), condition, func(c counted) Action {
		return RemoveSchedulingSpec{c, r.Object, r.Strict}
	})
}

// neverStarted lists the Jobs that never started.
func (r Restore) neverStarted() []types.UID {
	var uids []types.UID
	for _, job := range r.Jobs {
		if job.Started == "" {
			uids = append(uids, job.UID)
		}
	}
	return uids
}
