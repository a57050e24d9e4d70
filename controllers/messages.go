package controllers

import (
	"strings"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// All text of this package that people read in conditions and events is in this file, or comes from package remedy.

// Obstacles.
const (
	invalidHistory    = "Annotation %s of the Cluster %s. Nothing is changed until then."
	multiCluster      = "The Cluster's Pods run behind other API servers, which Rehome cannot read. Nothing is changed."
	backupElsewhere   = "Backup %s in another Namespace cannot be used. This message never says why; the log of Rehome does."
	tooManyBackups    = "The Cluster and its Restores name %d Backups; the first %d of them are read."
	annotationIgnored = "This KubeBlocks does not read the annotation " + kubeblocks.AnnotationRestoreFromBackup + ": the Cluster starts " +
		"empty. Create it with spec.restore.source, or remove the annotation if it shall be empty. Nothing is changed."
	annotationOutdated = "An older KubeBlocks began this restore. This one does not read the annotation " + kubeblocks.AnnotationRestoreFromBackup +
		": the database can start without its data. Check the data, or create the Cluster with spec.restore.source. Nothing is changed."
	sourceUndecided = "KubeBlocks has not created a volume claim yet. It shows whether the API server keeps the reference " +
		"to the Backup in Namespace %s."
	sourceDropped = "Volume claim %s has lost its reference to the Backup in Namespace %s, so the database starts empty: the API server keeps " +
		"such a reference only with its feature gate CrossNamespaceVolumeDataSource. Restore in the Backup's Namespace. Nothing is changed."
	tooManyRules    = "The Cluster has more than %d scheduling rules. Nothing is changed."
	backupForbidden = "Rehome has no right to get Backup %s. It continues when it has the right."
)

// What binds volumes to nodes or zones.
const (
	noClaim        = "there is no claim %s"
	noClass        = "claim %s names no storage class"
	volumeBound    = "volume %s is bound to nodes"
	classBindsLate = "storage class %s binds volumes to the Pod's node"
)

// Why the effect of a rewritten rule on database Pods is unknown.
const (
	ambiguousReason    = "it cannot be proven that the volumes admit it, because the Pods can get rules from several policies"
	noComponentReason  = "it cannot be proven that the volumes admit it before KubeBlocks has created the Component"
	unknownLabelReason = "it cannot be proven that the volumes admit it, because it selects Pods by the label %s"
	tooMuchReason      = "it cannot be proven that the volumes admit it, because %s"
	siblingsUnknown    = "it cannot be proven that other volumes leave them one, because %s"
)

// What is too much to be judged.
const (
	tooManyPods     = "the Components ask for more than %d Pods, or for too many labels of them"
	tooManyPodRules = "the database Pods have too many scheduling rules together, or too large ones"
	tooManyClaims   = "the Cluster has more than %d bound volume claims"
	tooMuchWork     = "the Cluster has more Pods, nodes or rules than are checked"
)

// claimsUnread is why the volumes of a restore Pod count as tied.
const claimsUnread = "the Pods have more than %d volume claims"

// What is awaited before rules are rewritten.
const (
	componentAwaited = "KubeBlocks has not created the Component %s yet"
	podAwaited       = "KubeBlocks has not created all Pods of Component %s yet"
)

// podChanged is why a Restore is not deleted now; only the log shows it.
const podChanged = "Pod %s has changed"

// runningEverywhere says which Pod a rewritten rule would leave no node, and where Pods are that make no room.
const runningEverywhere = "Pod %s could only run where database Pods run that the rewritten rule keeps it off: %s"

// siblingsEverywhere says where other volumes of the database are.
const siblingsEverywhere = "other volumes of the database are in every domain: %s"

// overtakes says why the Pod of an Instance must wait.
const overtakes = "Pod %s has no node yet, and its volume is where this Pod could go first"

// reconcileStuck is what /healthz says.
const reconcileStuck = "the reconcile of Cluster %s has not ended since %s"

// Rehomings without a restored Cluster.
const (
	noCluster   = "This Namespace has no Cluster of this name."
	notRestored = "Neither the Cluster's annotations nor its Restores name a Backup. Set spec.source if its rules come from another cluster."
)

// Events about actions: one short sentence in the past tense.
const (
	eventClusterRewritten       = "Rewrote %d places of stale scheduling rules to %s."
	eventContended              = "Field manager %q reverted the rewrite twice; stopped rewriting the Cluster."
	eventRestoreRecreated       = "Deleted Restore %s, which never started; KubeBlocks re-creates it with the rewritten rules."
	eventSchedulingSpecReplaced = "Replaced the scheduling rules of Restore %s."
	eventJobRecreated           = "Deleted Job %s of Restore %s, which never started; KubeBlocks re-creates it with the rewritten rules."
	eventInstanceRewritten      = "Rewrote %d places of stale scheduling rules in Instance %s."
	eventPodRecreated           = "Deleted database Pod %s, which never had a node; KubeBlocks re-creates it with the rewritten rules."
)

// eventNotes are the notes of events about a condition that changed its reason. Reasons without one get no event: they pass by
// themselves, or the event about an action says the same.
var eventNotes = map[string]string{
	v1alpha1.ReasonRehomed:           "All inherited rules named the restored cluster.",
	v1alpha1.ReasonNothingInherited:  "No inherited rule named the source cluster.",
	v1alpha1.ReasonRestoreStarted:    "All Jobs had started under stale rules; the Restore was not changed.",
	v1alpha1.ReasonSpreadLost:        "Stale rules let Pods share a node.",
	v1alpha1.ReasonRestoreFinished:   "The Restore finished under stale rules; its Pods were spread all the same.",
	v1alpha1.ReasonRestoreFailed:     "The Restore failed; it was not changed.",
	v1alpha1.ReasonClusterStarted:    "The database had started under stale rules; they were not rewritten.",
	v1alpha1.ReasonVolumesBound:      "The volumes did not admit the rewritten rules; these were not rewritten.",
	v1alpha1.ReasonRestoreIgnored:    "KubeBlocks started the database without the data of its Backup; nothing was changed.",
	v1alpha1.ReasonSourceUnknown:     "The source cluster was not found; nothing was changed.",
	v1alpha1.ReasonInvalidRule:       "A scheduling rule was invalid; nothing was changed.",
	v1alpha1.ReasonInvalidHistory:    "The Cluster's history was invalid; nothing was changed.",
	v1alpha1.ReasonInvalidMode:       "The Namespace's mode was invalid; nothing was changed.",
	v1alpha1.ReasonMultiCluster:      "The Pods ran behind another API server; nothing was changed.",
	v1alpha1.ReasonContended:         "Another writer reverted the rewrite twice; nothing more was changed.",
	v1alpha1.ReasonAttemptsExhausted: "All remediation attempts were used; manual action is required.",
	v1alpha1.ReasonRateLimited:       "Many restores were being remediated; this one was queued.",
	v1alpha1.ReasonBreakerOpen:       "Recent remediations did not help; remediation was paused.",
	v1alpha1.ReasonObserved:          "An action was due; mode Observe took none.",
	v1alpha1.ReasonScheduled:         "All Pods had nodes.",
	v1alpha1.ReasonUnschedulable:     "The scheduler found no node for a Pod.",
	v1alpha1.ReasonVolumeNotBound:    "The scheduler found no volume for a Pod.",
}

const (
	// maxNote is the limit of the API server for an event's note, in bytes.
	maxNote = 1024
	// maxMessage is the limit of the API server for a condition's message, in bytes.
	maxMessage = 32768
)

// truncate shortens a text to a number of bytes.
func truncate(text string, limit int) string {
	const more = "…"
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-len(more)], "") + more
}
