package remedy

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Object is a version of an object: what a write needs to hit that version and no other.
type Object struct {
	types.NamespacedName
	UID             types.UID
	ResourceVersion string
}

// Observation is what there is of one restored Cluster.
type Observation struct {
	Now     metav1.Time
	Cluster Object
	// Generation is the Cluster's: it changes with its spec.
	Generation int64
	// Ledger is what Rehome did to the Cluster and its Restores before.
	Ledger Ledger
	// Obstacle says why nothing can be decided; nil where all is known.
	Obstacle *Obstacle
	// Inherited are the findings of class SourceIdentity in the snapshots: the rules that have to name the Cluster.
	Inherited []rewrite.Finding
	// Live is what the Cluster still needs, and what was found in it.
	Live rewrite.Result
	// Bound holds what has a database Pod bound to a node.
	Bound []Scope
	// ClusterOnly says that this version of KubeBlocks gives restore Pods no rules, and that its Restores must be left alone.
	ClusterOnly bool
	// Restoring says that KubeBlocks still has data of the Cluster to restore.
	Restoring  bool
	Components []Component
	Restores   []Restore
	// Instances are the database Pods that wait for a node under rules that name the source.
	Instances []Instance
	// Recent is what was done lately to all Clusters together.
	Recent Recent
	Policy
}

// Policy is what a site and an owner decided.
type Policy struct {
	Mode        configv1alpha1.Mode
	RestorePods configv1alpha1.RestorePods
	Limits      configv1alpha1.Limits
	// AllowRollingUpdate is the owner's consent to rewrite rules although that restarts a running database.
	AllowRollingUpdate bool
}

// Scope is a part of a Cluster's database Pods: a component, by its name in the Cluster's spec, and in it an instance template,
// empty for those Pods that have none.
type Scope struct{ Component, Template string }

// Obstacle is a reason to do nothing.
type Obstacle struct {
	// Reason is one of the reasons of package api/v1alpha1.
	Reason  string
	Message string
	// Again is when it may be gone although nothing happens to the Cluster: zero for never.
	Again metav1.Duration
}

// Component is one Component of the Cluster.
type Component struct {
	Object
	// Stale says that it carries an inherited rule that names the source.
	Stale bool
}

// Restore is one Restore that prepares volumes for the Cluster.
type Restore struct {
	Object
	// Owner is the name of the Component that owns it, Component that component's name in the Cluster's spec.
	Owner, Component string
	// Stale holds the edits that its scheduling rules need, because an inherited one names the source.
	Stale []rewrite.Edit
	// Strict holds the edits that relax its required rules among the cluster's own Pods; none where it has no such rule.
	Strict []rewrite.Edit
	// Tied says what ties its volumes to nodes or zones; empty when nothing does, or when nobody asked.
	Tied string
	Swap Swap
	// Serial says that its Jobs run one after another: there can be more to come.
	Serial bool
	// Started names the first part of it that ever started; empty when nothing did.
	Started string
	// Undecided names the first part of it on which the scheduler has yet to decide; empty when there is none.
	Undecided string
	// Finished says that it completed, Failed that it failed: KubeBlocks does nothing more with it.
	Finished, Failed bool
	// Deleting says that it is being deleted.
	Deleting bool
	// Lost is the message of the report that its Pods share a node; empty where that is not the last report.
	Lost string
	Jobs []Job
	// Pods are its own while it is under way, and those of the database once it has finished.
	Pods []Pod
}

// Swap is how far an exchange of a Restore's scheduling rules has come. The API server refuses to change them, but lets one
// write remove them and the next add others. What is to be added stands in an annotation in between.
type Swap string

const (
	// SwapNone says that the rules stand, and no exchange is under way.
	SwapNone Swap = ""
	// SwapRemoved says that the rules are gone, and wait for the others.
	SwapRemoved Swap = "Removed"
	// SwapUndone says that somebody, KubeBlocks for one, wrote rules where there were none: they have to go again.
	SwapUndone Swap = "Undone"
)

// Job is one Job of a Restore.
type Job struct {
	Object
	// Outdated says that it was made of rules that the Restore no longer carries.
	Outdated bool
	// Started names what of it ever started; empty when nothing did.
	Started string
	// Undecided is that of a Restore, for this Job.
	Undecided string
	// HasPods says that there are Pods of it.
	HasPods bool
	// Going says that it is being deleted, and that nothing of KubeBlocks' holds it any more.
	Going bool
}

// Pod is a Pod of a Restore, or of the database.
type Pod struct {
	Name string
	// Node is where it is bound; empty while it waits.
	Node string
	// Claims are the volume claims it mounts.
	Claims []string
	// Unschedulable is why the scheduler turned it down, in the scheduler's words.
	Unschedulable string
	// Waiting is why a bound Pod does not run, in the kubelet's word.
	Waiting string
}

// Instance is a database Pod that waits for a node under rules that name the source.
type Instance struct {
	Object
	// TemplateStale says that the template it is made of names the source, too: a new Pod would be the same.
	TemplateStale bool
	// Kept says why KubeBlocks does not replace it; empty where KubeBlocks does.
	Kept string
	// NodeSelected says that the scheduler has chosen a node for one of its volumes.
	NodeSelected bool
}
