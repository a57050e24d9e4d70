package sources

const (
	// textInvalidMode is the message of a Namespace whose annotation is wrong.
	textInvalidMode = "Annotation %s of Namespace %s %w. Nothing is changed until it is corrected."
	// textNoBackup and textElsewhere follow the name of a Backup.
	textNoBackup  = "is not the name of a Backup"
	textElsewhere = "is in another Namespace, and crossNamespaceBackups is false"
)
