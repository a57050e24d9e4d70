package v1alpha1

// ConditionPolicyRehomed is the type of the condition Rehome keeps on a Restore: True when no scheduling rule inherited
// from the Backup names the source cluster any more, False while one does, Unknown when that cannot be told. Its reason
// is one of the Reason constants, its message names the rules, where they stand and what was done.
const ConditionPolicyRehomed = "rehome.kubeblocks.io/PolicyRehomed"

// The closed set of reasons. The same words are the reasons of events.
const (
	// ReasonRehomed: every inherited rule names the restored cluster, in the Cluster, its Components and the Restore.
	ReasonRehomed = "Rehomed"
	// ReasonRewritingCluster: an inherited rule of the Cluster is being rewritten.
	ReasonRewritingCluster = "RewritingCluster"
	// ReasonWaitingForComponent: the Cluster carries the rewritten rules, KubeBlocks has yet to hand them to a Component.
	ReasonWaitingForComponent = "WaitingForComponent"
	// ReasonRecreatingRestore: the Restore carries stale rules and nothing of it ever started; it is deleted, so that
	// KubeBlocks creates it again with the rewritten rules.
	ReasonRecreatingRestore = "RecreatingRestore"
	// ReasonRestoreStarted: the Restore carries stale rules, but a part of it has started: re-creating it would run that
	// part again on volumes that may hold data, so it is left alone.
	ReasonRestoreStarted = "RestoreStarted"
	// ReasonRestoreFinished: the Restore completed or failed under stale rules; there is nothing left to unblock.
	ReasonRestoreFinished = "RestoreFinished"
	// ReasonClusterStarted: database Pods that an inherited rule governs are bound to nodes: rewriting the rule would
	// restart a live database, so it is left alone.
	ReasonClusterStarted = "ClusterStarted"
	// ReasonSourceUnknown: the Backup, its snapshot or the source cluster's name cannot be read, so nothing is changed.
	ReasonSourceUnknown = "SourceUnknown"
	// ReasonInvalidRule: a rule of the Cluster or of the snapshot is one that the API server refuses in a Pod, so nothing is
	// changed until somebody mends it.
	ReasonInvalidRule = "InvalidRule"
	// ReasonMultiCluster: the Cluster's Pods live behind another API server, where Rehome sees nothing and does nothing.
	ReasonMultiCluster = "MultiCluster"
)
