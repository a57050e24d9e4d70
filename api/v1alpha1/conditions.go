package v1alpha1

const (
	// ConditionPolicyRehomed is the type of the condition that Rehome keeps on a Restore: True when no inherited scheduling rule
	// names the source cluster, False while one does, Unknown when the source is unknown. Its message names the rules, where they
	// stand and what was done.
	ConditionPolicyRehomed = "rehome.kubeblocks.io/PolicyRehomed"
	// ConditionPodsScheduled is the type of the condition that says whether the Pods of a Restore have nodes: True when all have,
	// False while one has none, Unknown while there are no Pods. Its message holds the scheduler's reason for each Pod.
	ConditionPodsScheduled = "rehome.kubeblocks.io/PodsScheduled"
)

// Conditions of a Rehoming. They follow kstatus, so that Flux, Argo CD and `kubectl wait` understand a Rehoming.
const (
	// ConditionReady is True when nothing is left to do: RehomingPolicyRehomed and RehomingPodsScheduled are True. Otherwise its
	// reason and message are those of the first that is not.
	ConditionReady = "Ready"
	// ConditionReconciling is True while Rehome, KubeBlocks or the scheduler works on the Cluster; it is absent otherwise.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is True while somebody has to act; it is absent otherwise.
	ConditionStalled = "Stalled"
	// RehomingPolicyRehomed is ConditionPolicyRehomed for the Cluster as a whole.
	RehomingPolicyRehomed = "PolicyRehomed"
	// RehomingPodsScheduled is ConditionPodsScheduled for the Cluster as a whole.
	RehomingPodsScheduled = "PodsScheduled"
)

// AnnotationHistory holds, on a Cluster, the remediation history of the Cluster and its Restores. Removing it resets all counts.
const AnnotationHistory = "rehome.kubeblocks.io/remediation-history"

// AnnotationRewrittenRules holds, on a Cluster, which of its rules were rewritten: digests, and the Cluster's name and Namespace. The
// webhook keeps those rules when an older manifest is applied again. Removing it ends that.
const AnnotationRewrittenRules = "rehome.kubeblocks.io/rewritten-rules"

// AnnotationMode holds, on a Namespace, the mode of its Clusters: Enforce, Observe or Disabled.
const AnnotationMode = "rehome.kubeblocks.io/mode"

// AnnotationSchedulingSpec holds, on a Restore without scheduling rules, the rules that are added next. KubeBlocks' CRD allows
// them to be removed and added, not to be changed.
const AnnotationSchedulingSpec = "rehome.kubeblocks.io/scheduling-spec"

// The closed set of reasons of ConditionPolicyRehomed.
const (
	// ReasonRehomed: every inherited rule names the restored cluster, in the Cluster, its Components and the Restore.
	ReasonRehomed = "Rehomed"
	// ReasonNothingInherited: no inherited rule names the source cluster, so there is nothing to do.
	ReasonNothingInherited = "NothingInherited"
	// ReasonNoCluster: no Cluster has the name of the Rehoming.
	ReasonNoCluster = "NoCluster"
	// ReasonNotRestored: nothing shows that the Cluster of the Rehoming was restored.
	ReasonNotRestored = "NotRestored"
	// ReasonRewritingCluster: an inherited rule of the Cluster is being rewritten.
	ReasonRewritingCluster = "RewritingCluster"
	// ReasonWaitingForComponent: the Cluster carries the rewritten rules, KubeBlocks has yet to hand them to a Component.
	ReasonWaitingForComponent = "WaitingForComponent"
	// ReasonWaitingForScheduler: the Cluster or the Restore carries stale rules, and a Pod that follows them can still be bound: the
	// scheduler has yet to decide on it, or KubeBlocks has yet to create it.
	ReasonWaitingForScheduler = "WaitingForScheduler"
	// ReasonRecreatingRestore: the Restore carries stale rules and never started; it is deleted, so that KubeBlocks re-creates it
	// with the rewritten rules.
	ReasonRecreatingRestore = "RecreatingRestore"
	// ReasonRecreatingJobs: a part of the Restore has started; its rules are replaced, and its Jobs that never started are
	// deleted, so that KubeBlocks re-creates them with the rewritten rules.
	ReasonRecreatingJobs = "RecreatingJobs"
	// ReasonRecreatingPods: database Pods are Pending under stale rules and KubeBlocks does not replace them; they are deleted, so
	// that KubeBlocks re-creates them with the rewritten rules.
	ReasonRecreatingPods = "RecreatingPods"
	// ReasonRewritingInstances: Instances of KubeBlocks, from which database Pods without a node are created, have stale rules; these
	// are being rewritten.
	ReasonRewritingInstances = "RewritingInstances"
	// ReasonRelaxingRestorePods: the rewritten rules leave a restore Pod no node; the Restore's Jobs that never started get the
	// same rules as preferred ones.
	ReasonRelaxingRestorePods = "RelaxingRestorePods"
	// ReasonRestoreStarted: the Restore carries stale rules, but all its Jobs have started. It is not changed, because running it
	// again could damage restored data.
	ReasonRestoreStarted = "RestoreStarted"
	// ReasonSpreadLost: stale rules let restore Pods share a node, so their volumes may share it, too.
	ReasonSpreadLost = "SpreadLost"
	// ReasonRestoreFinished: the Restore completed under stale rules; nothing is left to unblock.
	ReasonRestoreFinished = "RestoreFinished"
	// ReasonRestoreFailed: the Restore failed; KubeBlocks does not try again, and its volumes may hold partial data.
	ReasonRestoreFailed = "RestoreFailed"
	// ReasonClusterStarted: database Pods that a stale rule governs are bound to nodes. It is not rewritten, because that would
	// restart a live database.
	ReasonClusterStarted = "ClusterStarted"
	// ReasonVolumesBound: volumes are bound to nodes or zones, and a stale rule could leave a database Pod no node when it is
	// rewritten, so it stays.
	ReasonVolumesBound = "VolumesBound"
	// ReasonRestoreIgnored: KubeBlocks does not read how the Cluster names its Backup, or a volume claim has lost its reference to the
	// Backup: the database starts empty. Nothing is changed.
	ReasonRestoreIgnored = "RestoreIgnored"
	// ReasonSourceUnknown: the Backup, its snapshot or the source cluster's name cannot be read, so nothing is changed.
	ReasonSourceUnknown = "SourceUnknown"
	// ReasonInvalidRule: the API server would refuse a rule of the Cluster or of the snapshot, so nothing is changed until it is
	// corrected.
	ReasonInvalidRule = "InvalidRule"
	// ReasonMultiCluster: the Cluster's Pods run behind another API server, which Rehome cannot read; nothing is changed.
	ReasonMultiCluster = "MultiCluster"
	// ReasonInvalidMode: the Namespace's mode annotation holds no valid mode; nothing is changed until it is corrected.
	ReasonInvalidMode = "InvalidMode"
	// ReasonInvalidHistory: the Cluster's history annotation has an unknown version or is too large; nothing is changed until it is
	// removed.
	ReasonInvalidHistory = "InvalidHistory"
	// ReasonContended: another writer reverted the rewrite twice; Rehome does not change the Cluster until its spec changes.
	ReasonContended = "Contended"
	// ReasonAttemptsExhausted: the Restore was remediated as often as the configuration allows; manual action is required.
	ReasonAttemptsExhausted = "AttemptsExhausted"
	// ReasonBackingOff: the next attempt to remediate the Restore is due later.
	ReasonBackingOff = "BackingOff"
	// ReasonRateLimited: many Restores are being remediated; this one waits for its turn.
	ReasonRateLimited = "RateLimited"
	// ReasonBreakerOpen: recent remediations did not help; nothing is remediated until the cool-down ends.
	ReasonBreakerOpen = "BreakerOpen"
	// ReasonObserved: an action is due, and the mode is Observe.
	ReasonObserved = "Observed"
)

// The closed set of reasons of ConditionPodsScheduled.
const (
	// ReasonScheduled: every Pod of the Restore is or was bound to a node.
	ReasonScheduled = "Scheduled"
	// ReasonUnschedulable: the scheduler finds no node for a Pod.
	ReasonUnschedulable = "Unschedulable"
	// ReasonVolumeNotBound: the scheduler finds no volume for a Pod; inherited rules are not the cause.
	ReasonVolumeNotBound = "VolumeNotBound"
	// ReasonNoPods: a Job has no Pods: it is new, or a quota refuses them.
	ReasonNoPods = "NoPods"
	// ReasonRestoringVolumes: the volumes of the Cluster are being restored, before its database Pods are bound to nodes.
	ReasonRestoringVolumes = "RestoringVolumes"
	// ReasonScheduling: the scheduler has not tried to place a Pod yet.
	ReasonScheduling = "Scheduling"
)

// The closed set of reasons of events about actions. Events about a change of a condition have the condition's reason.
const (
	// EventClusterRewritten: inherited rules of the Cluster were rewritten.
	EventClusterRewritten = "ClusterRewritten"
	// EventContentionDetected: another writer reverted the rewrite twice, and Rehome stopped.
	EventContentionDetected = "ContentionDetected"
	// EventRestoreRecreated: a Restore that never started was deleted, so that KubeBlocks re-creates it.
	EventRestoreRecreated = "RestoreRecreated"
	// EventSchedulingSpecReplaced: the rules of a Restore that has started in part were replaced.
	EventSchedulingSpecReplaced = "SchedulingSpecReplaced"
	// EventJobsRecreated: Jobs that never started were deleted, so that KubeBlocks re-creates them.
	EventJobsRecreated = "JobsRecreated"
	// EventInstanceRewritten: stale rules of an Instance of KubeBlocks were rewritten.
	EventInstanceRewritten = "InstanceRewritten"
	// EventPodRecreated: a database Pod without a node was deleted, so that KubeBlocks re-creates it.
	EventPodRecreated = "PodRecreated"
)
