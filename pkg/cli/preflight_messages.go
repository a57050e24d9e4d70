package cli

// The texts of `rehome preflight`.
const (
	preflightLong = `Place the Pods of a restore with kube-scheduler's own rules, without creating anything: as KubeBlocks restores the Backup
alone, and as Rehome rewrites it. Check the Backup, the names, the storage classes and the quotas, too. Nothing is written or reserved.

With -f, everything is read from files: a folder of "kubectl get -o yaml" of the Backup, nodes, pods, namespaces,
persistentvolumeclaims, persistentvolumes, storageclasses, csinodes and resourcequotas.

The exit status is 0 if the restore fits, 1 if it does not, and 2 if that cannot be told.`
	preflightExample = `  # Would bp1 fit as carrot67?
  kubectl rehome preflight bp1 --to carrot67

  # And with two more nodes?
  kubectl rehome preflight bp1 --to carrot67 --add-nodes 2,cpu=8,memory=32Gi,zone=b

  # As a page to pass on
  kubectl rehome preflight bp1 --to carrot67 -o html > preflight.html`

	usagePreflightFilename = "file, folder or URL to read instead of the API server"
	usageNodes             = "file or folder with nodes to add; one of the same name is replaced"
	usageAddNodes          = "nodes to add, as 2,cpu=8,memory=32Gi,zone=b"
)

// The errors of `rehome preflight`.
const (
	problemUnknownVersion = "cannot tell which KubeBlocks restores the Cluster: give --kubeblocks (%s)"
	problemAddNodes       = "--add-nodes %q: %w"
)
