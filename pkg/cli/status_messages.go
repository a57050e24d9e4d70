package cli

import rehomev1alpha1 "github.com/rehome-operator/rehome/api/v1alpha1"

// The help texts of `rehome status`.
const (
	statusUse   = "status [CLUSTER]"
	statusShort = "Show what restored Clusters wait for"
	statusLong  = `Show each restored Cluster: what it waits for, since when, and the next step. With a name, show its conditions, rules,
Restores and Pods.

The exit status is 0 if all are ready, 1 while one waits, and 2 if that cannot be told.`
	statusExample = `  # All restored Clusters
  kubectl rehome status -A

  # One of them
  kubectl rehome status carrot67`

	usageAllNamespaces = "show all namespaces"
	usageWatch         = "print a line whenever a Cluster changes"
	usageStatusOutput  = "json, or empty for a table"
)

const (
	stateUnknown        = "Unknown"
	stateDeleted        = "Deleted"
	textNoRows          = "No restored Clusters %s.\n"
	textInNamespace     = "in namespace %s"
	textInAllNamespaces = "in any namespace"
	textAttemptsLeft    = " (attempts left: %d)"
	textNoRestores      = "The conditions of Restores are unknown: %s\n"

	problemNameAndAll   = "give the name of a Cluster or -A, not both"
	problemWatchJSON    = "--watch prints lines: it does not take -o json"
	problemNoRehoming   = "no Rehoming %s/%s: the Cluster was not restored, or Rehome does not watch its namespace"
	problemNotInstalled = "the API server does not serve Rehomings: Rehome is not installed"
	problemForbiddenAll = "%s: give one namespace with -n"
)

// reasonsOfAttempts are the reasons whose next step uses an attempt.
var reasonsOfAttempts = []string{
	rehomev1alpha1.ReasonRecreatingRestore, rehomev1alpha1.ReasonRecreatingJobs, rehomev1alpha1.ReasonBackingOff, rehomev1alpha1.ReasonRateLimited,
}

// nextSteps say what happens next, by the reason of the condition Ready. docs/restore.md has the details.
var nextSteps = map[string]string{
	rehomev1alpha1.ReasonNoCluster:           "check the name and the namespace of the Rehoming",
	rehomev1alpha1.ReasonNotRestored:         "name the source in the spec of the Rehoming",
	rehomev1alpha1.ReasonRewritingCluster:    "Rehome rewrites the Cluster",
	rehomev1alpha1.ReasonRewritingInstances:  "Rehome rewrites the Instances",
	rehomev1alpha1.ReasonWaitingForComponent: "KubeBlocks copies the rules to the Component",
	rehomev1alpha1.ReasonWaitingForScheduler: "the scheduler decides on the Pods",
	rehomev1alpha1.ReasonRecreatingRestore:   "Rehome re-creates the Restore",
	rehomev1alpha1.ReasonRecreatingJobs:      "Rehome re-creates the Jobs that never started",
	rehomev1alpha1.ReasonRecreatingPods:      "Rehome re-creates the database Pods without a node",
	rehomev1alpha1.ReasonRelaxingRestorePods: "Rehome relaxes the rules of the restore Pods",
	rehomev1alpha1.ReasonRestoreStarted:      "let it finish, or restore again under a new name",
	rehomev1alpha1.ReasonSpreadLost:          "accept that Pods share a node, or restore again under a new name",
	rehomev1alpha1.ReasonRestoreFailed:       "find the cause, and restore again under a new name",
	rehomev1alpha1.ReasonClusterStarted:      "in a maintenance window, add the consent RollingUpdate to the Rehoming",
	rehomev1alpha1.ReasonVolumesBound:        "add the consent PreferredRules to the Rehoming, restore again under another name, or move the volumes",
	rehomev1alpha1.ReasonRestoreIgnored:      "delete the Cluster, and create it as rewrite prints it, in the namespace of the Backup",
	rehomev1alpha1.ReasonInvalidHistory:      "remove the annotation rehome.kubeblocks.io/remediation-history of the Cluster",
	rehomev1alpha1.ReasonRestoringVolumes:    "KubeBlocks restores the volumes",
	rehomev1alpha1.ReasonSourceUnknown:       "see the message: the Backup or its snapshot cannot be read",
	rehomev1alpha1.ReasonInvalidRule:         "correct the rule that the message names",
	rehomev1alpha1.ReasonMultiCluster:        "not supported: the Pods run behind another API server",
	rehomev1alpha1.ReasonInvalidMode:         "correct the mode annotation of the Namespace",
	rehomev1alpha1.ReasonContended:           "stop the writer that the message names, then remove the annotation rehome.kubeblocks.io/remediation-history",
	rehomev1alpha1.ReasonAttemptsExhausted:   "find out who writes the stale rules, then remove the annotation rehome.kubeblocks.io/remediation-history",
	rehomev1alpha1.ReasonBackingOff:          "Rehome tries again at the time in the message",
	rehomev1alpha1.ReasonRateLimited:         "Rehome continues with this Cluster in its turn",
	rehomev1alpha1.ReasonBreakerOpen:         "remove the reason that the message names; Rehome then tries again by itself",
	rehomev1alpha1.ReasonObserved:            "switch to mode Enforce",
	rehomev1alpha1.ReasonUnschedulable:       "kubectl rehome explain says why; no inherited rule names the source any more",
	rehomev1alpha1.ReasonVolumeNotBound:      "look at the volume claim",
	rehomev1alpha1.ReasonNoPods:              "look at the events of the Job",
	rehomev1alpha1.ReasonScheduling:          "the scheduler decides on the Pods",
}
