package cli

// The texts of explain and preflight that are about reading, and of the commands that start the program with them.
const (
	// placementProgram is the program that has the scheduler's plugins.
	placementProgram = "rehome-placement"

	textOnlyNamespace = "read in namespace %s only"
	textNotInFiles    = "not in the files"

	problemNoNodes     = "the files have no Node: add the output of `kubectl get nodes -o yaml`"
	problemNoPlacement = "%s needs the program " + placementProgram + " beside this one or in PATH: releases have it, and `make build-placement` builds it"

	forwardExplain   = "explain [CLUSTER | restore/NAME | pod/NAME]"
	forwardPreflight = "preflight BACKUP --to NAME"
	explainShort     = "Say why a Pod has no node, whose rule that is, and what would help"
	preflightShort   = "Say whether a restore would fit, before it starts"
)

const (
	explainLong = `Say why a Pod of a restored Cluster has no node: which plugin of the scheduler refuses which node, which rule meets which Pod,
whose rule that is, and how many nodes would do without it. kube-scheduler's own plugins answer, with your rights. Nothing is written.

Without an argument, all Pods of KubeBlocks that wait are explained. With -f, files answer instead of a cluster: the output of
"kubectl get -o yaml" of the kinds in the example.

The exit status is
  0  nothing waits
  1  something waits, and it says why
  2  it cannot tell`
	explainExample = `  # Why does the restored Cluster carrot67 wait?
  kubectl rehome explain carrot67

  # Ask a colleague
  mkdir dump
  kubectl get nodes,pods,namespaces,resourcequotas,persistentvolumeclaims,persistentvolumes,jobs -A -o yaml > dump/pods.yaml
  kubectl get storageclasses,csinodes,csidrivers,csistoragecapacities -A -o yaml > dump/storage.yaml
  kubectl get clusters.apps.kubeblocks.io,components.apps.kubeblocks.io -A -o yaml > dump/clusters.yaml
  kubectl get backups.dataprotection.kubeblocks.io,restores.dataprotection.kubeblocks.io -A -o yaml > dump/backups.yaml
  rehome explain carrot67 -n default -f dump`

	usageExplainAll      = "explain what waits in all namespaces"
	usageAllNodes        = "print a row for each node"
	usageDumps           = `file, folder or URL with the objects, "-" for standard input: nothing is read from a cluster`
	usageSchedulerConfig = "configuration file of your kube-scheduler, if it is not the default"

	textNothingWaits = "Nothing waits.\n"
	textNoPodWaits   = "no Pod of it waits, and its phase is %s"
	textJobWithout   = "Job %s has no Pod yet"

	problemPodsUnread      = "cannot tell whether something waits: pods: %s"
	problemExplainArgument = "%q is neither CLUSTER nor restore/NAME nor pod/NAME"
	problemNoSuch          = "no %s %s in namespace %s"
)

// The next steps that name a Cluster.
const (
	nextRewriteBackup = "kubectl rehome rewrite backup/%s --to %s -o patch"
	nextRewriteFrom   = "kubectl rehome rewrite -f BACKUP --to %s -o patch"
	nextByItself      = "%s. By hand: %s"
	nextScopeCommand  = `kubectl patch rehoming %s -n %s --type merge -p '{"spec":{"consents":["ScopeUnscoped"]}}'`

	problemNotInFiles = "it is not in the files"
)
