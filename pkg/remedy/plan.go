package remedy

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Plan is what to do, and what to say.
type Plan struct {
	// Actions are due now, in this order; the first that is taken makes the observation stale.
	Actions []Action
	// Verdicts holds one verdict for each Restore of the observation, in its order; none where nothing was inherited.
	Verdicts []Verdict
	// Cluster is the verdict on the Cluster as a whole; its Restore is not set.
	Cluster Verdict
	// Again is when to look again although nothing happens: zero for never.
	Again metav1.Duration
	// RateLimited says that something waits for its turn among those of other Clusters.
	RateLimited bool
}

// Action is a write that is due.
type Action interface {
	// Deed names the action, and the reason that is given for it.
	Deed() Deed
	// charge is what the ledger has to hold before the action is taken.
	charge() *Charge
}

// Deed is how events and metrics name an action. Reason is one of the reasons of package api/v1alpha1.
type Deed struct{ Action, Reason string }

// Deeds lists all that there can be, each once.
func Deeds() []Deed {
	actions := []Action{PatchCluster{}, Yield{}, RecreateRestore{}, RemoveSchedulingSpec{}, RecreateJobs{}, RecreatePod{}}
	deeds := make([]Deed, 0, len(actions))
	for _, a := range actions {
		deeds = append(deeds, a.Deed())
	}
	return deeds
}

// Charge counts an attempt in the ledger. Nil means that the action counts as none, or goes on with one that was counted.
type Charge struct {
	// Key is the kind and name of what is remediated.
	Key string
	// Of are the UIDs of the objects that the attempt makes anew.
	Of []types.UID
}

// ChargeOf returns what the ledger has to hold before an action is taken, or nil.
func ChargeOf(a Action) *Charge { return a.charge() }

// PatchCluster changes leaves of the Cluster, and in the same write the ledger.
type PatchCluster struct {
	Cluster Object
	Edits   []rewrite.Edit
	Ledger  Ledger
	// Rules names the inherited rules, for people.
	Rules string
}

// Yield writes into the ledger that somebody else wants a field to be what Rehome does not.
type Yield struct {
	Cluster Object
	Ledger  Ledger
}

// RecreateRestore deletes a Restore of which nothing ever started. KubeBlocks creates it again from its Component.
type RecreateRestore struct {
	Restore Object
	*Charge
}

// RemoveSchedulingSpec removes the scheduling rules of a Restore and notes in the same write those that come in their place:
// the same with Edits applied. Edits are nil where they were noted before.
type RemoveSchedulingSpec struct {
	Restore Object
	Edits   []rewrite.Edit
	*Charge
}

// AddSchedulingSpec adds to a Restore the scheduling rules that RemoveSchedulingSpec noted.
type AddSchedulingSpec struct {
	Restore Object
}

// RecreateJobs deletes Jobs of a Restore, none of which ever started. KubeBlocks creates each again from the Restore.
type RecreateJobs struct {
	Restore Object
	Jobs    []Object
	*Charge
}

// RecreatePod deletes a database Pod that waits for a node. KubeBlocks creates it again from its template.
type RecreatePod struct {
	Pod Object
	*Charge
}

func (PatchCluster) charge() *Charge           { return nil }
func (Yield) charge() *Charge                  { return nil }
func (a RecreateRestore) charge() *Charge      { return a.Charge }
func (a RemoveSchedulingSpec) charge() *Charge { return a.Charge }
func (AddSchedulingSpec) charge() *Charge      { return nil }
func (a RecreateJobs) charge() *Charge         { return a.Charge }
func (a RecreatePod) charge() *Charge          { return a.Charge }

// Deed names the action.
func (PatchCluster) Deed() Deed { return Deed{"PatchCluster", v1alpha1.ReasonRewritingCluster} }

// Deed names the action.
func (Yield) Deed() Deed { return Deed{"Yield", v1alpha1.ReasonContended} }

// Deed names the action.
func (RecreateRestore) Deed() Deed { return Deed{"RecreateRestore", v1alpha1.ReasonRecreatingRestore} }

// Deed names the action.
func (RemoveSchedulingSpec) Deed() Deed { return Deed{"ExchangeRules", v1alpha1.ReasonRecreatingJobs} }

// Deed names the action.
func (AddSchedulingSpec) Deed() Deed { return Deed{"ExchangeRules", v1alpha1.ReasonRecreatingJobs} }

// Deed names the action.
func (RecreateJobs) Deed() Deed { return Deed{"RecreateJobs", v1alpha1.ReasonRecreatingJobs} }

// Deed names the action.
func (RecreatePod) Deed() Deed { return Deed{"RecreatePod", v1alpha1.ReasonRecreatingPods} }

// Verdict is what to say on a Restore.
type Verdict struct {
	Restore Object
	// Rules is about the rules it inherited, Pods about where its Pods are.
	Rules, Pods Said
}

// Said is a condition's status, its reason, which is one of the reasons of package api/v1alpha1, and its message.
type Said struct {
	Status  metav1.ConditionStatus
	Reason  string
	Message string
}
