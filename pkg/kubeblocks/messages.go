package kubeblocks

// The reasons why a Backup or a Cluster names no source, behind the name of the object.
const (
	textNoAnnotation  = "has no annotation "
	textBadSnapshot   = "holds a cluster snapshot that cannot be read"
	textBadAnnotation = "annotation " + AnnotationRestoreFromBackup + " cannot be read"
	textAnonymous     = "neither the snapshot nor the label " + LabelInstance + " names the cluster"
	textNotACluster   = "not a Cluster, but a %s"
	textNotJSON       = "not JSON at byte %d"
	textWrongType     = "%s is of type %s at byte %d"
	textInvalidJSON   = "invalid JSON"
	textTooManyOrMore = "it has more than %d %s"
	textAllTooMany    = "the Cluster's snapshots together have too many rules or values"
	textLongName      = "a name in it is longer than %d bytes"
	textTooDeep       = "it is nested deeper than %d levels"
	textTooLarge      = "it has %d bytes, and the limit is %d"
)

// What started, and what the scheduler has not decided on.
const (
	textActionEnded   = "%s is %s"
	textJobCounts     = "Job %s counts %d succeeded and %d failed Pods"
	textPodBound      = "Pod %s was bound to a node"
	textNoJob         = "KubeBlocks has not created Jobs yet"
	textNoPod         = "Job %s has no Pod yet"
	textNotScheduled  = "Pod %s has no scheduling decision yet"
	textNominated     = "the scheduler evicts Pods to bind Pod %s to node %s"
	textWaitsForOther = "its data is restored, and it waits for the other Pods of the Restore"
)

// The reasons why KubeBlocks does not replace a Pod.
const (
	textBefore094 = "KubeBlocks 0.9 replaces Pending Pods only from 0.9.4 on"
	textOnDelete  = "its update strategy is OnDelete"
	textNotAll    = "not all of its Pods have been created"
)

// The errors of an API server without KubeBlocks' kinds.
const (
	textNotInstalled = "KubeBlocks is not installed in the API server"
	textNotServed    = "%w: it serves no %s"
	textNotFound     = "find KubeBlocks' %s in the API server: %w"
)
