package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Backup is what is known of the Backup to restore.
type Backup struct {
	Namespace, Name string
	Labels          map[string]string
	// Policy is the name of its BackupPolicy.
	Policy string
	// TargetLabels are those of the Pods that were backed up.
	TargetLabels []map[string]string
	// Phase is empty where it is not known.
	Phase string
	// HasPassword reports whether it holds an encrypted password.
	HasPassword bool
}

// specRestore is where KubeBlocks 1.2 keeps the reference.
const specRestore = "/spec/restore"

// reference returns the operation that makes KubeBlocks restore the Cluster.
func (in Input) reference() (patch.Operation, error) {
	reference := kubeblocks.RestoreReference{
		Backup:              types.NamespacedName{Namespace: in.Backup.Namespace, Name: in.Backup.Name},
		VolumeRestorePolicy: cmp.Or(in.VolumeRestorePolicy, kubeblocks.RestoreParallel),
		RestoreTime:         in.RestoreTime,
	}
	if in.Version.RestoresBySpec() {
		switch {
		case in.RestoreTime != "":
			return patch.Operation{}, errors.New(problemRestoreTime)
		case in.VolumeRestorePolicy != "":
			return patch.Operation{}, errors.New(problemVolumePolicy)
		}
		return patch.Add(specRestore, reference.Spec()), nil
	}
	var err error
	if reference.Components, err = in.BackedUp(); err != nil {
		return patch.Operation{}, err
	}
	value, err := reference.Annotation()
	return patch.Add(patch.AnnotationPath(kubeblocks.AnnotationRestoreFromBackup), value), err
}

// BackedUp returns the components and shardings that the Backup holds. KubeBlocks labels a Backup with one; a Backup that lost its
// labels shows it by its target or its policy.
func (in Input) BackedUp() ([]string, error) {
	exists := func(name string) bool {
		return slices.ContainsFunc(in.Source.Components, func(c rewrite.Component) bool { return c.Name == name })
	}
	if len(in.Components) > 0 {
		for _, name := range in.Components {
			if !exists(name) {
				return nil, fmt.Errorf(problemNoComponent, name)
			}
		}
		return in.Components, nil
	}
	for _, labels := range append([]map[string]string{in.Backup.Labels}, in.Backup.TargetLabels...) {
		if name := kubeblocks.ShortName(labels); exists(name) {
			return []string{name}, nil
		}
	}
	names := make([]string, 0, len(in.Source.Components))
	for _, component := range in.Source.Components {
		if in.Backup.Policy == kubeblocks.BackupPolicyOf(in.Source.Name, component.Name) {
			return []string{component.Name}, nil
		}
		names = append(names, component.Name)
	}
	if len(names) != 1 {
		return nil, fmt.Errorf(problemComponents, strings.Join(names, ", "))
	}
	return names, nil
}

// referencePaths lists where a Cluster names the data that it was restored from itself.
func referencePaths(cluster object) []string {
	var paths []string
	if _, ok := cluster.at("metadata", "annotations")[kubeblocks.AnnotationRestoreFromBackup]; ok {
		paths = append(paths, patch.AnnotationPath(kubeblocks.AnnotationRestoreFromBackup))
	}
	if _, ok := cluster.at("spec")["restore"]; ok {
		paths = append(paths, specRestore)
	}
	return paths
}

// oldReference reports the source's own references. They are never kept, because they restore other data, and can hold passwords.
func oldReference(cluster object, in Input) []rewrite.Finding {
	verdict := textOldReference
	if in.Backup == nil || in.NoRestore {
		verdict = textNoReference
	}
	paths := referencePaths(cluster)
	findings := make([]rewrite.Finding, 0, len(paths))
	for _, path := range paths {
		findings = append(findings, rewrite.Finding{Path: path, Class: Carried, Message: Describe(path) + " " + verdict})
	}
	return findings
}

// remarks are findings about the restore as a whole.
func (in Input) remarks() []rewrite.Finding {
	var findings []rewrite.Finding
	remark := func(class rewrite.Class, message string) {
		findings = append(findings, rewrite.Finding{Class: class, Message: message})
	}
	switch {
	case in.Backup == nil:
		remark(RestoresNothing, textBareCluster)
		return findings
	case in.NoRestore:
		remark(RestoresNothing, textRestoresNothing)
		return findings
	case in.Version.RestoresBySpec() && in.Target.Namespace != in.Backup.Namespace:
		remark(OtherNamespace, fmt.Sprintf(textOtherNamespace, in.Backup.Namespace, in.Target.Namespace))
	}
	if phase := in.Backup.Phase; phase != "" && phase != "Completed" && in.Backup.Labels[kubeblocks.LabelBackupType] != kubeblocks.BackupContinuous {
		remark(BackupNotCompleted, fmt.Sprintf(textNotCompleted, phase))
	}
	if in.Backup.HasPassword && !in.Version.RestoresBySpec() {
		remark(PasswordLeftOut, textPassword)
	}
	return findings
}
