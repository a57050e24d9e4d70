package remedy

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/attempts"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Plan is what to do, and what to report.
type Plan struct {
	// Actions are due now, in this order; Next returns those to take. In another mode than Enforce, and behind an obstacle, there are
	// only those that finish a replacement of rules.
	Actions []Action
	// Restores holds a report on each observed Restore by its UID.
	Restores map[types.UID]RestoreReport
	// NothingInherited says that Rehome has nothing to do with the Cluster's rules.
	NothingInherited bool
	// Cluster holds the conditions of the Cluster as a whole.
	Cluster RestoreConditions
	// RequeueAfter is when to reconcile again although no event comes: zero for never.
	RequeueAfter metav1.Duration
	// RateLimited says that an action waits for a token.
	RateLimited bool
}

// Next returns the actions that are taken together. Each depends on its own object only. A write to the Cluster is taken alone: it
// changes the version that attempts are recorded on, and often what else is due.
func (p Plan) Next() []Action {
	i := slices.IndexFunc(p.Actions, writesCluster)
	switch i {
	case -1:
		return p.Actions
	case 0:
		return p.Actions[:1]
	default:
		return p.Actions[:i]
	}
}

// Attempts lists the attempts that actions make.
func Attempts(actions []Action) []attempts.Key {
	var keys []attempts.Key
	for _, action := range actions {
		if rewrite, ok := action.(PatchCluster); ok {
			keys = append(keys, rewrite.Ahead...)
		} else if key := action.Attempt(); key != nil {
			keys = append(keys, *key)
		}
	}
	return keys
}

func writesCluster(a Action) bool {
	switch a.(type) {
	case PatchCluster, MarkContended, RecordLostSpread:
		return true
	default:
		return false
	}
}

// RestoreConditions are Rehome's two conditions, without their types and times.
type RestoreConditions struct {
	// PolicyRehomed is about the inherited rules, PodsScheduled about the nodes of the Pods.
	PolicyRehomed, PodsScheduled metav1.Condition
}

// RestoreReport is what to report about a Restore.
type RestoreReport struct {
	RestoreConditions
	// AttemptsLeft is how many remediation attempts remain.
	AttemptsLeft int32
	// Unblocked says that it was remediated, and that its Pods have nodes.
	Unblocked bool
}

// Unblocked counts the Restores that were remediated and whose Pods have nodes.
func (p Plan) Unblocked() int32 {
	var count int32
	for _, r := range p.Restores {
		if r.Unblocked {
			count++
		}
	}
	return count
}

// Action is a write that is due.
type Action interface {
	// Name is the action in events, metrics and the history.
	Name() string
	// Reason is the reason of the event: one of the reasons of package api/v1alpha1.
	Reason() string
	// Attempt is what the history must hold before the action is taken. It is nil where the action counts as no attempt, or
	// continues one that was counted.
	Attempt() *attempts.Key
}

// Actions lists every action once.
func Actions() []Action {
	return []Action{PatchCluster{}, MarkContended{}, RecordLostSpread{}, RecreateRestore{}, RemoveSchedulingSpec{}, RecreateJobs{}, PatchInstance{}, RecreatePod{}}
}

// PatchCluster changes leaves of the Cluster, and the history in the same write.
type PatchCluster struct {
	uncounted
	Cluster Object
	Edits   []rewrite.Edit
	History History
	// Ahead are the attempts that must follow on Restores. History holds them, so that no limit can come between.
	Ahead []attempts.Key
}

// MarkContended records in the history that another writer keeps reverting what Rehome writes.
type MarkContended struct {
	uncounted
	Cluster Object
	History History
}

// RecordLostSpread records in the history which nodes Pods of Restores share, before these Pods are gone.
type RecordLostSpread struct {
	uncounted
	Cluster Object
	History History
}

// RecreateRestore deletes a Restore that never started. KubeBlocks re-creates it from its Component.
type RecreateRestore struct {
	counted
	Restore Object
}

// RemoveSchedulingSpec removes the scheduling rules of a Restore, and records in the same write the rules to add: the same with
// Edits applied. Edits are nil where they were recorded before.
type RemoveSchedulingSpec struct {
	counted
	Restore Object
	Edits   []rewrite.Edit
}

// AddSchedulingSpec adds to a Restore the scheduling rules that RemoveSchedulingSpec recorded.
type AddSchedulingSpec struct {
	uncounted
	Restore Object
}

// RecreateJobs deletes Jobs of a Restore that never started. KubeBlocks re-creates each from the Restore.
type RecreateJobs struct {
	counted
	Restore Object
	Jobs    []Object
}

// PatchInstance changes leaves of an Instance that has a Pending Pod. KubeBlocks never updates it.
type PatchInstance struct {
	counted
	Instance Object
	Edits    []rewrite.Edit
}

// RecreatePod deletes a database Pod that has no node. KubeBlocks re-creates it from its template.
type RecreatePod struct {
	counted
	Pod Object
}

// uncounted is part of actions that count as no attempt, counted of those that do.
type (
	uncounted struct{}
	counted   struct{ Key *attempts.Key }
)

// Attempt is part of Action.
func (uncounted) Attempt() *attempts.Key { return nil }

// Attempt is part of Action.
func (c counted) Attempt() *attempts.Key { return c.Key }

// replaceSchedulingSpec is the name of both steps that replace a Restore's rules.
const replaceSchedulingSpec = "ReplaceSchedulingSpec"

// recreateRestore is the name of RecreateRestore: messages distinguish it from the other attempts on a Restore.
const recreateRestore = "RecreateRestore"

// Name is part of Action.
func (PatchCluster) Name() string { return "PatchCluster" }

// Name is part of Action.
func (MarkContended) Name() string { return "MarkContended" }

// Name is part of Action.
func (RecordLostSpread) Name() string { return "RecordLostSpread" }

// Name is part of Action.
func (RecreateRestore) Name() string { return recreateRestore }

// Name is part of Action.
func (RemoveSchedulingSpec) Name() string { return replaceSchedulingSpec }

// Name is part of Action.
func (AddSchedulingSpec) Name() string { return replaceSchedulingSpec }

// Name is part of Action.
func (RecreateJobs) Name() string { return "RecreateJobs" }

// Name is part of Action.
func (PatchInstance) Name() string { return "PatchInstance" }

// Name is part of Action.
func (RecreatePod) Name() string { return "RecreatePod" }

// Reason is part of Action.
func (PatchCluster) Reason() string { return v1alpha1.EventClusterRewritten }

// Reason is part of Action.
func (MarkContended) Reason() string { return v1alpha1.EventContentionDetected }

// Reason is part of Action.
func (RecordLostSpread) Reason() string { return v1alpha1.ReasonSpreadLost }

// Reason is part of Action.
func (RecreateRestore) Reason() string { return v1alpha1.EventRestoreRecreated }

// Reason is part of Action.
func (RemoveSchedulingSpec) Reason() string { return v1alpha1.EventSchedulingSpecReplaced }

// Reason is part of Action.
func (AddSchedulingSpec) Reason() string { return v1alpha1.EventSchedulingSpecReplaced }

// Reason is part of Action.
func (RecreateJobs) Reason() string { return v1alpha1.EventJobsRecreated }

// Reason is part of Action.
func (PatchInstance) Reason() string { return v1alpha1.EventInstanceRewritten }

// Reason is part of Action.
func (RecreatePod) Reason() string { return v1alpha1.EventPodRecreated }
