package remedy

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/attempts"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Object is one version of an object: a write is pinned to it.
type Object struct {
	types.NamespacedName
	UID             types.UID
	ResourceVersion string
}

// Observation is what was read of one restored Cluster.
type Observation struct {
	Now     metav1.Time
	Cluster Object
	// Generation is the Cluster's: it changes with its spec.
	Generation int64
	// History is what Rehome did to the Cluster and its Restores before.
	History History
	// LastWriter is the field manager that last wrote a rule that is due again; set where History says that it was reverted.
	LastWriter string
	// Obstacle is why nothing can be decided; nil when there is none.
	Obstacle *Obstacle
	// Unread is why one Backup of several was not read, so that rules may be inherited that Inherited does not list.
	Unread *Obstacle
	// Source is the name of the source; empty where there is none.
	Source string
	// Origin names the Backups that the source was itself restored from; empty where none is known.
	Origin string
	// Inherited are the findings of the snapshots' rules that are rewritten: those that name the source and, with the owner's
	// consent, those that name no cluster.
	Inherited []rewrite.Finding
	// Live holds the edits that the Cluster still needs, and the findings in it.
	Live rewrite.Result
	// Placement is where the volumes of the database are bound; nil where nothing is due.
	Placement *Placement
	// Bound lists where a database Pod is bound to a node, Undecided where one can be bound at any moment.
	Bound, Undecided []Scope
	// Unplaced lists where an Undecided Pod can take any node that its rules admit: no node is selected for a volume of it.
	Unplaced []Scope
	// Awaited are the Pods and parts that can still follow the Cluster's stale rules.
	Awaited []Awaited
	// Unschedulable are the components, by their names in the Cluster's spec, that have a Pod for which the scheduler found no node.
	Unschedulable []string
	// ClusterOnly says that this version of KubeBlocks gives restore Pods no rules, and that its Restores must not be changed.
	ClusterOnly bool
	// Restoring says that KubeBlocks has not yet restored all data of the Cluster.
	Restoring bool
	// Progress is how far KubeBlocks says the restore is, where ClusterOnly.
	Progress   RestoreProgress
	Components []Component
	// Overriding are the components with a policy of their own, by their names in the Cluster's spec. The Cluster's own policy does not
	// govern them.
	Overriding map[string]bool
	Restores   []Restore
	// Database are the database Pods without a node.
	Database []Pod
	// Instances are the database Pods that are Pending under stale rules.
	Instances []Instance
	// Recent is what was recently done to all Clusters together.
	Recent attempts.Recent
	Policy
}

// Concerns reports whether Rehome has to do with the Cluster's rules, where these are its Restores: it inherited some, or what was begun has
// yet to follow. Where a person names the source, only the rules themselves show what was inherited, and no longer once they are rewritten.
func (o *Observation) Concerns(restores []Restore) bool {
	stale := func(r Restore) bool { return !r.Finished && !r.Failed && len(r.Stale) > 0 }
	return len(o.Inherited) > 0 || o.History.Begun() || slices.ContainsFunc(restores, stale)
}

// Policy is what the configuration and the owner decided.
type Policy struct {
	Mode         configv1alpha1.Mode
	RestorePods  configv1alpha1.RestorePods
	Limits       configv1alpha1.Limits
	DatabasePods configv1alpha1.DatabasePods
	// AllowRollingUpdate is the owner's consent to rewrite rules although that restarts a running database.
	AllowRollingUpdate bool
	// AllowPreferredRules is the owner's consent to make preferred rules of those that the bound volumes do not admit.
	AllowPreferredRules bool
}

// Scope is a part of a Cluster's database Pods: a component, by its name in the Cluster's spec, and an instance template of it,
// empty for Pods without one.
type Scope struct{ Component, Template string }

// Awaited is what can still be bound to a node by the stale rules of a component.
type Awaited struct {
	// Component is that component's name in the Cluster's spec.
	Component string
	// Text says what is awaited, without a full stop.
	Text string
	// Exists says that it is a Pod on which the scheduler has yet to decide. Else KubeBlocks has yet to create it.
	Exists bool
}

// Obstacle is why nothing is decided.
type Obstacle struct {
	// Status is that of the condition PolicyRehomed; empty for Unknown.
	Status metav1.ConditionStatus
	// Reason is one of the reasons of package api/v1alpha1.
	Reason  string
	Message string
	// RequeueAfter is when to try again although no event comes: zero for never.
	RequeueAfter metav1.Duration
}

// Component is one Component of the Cluster.
type Component struct {
	Object
	// Stale says that it has a stale rule.
	Stale bool
}

// Restore is one Restore that prepares volumes for the Cluster.
type Restore struct {
	Object
	// Refused is why the rules to add were not added; empty where they were not refused.
	Refused string
	// Owner is the name of the Component that owns it, Component that component's name in the Cluster's spec.
	Owner, Component string
	// Stale holds the edits that its stale rules need.
	Stale []rewrite.Edit
	// Strict holds the edits that turn its required rules among the cluster's own Pods into preferred ones.
	Strict []rewrite.Edit
	// TopologyBound says what binds its volumes to nodes or zones; empty when nothing does, or when it was not read.
	TopologyBound string
	Replacement   Replacement
	// KeepOff holds the edits that keep its Pods off the nodes of other volumes of the database, where no Pod keeps them off.
	KeepOff []rewrite.Edit
	// NoDomain says that other volumes leave its Pods no node; empty where they do, or where it was not read.
	NoDomain string
	// Serial says that its Jobs run one after another: more Jobs can follow.
	Serial bool
	// Started names the first part of it that ever started; empty when nothing did.
	Started string
	// Undecided names the first part of it that can start at any moment; empty when there is none.
	Undecided string
	// Finished says that it completed, Failed that it failed: KubeBlocks does nothing more with it.
	Finished, Failed bool
	// Deleting says that it is being deleted.
	Deleting bool
	Jobs     []Job
	// Pods are its own until it finishes, then those of the database.
	Pods []Pod
}

// Replacement is the phase of replacing a Restore's scheduling rules. The API server refuses a change of them, but accepts a
// write that removes them and a second one that adds others. Between the two, an annotation holds the rules to add.
type Replacement string

// The phases of a replacement.
const (
	// ReplacementNone says that no replacement was begun.
	ReplacementNone Replacement = ""
	// ReplacementRemoved says that the rules are removed, and the others must be added.
	ReplacementRemoved Replacement = "Removed"
	// ReplacementEmptied says that KubeBlocks wrote empty rules in between: they must be removed again.
	ReplacementEmptied Replacement = "Emptied"
	// ReplacementReverted says that another writer wrote rules in between: they must be removed again.
	ReplacementReverted Replacement = "Reverted"
	// ReplacementLost says that the rules are removed, and that the annotation does not hold others.
	ReplacementLost Replacement = "Lost"
)

// Job is one Job of a Restore.
type Job struct {
	Object
	// Outdated says that it was created from rules that the Restore no longer has.
	Outdated bool
	// Started names the part of it that ever started; empty when nothing did.
	Started string
	// Undecided names a Pod of it that the scheduler has not tried to place; empty when there is none.
	Undecided string
	HasPods   bool
	// Deleting says that it is being deleted, and that KubeBlocks' finalizer is gone.
	Deleting bool
}

// Pod is a Pod of a Restore, or of the database.
type Pod struct {
	Name string
	// Node is where it is bound; empty while it is Pending.
	Node string
	// Claims are the volume claims it mounts.
	Claims []string
	// Unschedulable is why no node fits, in the scheduler's words.
	Unschedulable string
	// RestoringOn is the node on which a volume of a Pod without a node is being restored; empty where none is.
	RestoringOn string
	// Waiting is why a bound Pod does not run, in the kubelet's word.
	Waiting string
}

// SharedNode is a node that more than one Pod or volume of a Restore is on.
type SharedNode struct {
	Node string `json:"node"`
	// Pods is how many Pods or volumes are on it.
	Pods int `json:"pods"`
	// Claims are their volume claims, the first maxListed. MoreClaims is how many more there are.
	Claims     []string `json:"claims,omitempty"`
	MoreClaims int      `json:"moreClaims,omitempty"`
}

// Instance is a database Pod that is Pending under stale rules.
type Instance struct {
	Object
	// TemplateStale says that the template it was created from is stale, too: a new Pod would be the same.
	TemplateStale bool
	// Kept says why KubeBlocks does not replace it; empty where KubeBlocks does.
	Kept string
	// NodeSelected says that the scheduler has selected a node for one of its volumes, which is not ready.
	NodeSelected bool
	// Refused says why the volumes do not admit the rewritten rules; empty where they do.
	Refused string
	// Controller is the Instance that it is created from; nil where an InstanceSet creates it.
	Controller *Controller
}

// Controller is an object of KubeBlocks' Instance API, from which one database Pod is created.
type Controller struct {
	Object
	// Generation changes with its spec.
	Generation int64
	// Stale holds the edits that its stale rules need.
	Stale []rewrite.Edit
	// Refused says why the volumes do not admit the rewritten rules; empty where they do.
	Refused string
	// Undecided says why its Pod can be bound at any moment; empty where it cannot.
	Undecided string
}
