package placement

import "github.com/rehome-operator/rehome/pkg/rewrite"

// The names of the checks.
const (
	checkBackup    = "backup"
	checkReference = "reference"
	checkRules     = "rules"
	checkNames     = "names"
	checkClasses   = "classes"
	checkQuota     = "quota"
	checkAlone     = "alone"
	checkOps       = "opsRequest"
	checkRehomed   = "rehomed"
	checkKept      = "kept"
	checkRights    = "world"
)

// The stages of a restore.
const (
	stageRestore  = "restore"
	stageDatabase = "database"
)

// stageWords name the Pods of a stage. In the last one, all count.
var stageWords = map[string]string{stageRestore: "restore Pods", stageDatabase: "Pods"}

// keptCodes are the codes of rules that are kept and can keep Pods from nodes.
var keptCodes = map[rewrite.Class]string{
	rewrite.Unscoped: "RH003", rewrite.NodeBound: "RH004", rewrite.Generated: "RH005",
	rewrite.NamespaceShift: "RH009", rewrite.Vacuous: "RH010", rewrite.ThirdParty: "RH002", rewrite.Intended: "RH008",
}

// The codes of snapshots that cannot be read.
const (
	codeNoSnapshot  = "RH018"
	codeBadSnapshot = "RH019"
)

// The texts of checks.
const (
	textOfVersion        = " (KubeBlocks %s)"
	textBackupCompleted  = "Backup %s is Completed; snapshot of %s"
	textBackupContinuous = "Backup %s is Continuous; snapshot of %s"
	textBackupUnknown    = "Backup %s has no phase: KubeBlocks restores only what is Completed; snapshot of %s"
	textUnreadable       = "%s (%s): only a Cluster that you define yourself can be restored from it"
	textBackupPhase      = "Backup %s is %s: KubeBlocks restores only what is Completed (RH014)"

	textByAnnotation        = "annotation"
	textBySpec              = "spec.restore"
	textHonoured            = "KubeBlocks %s restores by %s"
	textAssumed             = "KubeBlocks %s, as the snapshot shows, restores by %s"
	textOtherwiseSpec       = "(an EMPTY database otherwise: RH007)"
	textOtherwiseAnnotation = "(an EMPTY database by annotation: RH007)"
	textNotHonoured         = "Cluster %s names no Backup in a way that KubeBlocks %s reads: it creates an EMPTY database (RH007)"
	textOtherBackup         = "Cluster %s is restored from Backup %s, not from %s"
	textOtherNamespace      = "KubeBlocks %s restores nothing from namespace %s into %s: the database starts EMPTY (RH016)"
	textUnprepared          = "no restore Pods: the volumes are filled before, or after the database starts"

	textInvalidRule    = "%s (RH006)"
	textInvalidPod     = "the API server refuses Pod %s: %s (RH006)"
	textTwoConstraints = "its component and its instance template have spread constraints with topologyKey %s and whenUnsatisfiable %s"

	textNamesFree     = "the names of Cluster %s/%s are free"
	textClusterExists = "Cluster %s/%s exists: give another name, or see it with rehome explain"
	textNoNamespace   = "namespace %s does not exist"
	textTaken         = "names are taken: %s"
	textLongName      = "the name of Pod %s is longer than %d characters"

	textClasses          = "storage classes exist: %s"
	textNoDefaultClass   = "a volume claim has no storage class, and no class is the default"
	textMissingClass     = "storage class %s does not exist"
	textClassNotRestored = "KubeBlocks %[2]s cannot restore volumes of storage class %[1]s: it has no provisioner"

	textQuotas      = "the quotas of the namespace suffice (%d)"
	textQuota       = "quota %s: %s needs %s and has %s left"
	textQuotaScoped = "quota %s has scopes: not checked"

	textPlayAlone     = "as KubeBlocks alone restores it: %d of %d %s fit"
	textPlayOps       = "as an OpsRequest of KubeBlocks restores it: %d of %d %s fit"
	textPlayRehomed   = "as Rehome rewrites it: %d of %d %s fit"
	textPlayUnchanged = "no rule is stale: %d of %d %s fit"
	detailStale       = "%s (RH001)"

	furtherGathered = "they share %s: the stale rule spreads Pods of %s"
	furtherOrder    = "they fit in this order only: %[2]s; not %[1]s. The scheduler decides on the order"
	furtherOrders   = "tried in two orders: as created, and the Pod with the fewest nodes first"
	furtherCause    = "%s: %d of %s: %s (%s)"
	furtherMore     = "and %d more reasons"
	furtherRule     = "they lack nodes for a rule: without their own rules they fit"
	furtherNoRule   = "without their own rules they do not fit either: room, taints, volumes or the rules of other Pods"
	furtherNodes    = "%s more like %s (%s) would do"
	furtherNotTried = "how many nodes more would do was not tried: there are too many Pods and nodes"
	furtherNoNodes  = "no number of nodes like those here would do"
	listMore        = "%s and %d more"

	textUnread           = "%s: %s"
	textUnreadToo        = "could not be read: %s"
	textPodsUnread       = "Pods that were not read can hold room, and their rules can keep Pods from nodes"
	textTooMuch          = "too many Pods and nodes to place the Pods: nobody knows whether they fit"
	textNotPlayed        = "without all %s, nobody knows where volumes can be mounted: no Pod was placed"
	textNothingToPlaceOn = "there are no nodes to place Pods on: give them with -f or --nodes"
	textOthersWait       = "Pods of others that wait and are not placed: %d. They can take room"
)

// The titles of the page.
const (
	gridBefore  = "The nodes before"
	gridAlone   = "As KubeBlocks alone restores it"
	gridRehomed = "As Rehome rewrites it"
	gridRunning = "running before: %s"
)

// The last lines.
const (
	promise               = " Nothing is reserved: this is a look, not a promise."
	summaryFits           = "Fits, with Rehome and without." + promise
	summaryFitsWithRehome = "Fits with Rehome." + promise
	summaryUnknown        = "Cannot be told: see the lines with warn."
	summaryRefused        = "Will not be restored: see the lines with FAIL."
	summaryNodes          = "Does not fit: %s more like %s (%s) would do."
	summaryNotTried       = "Does not fit. How many nodes more would do was not tried."
	summaryRule           = "Does not fit: a rule keeps Pods from the nodes, and more nodes do not help."
	summaryRoom           = "Does not fit, and more nodes like those here do not help."
)

// What is unknown of volumes.
const (
	unknownTopology  = "unknown: which nodes can mount a volume of class %s (%s)"
	unknownImmediate = "unknown: class %s chooses the zone of a volume before the Pod has a node"
)

// The errors.
const (
	problemTooManyPods  = "the Cluster has more than %d Pods"
	problemTooMuch      = "too many Pods and nodes to place the Pods"
	problemMultiCluster = "the Pods of the Cluster run in other Kubernetes clusters: they cannot be placed here"
	problemPod          = "place Pod %s: %w"
	problemNodeCount    = "the number of nodes %q is not 1 to %d"
	problemNodeQuantity = "%s=%q is no quantity"
	problemNodeField    = "%q is none of cpu=, memory=, zone=, pods= and ephemeral-storage="
	problemNodeMissing  = "%s= is missing"
)
