package remedy

import (
	"k8s.io/apimachinery/pkg/types"

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
	Cluster Object
	// Obstacle says why nothing can be decided; nil where all is known.
	Obstacle *Obstacle
	// Inherited are the findings of class SourceIdentity in the snapshots: the rules that have to name the Cluster.
	Inherited []rewrite.Finding
	// Live is what the Cluster still needs, and what was found in it.
	Live rewrite.Result
	// Bound holds the components, by the names in the Cluster's spec, that have a database Pod bound to a node.
	Bound      map[string]bool
	Components []Component
	Restores   []Restore
}

// Obstacle is a reason to do nothing.
type Obstacle struct {
	// Reason is one of the reasons of package api/v1alpha1.
	Reason  string
	Message string
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
	// Component is the name of the Component that owns it.
	Component string
	// Stale says that its Pods get an inherited rule that names the source.
	Stale bool
	// Started names the first part of it that ever started; empty when nothing did.
	Started string
	// Finished says that it completed or failed: KubeBlocks does nothing more with it.
	Finished bool
	// Deleting says that it is being deleted.
	Deleting bool
}
