package v1alpha1

const (
	// ConditionPolicyRehomed is the type of the condition Rehome keeps on a Restore: True when no scheduling rule inherited
	// from the Backup names the source cluster any more, False while one does, Unknown when that cannot be told. Its
	// message names the rules, where they stand and what was done.
	ConditionPolicyRehomed = "rehome.kubeblocks.io/PolicyRehomed"
	// ConditionPodsScheduled is the type of the condition that says whether the Pods of a Restore have found nodes: True when
	// all have, False while one has not, Unknown while there are none. Its message has the scheduler's reason for each Pod.
	ConditionPodsScheduled = "rehome.kubeblocks.io/PodsScheduled"
)

// ConditionReady is the type of the condition that says on a Rehoming whether there is nothing left to do: both
// ConditionPolicyRehomed and ConditionPodsScheduled are True. Its reason is that of the one that is not.
const ConditionReady = "Ready"

// AnnotationLedger holds, on a Cluster, what Rehome did to it and to its Restores. A person who removes it has all counts
// begin anew.
const AnnotationLedger = "rehome.kubeblocks.io/ledger"

// AnnotationMode holds, on a Cluster or a Namespace, the mode there: Enforce, Observe or Off.
const AnnotationMode = "rehome.kubeblocks.io/mode"

// AnnotationSchedulingSpec holds, on a Restore, the scheduling rules that it is about to get, while it has none: KubeBlocks
// lets them be removed and added, but not changed.
const AnnotationSchedulingSpec = "rehome.kubeblocks.io/scheduling-spec"

// The closed set of reasons of ConditionPolicyRehomed. The same words are the reasons of events.
const (
	// ReasonRehomed: every inherited rule names the restored cluster, in the Cluster, its Components and the Restore.
	ReasonRehomed = "Rehomed"
	// ReasonNothingInherited: no inherited rule names the source cluster, so there is nothing to do.
	ReasonNothingInherited = "NothingInherited"
	// ReasonNoCluster: there is no Cluster for a Rehoming that a person created.
	ReasonNoCluster = "NoCluster"
	// ReasonNotRestored: the Cluster of a Rehoming that a person created was not restored, as far as anything tells.
	ReasonNotRestored = "NotRestored"
	// ReasonRewritingCluster: an inherited rule of the Cluster is being rewritten.
	ReasonRewritingCluster = "RewritingCluster"
	// ReasonWaitingForComponent: the Cluster carries the rewritten rules, KubeBlocks has yet to hand them to a Component.
	ReasonWaitingForComponent = "WaitingForComponent"
	// ReasonWaitingForScheduler: the Restore carries stale rules, and the scheduler has yet to decide on a Pod of it, which can
	// be bound at any moment.
	ReasonWaitingForScheduler = "WaitingForScheduler"
	// ReasonRecreatingRestore: the Restore carries stale rules and nothing of it ever started; it is deleted, so that
	// KubeBlocks creates it again with the rewritten rules.
	ReasonRecreatingRestore = "RecreatingRestore"
	// ReasonRecreatingJobs: a part of the Restore has started; its rules are exchanged, and those of its Jobs that never
	// started are deleted, so that KubeBlocks creates them again with the rewritten rules.
	ReasonRecreatingJobs = "RecreatingJobs"
	// ReasonRecreatingPods: database Pods wait for a node under stale rules and KubeBlocks does not replace them; they are
	// deleted, so that KubeBlocks creates them again with the rewritten rules.
	ReasonRecreatingPods = "RecreatingPods"
	// ReasonRelaxingRestorePods: the rewritten rules keep a restore Pod from every node; those of the Restore's Jobs that
	// never started get the same rules as preferences.
	ReasonRelaxingRestorePods = "RelaxingRestorePods"
	// ReasonRestoreStarted: the Restore carries stale rules, but all there is of it has started: re-creating that would run
	// it again on volumes that may hold data, so it is left alone.
	ReasonRestoreStarted = "RestoreStarted"
	// ReasonSpreadLost: restore Pods that stale rules did not keep apart share a node, and so may their volumes.
	ReasonSpreadLost = "SpreadLost"
	// ReasonRestoreFinished: the Restore completed under stale rules; there is nothing left to unblock.
	ReasonRestoreFinished = "RestoreFinished"
	// ReasonRestoreFailed: the Restore failed; KubeBlocks does not try again, and its volumes may hold partial data.
	ReasonRestoreFailed = "RestoreFailed"
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
	// ReasonInvalidMode: the annotation that holds the mode of the Cluster or its Namespace holds none.
	ReasonInvalidMode = "InvalidMode"
	// ReasonContended: somebody else undid the rewrite twice; Rehome leaves the Cluster alone until its spec changes.
	ReasonContended = "Contended"
	// ReasonAttemptsExhausted: the Restore was remediated as often as the configuration allows.
	ReasonAttemptsExhausted = "AttemptsExhausted"
	// ReasonBackingOff: the next attempt to remediate the Restore is due later.
	ReasonBackingOff = "BackingOff"
	// ReasonRateLimited: many Restores are being remediated; this one waits for its turn.
	ReasonRateLimited = "RateLimited"
	// ReasonBreakerOpen: remediation does not help lately; nothing is remediated for a while.
	ReasonBreakerOpen = "BreakerOpen"
	// ReasonObserved: an action is due, and the mode is Observe.
	ReasonObserved = "Observed"
)

// The closed set of reasons of ConditionPodsScheduled.
const (
	// ReasonScheduled: every Pod of the Restore has a node, or had one.
	ReasonScheduled = "Scheduled"
	// ReasonUnschedulable: the scheduler finds no node for a Pod.
	ReasonUnschedulable = "Unschedulable"
	// ReasonVolumeNotBound: the scheduler finds no volume for a Pod: that is no matter of inherited rules.
	ReasonVolumeNotBound = "VolumeNotBound"
	// ReasonNoPods: a Job has no Pods: it was created a moment ago, or a quota keeps them from being created.
	ReasonNoPods = "NoPods"
	// ReasonScheduling: the scheduler has not looked at a Pod yet.
	ReasonScheduling = "Scheduling"
)
