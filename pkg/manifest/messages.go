package manifest

// The texts of findings. Each continues the description of a field.
const (
	textDropped        = " belongs to the source's life: left out"
	textKept           = " belongs to the source's life: kept"
	textOldReference   = "names the data that the source was restored from: replaced"
	textNoReference    = "names the data that the source was restored from: left out"
	textNamesSource    = " names the source %s: kept"
	textLegacyLocation = " ties Pods to the source's nodes or zones: kept"

	textRestoresNothing = "this Cluster restores nothing: KubeBlocks creates an empty database"
	textBareCluster     = "the input holds no Backup, so this Cluster restores nothing: KubeBlocks creates an empty database"
	textNotCompleted    = "the Backup is %s, and KubeBlocks restores only what is Completed"
	textOtherNamespace  = "KubeBlocks 1.2 restores nothing from namespace %s into %s, unless the API server has the feature gate CrossNamespaceVolumeDataSource"
	textPassword        = "the Backup holds an encrypted password, which is left out: an OpsRequest of type Restore passes it on"
)

// The errors of a Cluster that cannot be made.
const (
	problemComponents    = "cannot tell which of the components (%s) the Backup holds: give --component"
	problemNoComponent   = "the Cluster has no component %q"
	problemServed        = "the Cluster is of %s, which KubeBlocks %s does not serve"
	problemLacked        = "the Cluster has fields that KubeBlocks %s lacks: %s"
	problemLackedOf09    = "the Cluster is of KubeBlocks 0.9, with fields that %[2]s lacks: %[1]s. Print it with --kubeblocks 0.9 and replace them by hand"
	problemRestoreTime   = "--restore-time is not supported for KubeBlocks 1.2"
	problemVolumePolicy  = "--volume-restore-policy has no effect in KubeBlocks 1.2"
	problemUnknownTarget = "cannot tell which KubeBlocks restores the Cluster: give --kubeblocks (%s)"
)
