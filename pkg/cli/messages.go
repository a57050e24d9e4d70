package cli

// The help texts of the commands.
const (
	rootShort    = "Rewrite the scheduling rules of database clusters that KubeBlocks restores"
	versionShort = "Print the versions of the client, the operator, its kinds and KubeBlocks"

	rewriteUse   = "rewrite (-f FILE | backup/NAME) --to NAME"
	rewriteShort = "Rewrite the scheduling rules in a Backup for another cluster"
	rewriteLong  = `Read the Cluster that a Backup holds, rewrite its scheduling rules for the cluster to restore, and print the Cluster to
create: with the reference that makes KubeBlocks restore it, and without what belongs to the source's life. Nothing is written.

FILE is a file, a folder, a URL, or "-" for standard input: YAML or JSON, also compressed with gzip. It holds Backups of
KubeBlocks, alone, in a List or among other objects, or the Cluster itself. backup/NAME reads a Backup with your kubeconfig.

Findings stand on standard error, one a line, each with a code: see docs/codes.md. The exit status is
  0  good
  1  with "-o diff": there is a difference
  2  the input is invalid
  3  with --strict: something can hang although it is rewritten`
	rewriteExample = `  # The Cluster to create
  kubectl rehome rewrite backup/bp1 --to carrot67 > carrot67.yaml

  # What would change?
  kubectl rehome rewrite backup/bp1 --to carrot67 -o diff

  # In a pipeline without a cluster
  kubectl rehome rewrite -f bp1.yaml --to carrot67 --kubeblocks 1.0 --strict > carrot67.yaml`

	usageFilename            = `file, folder or URL with the Backup or its Cluster, "-" for standard input`
	usageBackup              = "the Backup, where there are several: NAME or NAMESPACE/NAME"
	usageLatest              = "the newest Completed Backup, where there are several"
	usageTo                  = "name of the cluster to restore"
	usageToNamespace         = "namespace of the cluster to restore (default: the source's)"
	usageOutput              = "one of %s"
	usageKubeBlocks          = "version of the KubeBlocks that restores: one of %s (default: that of the API server, or of the snapshot)"
	usageVolumeRestorePolicy = "Parallel or Serial (default: Parallel)"
	usageRestoreTime         = "point in time to restore, as 2026-01-31T12:00:00Z (default: that of the Backup)"
	usageComponent           = "component or sharding that the Backup holds (default: the one that the Backup names)"
	usageNoRestore           = "leave out the reference to the Backup: KubeBlocks creates an empty database"
	usageKeep                = "keep what belongs to the source's life: ports, addresses, ownership by tools"
	usageScopeUnscoped       = "add the target's name to inherited rules that name no cluster"
	usageIdentityLabels      = "further label keys whose value is the name of a Pod's cluster"
	usageStrict              = "exit with 3 if something can hang although it is rewritten"
	usageVersionOutput       = "json, or empty for lines"
	usageClientOnly          = "print the version of this program only"
	usageQuiet               = "print no findings"
)

// Lines on standard error.
const (
	textAssumedVersion = "assuming KubeBlocks %s, as the snapshot shows: for another version give --kubeblocks\n"
	textServedVersion  = "for KubeBlocks %s, which the API server of your kubeconfig serves: for another version give --kubeblocks\n"
	textOtherGroup     = "%s %s is of group %s"
	textNoCluster      = "no Kubernetes cluster was reached: %s"
	textNoDeployments  = "the versions of Deployments are unknown: %s"
)

// A finding names the consent of a Rehoming. The command has a flag instead.
const (
	consentToScope = "consent ScopeUnscoped scopes it"
	flagToScope    = "--scope-unscoped scopes it"
)

// The errors of the commands.
const (
	problemNoInput             = `name the Backup: -f FILE, "-f -" for standard input, or backup/NAME`
	problemFileAndArguments    = "give -f or %q, not both"
	problemArgument            = "%q is no Backup of KubeBlocks: write backup/NAME"
	problemNoTarget            = "--to is required: the name of the cluster to restore"
	problemTarget              = "--to %q: %s"
	problemTargetNamespace     = "--to-namespace %q: %s"
	problemOutput              = "--output %q is none of %s"
	problemVersion             = "--kubeblocks %q is none of %s"
	problemVolumeRestorePolicy = "--volume-restore-policy %q is neither Parallel nor Serial"
	problemRestoreTime         = "--restore-time %q is not a time such as 2026-01-31T12:00:00Z"
	problemInvalidRule         = "%s: %s: %s"

	problemNotYAML         = "not YAML or JSON: %s"
	problemKeyTwice        = "line %d: the key %q is there twice"
	problemNotAnObject     = "not a Kubernetes object"
	problemTooLarge        = "%s: it is larger than %d MiB"
	problemEmpty           = "it is empty"
	problemNoBackup        = "neither a Backup nor a Cluster of KubeBlocks in it"
	problemOnlyOthers      = "neither a Backup nor a Cluster of KubeBlocks in it: %s"
	problemNoSuchBackup    = "no Backup %q in it, only %s"
	problemSeveralBackups  = "several Backups (%s): choose one with --backup, or --latest"
	problemSeveralSources  = "there are Backups of %d clusters: choose one with --backup"
	problemNoneCompleted   = "no Backup is Completed: choose one with --backup"
	problemSameTime        = "the Backups %s and %s have the same time: choose one with --backup"
	problemSeveralClusters = "several Clusters (%s): give one"
	problemNotABackup      = "%s: not a Backup: %w"
	problemBadBackup       = "%s: the Backup: %w"
	problemBadCluster      = "%s: the Cluster: %w"
	problemNoClusterName   = "%s: the Cluster has no name"
)
