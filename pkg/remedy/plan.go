package remedy

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Plan is what to do, and what to say.
type Plan struct {
	// Actions are due now, in this order; the first that is taken makes the observation stale.
	Actions []Action
	// Verdicts holds one verdict for each Restore of the observation, in its order; none where nothing was inherited.
	Verdicts []Verdict
}

// Action is a write that is due: PatchCluster or RecreateRestore.
type Action interface{ action() }

// PatchCluster changes leaves of the Cluster.
type PatchCluster struct {
	Cluster Object
	Edits   []rewrite.Edit
}

// RecreateRestore deletes a Restore of which nothing ever started. KubeBlocks creates it again from its Component.
type RecreateRestore struct {
	Restore Object
}

func (PatchCluster) action()    {}
func (RecreateRestore) action() {}

// Verdict is what to say on a Restore.
type Verdict struct {
	Restore Object
	Status  metav1.ConditionStatus
	// Reason is one of the reasons of package api/v1alpha1.
	Reason string
	// Message names the rules, where they stand and what was done or is awaited.
	Message string
}
