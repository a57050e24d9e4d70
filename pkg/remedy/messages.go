package remedy

import (
	"fmt"
	"strings"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// All text of this package that people read in conditions is in this file.

const timeFormat = "15:04:05 MST"

// Conditions of a Cluster.
const (
	nothingInherited  = "No scheduling rule that the Cluster inherited names its source."
	noRestore         = "No Restore prepares volumes."
	noRestoreYet      = "KubeBlocks has not created a Restore yet."
	unreadKept        = "Rules that only this Backup shows as inherited are kept."
	observed          = "Mode Observe changes nothing. In mode Enforce: "
	rewritingInstance = "The Cluster's rules are rewritten, but Instance %s still has stale ones, and KubeBlocks does not update it while its Pod has " +
		"no node. It is being rewritten."
	instanceRefused   = "The stale rules of Instance %s are not rewritten, because rewritten they could leave its Pod no node: %s."
	instanceUndecided = "The rules of Instance %s are stale, but %s. They are rewritten if no node fits."
	podRefused        = "Database Pod %s has no node under stale rules. It is not re-created, because rewritten rules could leave it no node: %s."
	recreatingPod     = "Database Pod %s has no node under stale rules, and KubeBlocks does not replace it (%s). It is being re-created."
)

// The error of a history, behind the name of its annotation.
const (
	historyOfOtherVersion = "has another version than %d: remove it, or run the Rehome that wrote it"
	historyTooLarge       = "has more than %d bytes: remove it"
)

// Limits.
const (
	attemptsExhausted = "%s %s was re-created %d times and still has stale rules; manual action is required. " +
		"Removing the annotation " + v1alpha1.AnnotationHistory + " from the Cluster resets the count."
	backingOff  = "%s %s was re-created %d times; the next attempt is due at %s."
	breakerOpen = "More than half of the last %d remediated Restores of all Clusters are Unschedulable again (%s). " +
		"Nothing is remediated before %s."
	rateLimited = "Many restores are being remediated. This one waits for its turn."
)

// Conditions of a Restore: its rules.
const (
	restoreFailed = "The Restore failed. KubeBlocks does not retry it, and its volumes may hold partial data. It is not changed."
	spreadLost    = "The Restore has stale rules, and they let its Pods share a node: %s. What started is not changed, because running " +
		"it again could damage restored data.%s"
	spreadLostFinished = "The Restore finished under stale rules, and they let its Pods share a node: %s. Restored data is not changed.%s"
	volumesBound       = "A stale rule of the Cluster is not rewritten, because rewritten it could leave a database Pod no node: %s. " +
		"The consent PreferredRules rewrites the rule to a preferred one; to keep it required, restore again under another name."
	restoreFinished = "The Restore finished under stale rules. The Cluster's rules name %s now."
	spreadKept      = " No two of its Pods share a node."
	restoreStarted  = "The Restore has stale rules, but %s. It is not changed, because running it again could damage restored data."
	contended       = "%s reverted the rewrite of the Cluster's rules twice. Rehome does not change the Cluster until its spec changes or its " +
		"annotation " + v1alpha1.AnnotationHistory + " is removed."
	rewritingCluster    = "The Cluster's stale rules are being rewritten to %s."
	clusterStarted      = "Database Pods run under stale rules. Rewriting the rules would restart the database."
	waitingForComponent = "The Cluster's rules name %s. KubeBlocks has not updated Component %s yet."
	halfUndecided       = "The Cluster's rules are stale. They can only be rewritten together with others, and the scheduler has yet to decide on a Pod " +
		"under those."
	databaseUndecided = "The Cluster's rules are stale, but the scheduler has yet to decide on database Pods. The rules are rewritten if no node fits."
	clusterAwaits     = "The Cluster's rules are stale, but %s. They are rewritten when no Pod is left that could be bound by them, or when no node fits one."
	nextRulesLost     = "The Restore has no scheduling rules, and its annotation " + v1alpha1.AnnotationSchedulingSpec + " does not hold any. " +
		"It is not changed until the annotation holds a schedulingSpec as JSON, or until the Restore is deleted."
	nextRulesRefused = "The Restore has no scheduling rules, and the API server refused those in its annotation " +
		v1alpha1.AnnotationSchedulingSpec + ": %s."
	noJobs              = "KubeBlocks has not created Jobs yet"
	replacingRules      = "The scheduling rules of the Restore are being replaced."
	recreatingRestore   = "The Restore has stale rules and never started. It is being re-created with the rewritten rules."
	waitingForScheduler = "The rules are stale, but %s. It is re-created if no node fits."
	replacingSomeJobs   = "The Restore has stale rules, but %s. Its rules are being replaced, and its Jobs that never started are being " +
		"re-created (%d). What started is not changed."
	othersRestored = "other volumes of the database are restored, and nothing would keep its Pods off their nodes"
	siblingsBound  = "The Restore has stale rules, but rewritten ones would leave its database Pods no node: %s. It is not changed. The consent " +
		"PreferredRules lets them share a node or zone; to keep the rules required, restore again under another name."
	recreatingJobs = "The Restore has the rewritten rules. Its Jobs that never started are being re-created (%d). What started is not changed."
	relaxing       = "The rules name %s, and leave a restore Pod no node. The Restore's Jobs that never started get them as preferred rules."
)

// Conditions of a Restore: its Pods.
const (
	jobHasNoPods    = "Job %s has no Pods. If that lasts, see the events of the Job, for example for a quota. Scheduling rules are not the cause."
	noJobsYet       = "KubeBlocks has not created Jobs yet."
	podsPending     = "%d of %d Pods have no node."
	explainCommand  = " See kubectl rehome explain %s -n %s."
	notYetScheduled = ": the scheduler has not tried to place it yet"
	everyPodBound   = "Every Pod has a node."
	podsBound       = "%d of %d Pods have nodes."
	notRunning      = " Not running for other reasons: "
	sharedNode      = "%d of them are on node %s, with the volume claims %s"
	moreClaims      = " and %d more"
)

// Conditions of a Cluster: its database Pods.
const (
	databasePending      = "%d database Pods have no node."
	restoringVolume      = "%s: its volume is being restored on node %s"
	restoringCluster     = "KubeBlocks restores the Cluster: %s"
	clusterRestoreFailed = "KubeBlocks could not restore the Cluster: %s"
)

// alsoRefused says that the volumes of a Restore whose spread is lost do not admit the rewritten rules; it is empty where they do.
func (d *decision) alsoRefused(r Restore) string {
	refusal := d.refusal(r.Component)
	if refusal == "" {
		return ""
	}
	return " " + fmt.Sprintf(volumesBound, refusal)
}

// Rules that Rehome keeps.
const (
	keptOwnRules    = " Rehome keeps these rules of %s, which can be the cause: %s."
	keptSourceRules = " Required anti-affinity of Pods that run can be the cause. Cluster %s was backed up with: %s. Rehome never " +
		"changes the source: its owner can restrict the rule there to its own Pods."
	keptRunningPods = " Required anti-affinity of Pods that run can be the cause, for example of cluster %s. Rehome never changes " +
		"another cluster's rules."
	helpThirdParty = "if the rules of %s come from that cluster, name it in spec.source of the Rehoming"
	helpOrigin     = "; %s was itself restored from Backup %s"
	helpUnscoped   = "the consent ScopeUnscoped restricts it to Pods of %s"
	helpKept       = "change it in Cluster %s; no consent covers it"
)

// helpFor says what makes a rule of a class let Pods of the cluster pass; it is empty for classes that refuse none.
func helpFor(class rewrite.Class, cluster string) string {
	switch class {
	case rewrite.ThirdParty:
		return fmt.Sprintf(helpThirdParty, cluster)
	case rewrite.Unscoped:
		return fmt.Sprintf(helpUnscoped, cluster)
	case rewrite.Generated, rewrite.Intended, rewrite.NamespaceShift:
		return fmt.Sprintf(helpKept, cluster)
	default:
		return ""
	}
}

func rehomedMessage(cluster string) string {
	return "The inherited rules name " + cluster + " now."
}

// attemptSummary says how often a Restore was remediated, and how and when last; it is empty where it never was.
func (d *decision) attemptSummary(r Restore) string {
	past := d.History.of(restoreKey(r))
	if len(past) == 0 {
		return ""
	}
	last := past[len(past)-1]
	format := " Jobs of the Restore had not started and were re-created (attempt %d of %d, %s)."
	if last.Action == recreateRestore {
		format = " The Restore had not started and was re-created (attempt %d of %d, %s)."
	}
	return fmt.Sprintf(format, len(past), d.Limits.AttemptsPerRestore, last.Time.UTC().Format(timeFormat))
}

// writer names who reverted a rewrite.
func (c *Contention) writer() string {
	if c.Manager == "" {
		return "Another writer"
	}
	return "Field manager " + c.Manager
}

// rules lists the inherited rules, and those that name the source but were not inherited. It is empty where the inherited rules are no longer
// known.
func (o Observation) rules() string {
	if len(o.Inherited) == 0 {
		return ""
	}
	text := "Inherited: " + listRules(o.Inherited) + "."
	if intended := o.Live.Of(rewrite.Intended); len(intended) > 0 {
		text += " Kept, because the snapshot does not hold it: " + listRules(intended) + "."
	}
	return text
}

func listRules(findings []rewrite.Finding) string {
	rules := make([]string, 0, len(findings))
	for _, finding := range findings {
		rules = append(rules, finding.Rule)
	}
	return strings.TrimSuffix(summarize(rules), ".")
}

// describe lists the shared nodes.
func describe(shared []SharedNode) string {
	lines := make([]string, 0, len(shared))
	for _, s := range shared {
		claims := strings.Join(s.Claims, ", ")
		if s.MoreClaims > 0 {
			claims += fmt.Sprintf(moreClaims, s.MoreClaims)
		}
		lines = append(lines, fmt.Sprintf(sharedNode, s.Pods, s.Node, claims))
	}
	return summarize(lines)
}

// maxListed bounds how many rules, Pods or claims of a node a message lists.
const maxListed = 5

// summarize joins the lines of all parts, and counts those beyond maxListed.
func summarize(parts ...[]string) string {
	var shown []string
	count := 0
	for _, lines := range parts {
		count += len(lines)
		shown = append(shown, lines[:min(len(lines), maxListed-len(shown))]...)
	}
	text := strings.Join(shown, "; ")
	if more := count - len(shown); more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}
