package rewrite

import "k8s.io/apimachinery/pkg/types"

// LabelInstance is the label by which every Pod of a KubeBlocks cluster carries the cluster's name.
const LabelInstance = "app.kubernetes.io/instance"

// Identity is what tells one cluster from another.
type Identity struct {
	Namespace string
	Name      string
	// UID is empty where it is not known: a snapshot does not hold it.
	UID types.UID
}

// Source is a cluster whose rules were inherited: its identity, and the policies its Backup's snapshot holds.
type Source struct {
	Identity
	// Backup is the Backup that holds the snapshot, as "namespace/name".
	Backup   string
	Policies []Policy
}

// renamer answers what an identifying label value of the source becomes for the target.
type renamer struct {
	source, target Identity
}

// rename returns the target's value for a label of the source's Pods, and false where the value does not name the
// source, or where the two share it. Values are compared whole: my1 is not a prefix of anything.
func (r renamer) rename(key, value string) (string, bool) {
	if key == LabelInstance && value == r.source.Name && r.source.Name != r.target.Name {
		return r.target.Name, true
	}
	return "", false
}
