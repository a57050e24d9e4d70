package placement

// What explain says. Texts of rules and reasons are short: they stand in a table.
const (
	textOnlyWith = "only on a %s with %s"
	textNotWith  = "not on a %s with %s"
	textSpread   = "%s evenly per %s (maxSkew %d)"

	textKeptOut         = "a running Pod's rule"
	textRulesOfOthers   = "the rules of running Pods"
	textNodeSelection   = "the node selector and node affinity"
	textTaints          = "the taints"
	textRequests        = "the requests"
	textVolumes         = "the volumes"
	textPorts           = "the host ports"
	textCordoned        = "cordoned"
	textTaint           = "taint %s"
	textInsufficient    = "%s: asks for %s, %s of %s is free"
	textTooMany         = "runs its %s Pods already"
	textNodeName        = "node name %s"
	textNodeSelector    = "node selector %s=%s"
	textNodeAffinity    = "node affinity"
	textOrMore          = ", or %d other terms"
	textVolumeElsewhere = "the volume of claim %s is tied to %s"
	textNoClass         = "storage class %s of claim %s does not exist"
	textMore            = "and %d more"
	textOverQuota       = "quota %s: %s would be %s more than the %s in use of %s"

	textDeleting     = "is being deleted"
	textGated        = "is held by scheduling gates: %s"
	textNominated    = "waits until Pods on node %s are evicted for it"
	textProvisioning = "claim %s waits for its volume on node %s"
	textHasNode      = "has node %s, so scheduling rules are not the cause"
	textWaitsFor     = "; it waits: %s"

	textNoNodes        = "there is no node"
	textFits           = "nothing; nodes that fit: %d (%s)"
	textUnknown        = "not all %s could be read; nodes that nothing else refuses: %d"
	textOtherScheduler = "scheduler %s decides; nodes that kube-scheduler would not refuse: %d"
	textAndMoreRules   = " and %d more"
	textFromBackup     = " (from Backup %s)"
	textOnNodes        = "on %d of %d nodes: %s"
	textOtherRule      = "%s, a rule of %s"
	textAnd            = " together with "
)

// The next steps: one command each, or what happens by itself. The command line replaces NextRewrite and NextScope.
const (
	nextWait          = "wait for the scheduler"
	NextRewrite       = "rewrite"
	NextScope         = "scope"
	nextDescribePod   = "kubectl describe pod %s -n %s"
	nextGetPod        = "kubectl get pod %s -n %s -o yaml"
	nextDescribeClaim = "kubectl describe pvc %s -n %s"
	nextGetClaims     = "kubectl get pvc %s -n %s"
	nextDescribeNode  = "kubectl describe node %s"
	nextTaints        = "kubectl get nodes -o custom-columns=NAME:.metadata.name,TAINTS:.spec.taints[*].key"
	nextClasses       = "kubectl get storageclasses"
	nextLabels        = "kubectl get nodes --show-labels"
	nextNodes         = "kubectl get nodes"
)

// The lines of a report.
const (
	lineHeading        = "%s waits%s: %s.  Cause: %s\n"
	lineOtherScheduler = "Its scheduler %s was not asked: what stands here is what kube-scheduler's default profile says.\n"
	lineRule           = "%s (%s) stands in %s\n"
	lineWithout        = "Without %s: %s.\n"
	lineWith           = "With Rehome's rewrite: %s.\n"
	linePlaced         = "One after the other, %d of %d Pods find a node%s.\n"
	lineSaid           = "The scheduler said: %s (%s)\n"
	lineSaidNothing    = "The scheduler has said nothing yet.\n"
	lineNext           = "Next: %s\n"
	lineUnread         = "Not all is known. %s. What depends on it can be missing above.\n"

	textInBackup    = "Backup %s at %s"
	textInCluster   = "the Cluster at %s"
	textNoneFits    = "no node fits"
	textManyFit     = "%d nodes fit, such as %s"
	textStillNone   = "; %d without a node"
	textNotAsked    = "not compared: another scheduler"
	textNoVolumes   = "not compared: the volumes are not known"
	textDiffersFits = "differs: a node fits now. " + textWhyDiffers
	textDiffers     = "differs from %q. " + textWhyDiffers
	textWhyDiffers  = "The nodes changed since, or the scheduler has another profile, an extender or another version"
)

// The texts of the page.
const (
	titleNothing     = "Nothing waits"
	titleWaits       = "Pods that wait: %d"
	titleGroup       = "%s: %s%s"
	textTotals       = "Pods that wait: %d. Clusters: %d. Nodes: %d."
	textFoundBy      = "%s (%s)"
	textNodes        = "%d nodes, such as %s"
	textStillRefused = "still refused"
	textOfThemFit    = "%d of them fit"
)
