package cli

// The help texts of the commands.
const (
	rootShort    = "Rewrite the scheduling rules of database clusters that KubeBlocks restores"
	versionShort = "Print the version"

	rewriteUse   = "rewrite -f FILE --to NAME"
	rewriteShort = "Rewrite the scheduling rules in a Backup for another cluster"
	rewriteLong  = `Read the Cluster that a Backup holds, rewrite its scheduling rules for the cluster to restore, and print the result.
Nothing is read from or written to a Kubernetes cluster.

FILE is YAML or JSON, or "-" for standard input. It holds the Cluster, or one Backup: alone, in a List or among other
objects.

The exit status is 0. With "-o diff" it is 1 if there is a difference. It is 2 if the input is invalid.`
	rewriteExample = `  # What would change?
  kubectl get backup bp1 -o yaml | rehome rewrite -f - --to carrot67 -o diff

  # The Cluster to create, for a pipeline that restores by manifest
  rehome rewrite -f bp1.yaml --to carrot67 > carrot67.yaml`

	usageFilename       = `file with the Backup or its Cluster, "-" for standard input`
	usageTo             = "name of the cluster to restore"
	usageToNamespace    = "namespace of the cluster to restore (default: the source's)"
	usageOutput         = "one of %s"
	usageScopeUnscoped  = "add the target's name to inherited rules that name no cluster"
	usageIdentityLabels = "further label keys whose value is the name of a Pod's cluster"
)

// The errors of the commands.
const (
	problemNoFile          = `-f is required: the file with the Backup, "-" for standard input`
	problemNoTarget        = "--to is required: the name of the cluster to restore"
	problemTarget          = "--to %q: %s"
	problemTargetNamespace = "--to-namespace %q: %s"
	problemOutput          = "--output %q is none of %s"

	problemNotYAML         = "not YAML or JSON: %w"
	problemNotAnObject     = "%s: not a Kubernetes object"
	problemEmpty           = "it is empty"
	problemNoBackup        = "neither a Backup nor a Cluster in it"
	problemSeveralBackups  = "several Backups (%s): give one"
	problemSeveralClusters = "several Clusters (%s): give one"
	problemNotABackup      = "%s: not a Backup: %w"
	problemBadCluster      = "%s: the Cluster: %w"
	problemNoClusterName   = "%s: the Cluster has no name"
)
