package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// The classes of findings about a Cluster to create.
const (
	// Carried fields belong to the source's life, not to the new Cluster's: they are left out.
	Carried rewrite.Class = "Carried"
	// NamesSource fields are no scheduling rules, and name the source: they are kept.
	NamesSource rewrite.Class = "NamesSource"
	// RestoresNothing says that KubeBlocks creates an empty database.
	RestoresNothing rewrite.Class = "RestoresNothing"
	// OtherNamespace says that KubeBlocks restores nothing across namespaces.
	OtherNamespace rewrite.Class = "OtherNamespace"
	// BackupNotCompleted says that KubeBlocks will not restore the Backup.
	BackupNotCompleted rewrite.Class = "BackupNotCompleted"
	// PasswordLeftOut says that a password of the Backup is not in the Cluster.
	PasswordLeftOut rewrite.Class = "PasswordLeftOut"
)

// Input is what a Cluster is made of.
type Input struct {
	// Snapshot is the source Cluster as JSON.
	Snapshot []byte
	Source   rewrite.Source
	// Backup is nil where the input is a Cluster.
	Backup *Backup
	Target rewrite.Identity
	// Edits are those of the scheduling rules.
	Edits []rewrite.Edit
	Options
}

// Options are the decisions of the user.
type Options struct {
	// Version is that of the KubeBlocks that restores.
	Version kubeblocks.Version
	// Components replace those that the Backup shows.
	Components []string
	// VolumeRestorePolicy is empty for Parallel.
	VolumeRestorePolicy kubeblocks.VolumeRestorePolicy
	// RestoreTime is the point in time to restore, in RFC 3339; empty for that of the Backup.
	RestoreTime string
	// NoRestore leaves out the reference to the Backup.
	NoRestore bool
	// Keep keeps what belongs to the source's life.
	Keep bool
}

// Findings returns what of a Cluster is not about its scheduling rules.
func Findings(in Input) ([]rewrite.Finding, error) {
	cluster, err := Decode(in.Snapshot)
	if err != nil {
		return nil, err
	}
	findings, _ := carried(cluster, in)
	findings = append(findings, oldReference(cluster, in)...)
	findings = append(findings, FieldsNaming(in.Source.Name, cluster)...)
	return append(findings, in.remarks()...), nil
}

// Make returns the Cluster to create, as JSON with the keys in the order of the snapshot.
func Make(in Input) ([]byte, error) {
	cluster, err := Decode(in.Snapshot)
	if err != nil {
		return nil, err
	}
	operations := patch.Edits(in.Edits)
	if !in.Keep {
		_, paths := carried(cluster, in)
		operations = append(operations, removals(paths)...)
	}
	if operations, err = in.identify(operations, cluster); err != nil {
		return nil, err
	}
	made, err := patch.ApplyCreating(in.Snapshot, operations)
	if err != nil {
		return nil, err
	}
	return withType(made, in.apiVersion(cluster))
}

// removals removes paths, the last element of a list first, so that each path is valid when its turn comes.
func removals(paths []string) []patch.Operation {
	operations := make([]patch.Operation, 0, len(paths))
	for _, path := range slices.Backward(paths) {
		operations = append(operations, patch.Remove(path))
	}
	return operations
}

// identify adds what gives the Cluster its name, and its reference to the Backup instead of the source's own.
func (in Input) identify(operations []patch.Operation, cluster object) ([]patch.Operation, error) {
	if err := in.check(cluster); err != nil {
		return nil, err
	}
	operations = append(operations, patch.Add("/metadata/name", in.Target.Name))
	if in.Target.Namespace != "" {
		operations = append(operations, patch.Add("/metadata/namespace", in.Target.Namespace))
	}
	for _, path := range referencePaths(cluster) {
		operations = append(operations, patch.Remove(path))
	}
	_, empty := in.lacked(cluster)
	operations = append(operations, removals(empty)...)
	if in.Version.NeedsMark() {
		operations = append(operations, patch.Add(patch.AnnotationPath(kubeblocks.AnnotationCRDAPIVersion), in.Version.Apps().String()))
	}
	if in.Backup == nil || in.NoRestore {
		return operations, nil
	}
	reference, err := in.reference()
	if err != nil {
		return nil, err
	}
	return append(operations, reference), nil
}

// check returns an error for a Cluster that the target's KubeBlocks does not take.
func (in Input) check(cluster object) error {
	if in.Version == "" {
		names := make([]string, 0, len(kubeblocks.Versions()))
		for _, v := range kubeblocks.Versions() {
			names = append(names, string(v))
		}
		return fmt.Errorf(problemUnknownTarget, strings.Join(names, ", "))
	}
	from := kubeblocks.VersionOfCluster(cluster)
	lacked, _ := in.lacked(cluster)
	switch isV1 := in.apiVersion(cluster) == kubeblocks.AppsV1.String(); {
	case len(lacked) > 0 && from == kubeblocks.V09 && isV1:
		return fmt.Errorf(problemLackedOf09, describeAll(lacked), in.Version)
	case len(lacked) > 0:
		return fmt.Errorf(problemLacked, in.Version, describeAll(lacked))
	case in.Version == kubeblocks.V09 && from != kubeblocks.V09 && from != "":
		return fmt.Errorf(problemServed, kubeblocks.AppsV1, in.Version)
	}
	return nil
}

// lacked returns the fields that the API server would drop from the Cluster to create, and those of them that hold nothing.
func (in Input) lacked(cluster object) (set, empty []string) {
	return in.Version.Lacks(in.apiVersion(cluster), cluster)
}

func describeAll(paths []string) string {
	names := make([]string, 0, len(paths))
	for _, path := range paths {
		names = append(names, Describe(path))
	}
	return strings.Join(names, ", ")
}

// apiVersion returns that of the snapshot, if the target's KubeBlocks serves it.
func (in Input) apiVersion(cluster object) string {
	if own := cluster.text("apiVersion"); in.Version.Serves(own) {
		return own
	}
	return in.Version.Apps().String()
}

// withType returns a Cluster that begins with apiVersion and kind. A snapshot has none.
func withType(cluster []byte, apiVersion string) ([]byte, error) {
	var meta map[string]json.RawMessage
	if err := json.Unmarshal(cluster, &meta); err != nil {
		return nil, err
	}
	var operations []patch.Operation
	for _, key := range []string{"apiVersion", "kind"} {
		if meta[key] != nil {
			operations = append(operations, patch.Remove("/"+key))
		}
	}
	cluster, err := patch.ApplyCreating(cluster, operations)
	if err != nil {
		return nil, err
	}
	members := bytes.TrimPrefix(bytes.TrimSpace(cluster), []byte("{"))
	return slices.Concat(fmt.Appendf(nil, `{"apiVersion":%q,"kind":"Cluster",`, apiVersion), members), nil
}
