package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/manifest"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// snapshot is the Cluster that a Backup holds, or a Cluster by itself.
type snapshot struct {
	raw    []byte // the Cluster as JSON
	source rewrite.Source
	// backup is nil for a Cluster by itself.
	backup *manifest.Backup
}

// backup is the part of a Backup that says what it holds and whether it can be restored.
type backup struct {
	kubeblocks.Backup
	Spec struct {
		BackupPolicyName string `json:"backupPolicyName"`
	} `json:"spec"`
	Status struct {
		Phase               string       `json:"phase"`
		CompletionTimestamp *metav1.Time `json:"completionTimestamp"`
		Target              *target      `json:"target"`
		Targets             []target     `json:"targets"`
		// BackupMethod is nil where it is not known.
		BackupMethod *backupMethod `json:"backupMethod"`
	} `json:"status"`
	where string
}

// target is what was backed up.
type target struct {
	PodSelector struct {
		MatchLabels map[string]string `json:"matchLabels"`
	} `json:"podSelector"`
}

// choice says which Backup of several is meant.
type choice struct {
	// name is that of a Backup, alone or after its namespace and a slash.
	name string
	// latest is the newest that is Completed.
	latest bool
}

// findSnapshot returns the snapshot of the chosen Backup, or of the only one, or else the only Cluster.
func (c choice) findSnapshot(found documents) (snapshot, error) {
	if len(found.backups) == 0 && c == (choice{}) && len(found.clusters) > 0 {
		clusters := likeliest(found.clusters)
		if len(clusters) > 1 {
			return snapshot{}, fmt.Errorf(problemSeveralClusters, names(clusters))
		}
		return bareSnapshot(clusters[0])
	}
	if len(found.backups) == 0 {
		return snapshot{}, nothingFound(found)
	}
	chosen, err := c.choose(found.backups)
	if err != nil {
		return snapshot{}, err
	}
	return chosen.snapshot()
}

// likeliest returns the documents of kind Cluster, or else those with a name, or else all: what has a spec and no kind need not be a
// Cluster.
func likeliest(clusters []document) []document {
	for _, isLess := range []func(document) bool{
		func(d document) bool { return d.Kind == "" },
		func(d document) bool { return d.Metadata.Name == "" },
	} {
		if kept := slices.DeleteFunc(slices.Clone(clusters), isLess); len(kept) > 0 {
			return kept
		}
	}
	return clusters
}

// nothingFound says why an input has no Backup.
func nothingFound(found documents) error {
	switch {
	case len(found.problems) > 0:
		return found.problems[0]
	case len(found.others) > 0:
		return fmt.Errorf(problemOnlyOthers, strings.Join(found.others, ", "))
	case found.empty:
		return errors.New(problemEmpty)
	}
	return errors.New(problemNoBackup)
}

func names(documents []document) string {
	list := make([]string, 0, len(documents))
	for _, d := range documents {
		list = append(list, d.Metadata.Name)
	}
	return strings.Join(list, ", ")
}

// choose returns the one Backup that is meant.
func (c choice) choose(documents []document) (*backup, error) {
	candidates := slices.DeleteFunc(slices.Clone(documents), func(d document) bool {
		return c.name != "" && c.name != d.Metadata.Name && c.name != d.Metadata.Namespace+"/"+d.Metadata.Name
	})
	switch {
	case len(candidates) == 0:
		return nil, fmt.Errorf(problemNoSuchBackup, c.name, names(documents))
	case c.latest:
		return latest(candidates)
	case len(candidates) > 1:
		return nil, fmt.Errorf(problemSeveralBackups, names(candidates))
	}
	return decodeBackup(candidates[0])
}

// latest returns the newest Completed Backup. All have to be of one cluster.
func latest(documents []document) (*backup, error) {
	newest := make([]*backup, 0, len(documents))
	sources := map[string]bool{}
	for _, d := range documents {
		b, err := decodeBackup(d)
		if err != nil {
			return nil, err
		}
		sources[b.Namespace+"/"+b.Labels[kubeblocks.LabelInstance]] = true
		switch {
		case b.Status.Phase != "Completed":
		case len(newest) == 0 || b.completed().After(newest[0].completed()):
			newest = append(newest[:0], b)
		case b.completed().Equal(newest[0].completed()):
			newest = append(newest, b)
		}
	}
	switch {
	case len(sources) > 1:
		return nil, fmt.Errorf(problemSeveralSources, len(sources))
	case len(newest) == 0:
		return nil, errors.New(problemNoneCompleted)
	case len(newest) > 1:
		return nil, fmt.Errorf(problemSameTime, newest[0].Name, newest[1].Name)
	}
	return newest[0], nil
}

func decodeBackup(d document) (*backup, error) {
	if d.err != nil {
		return nil, fmt.Errorf(problemBadBackup, d.where, d.err)
	}
	b := &backup{where: d.where}
	if err := json.Unmarshal(d.raw, b); err != nil {
		return nil, fmt.Errorf(problemNotABackup, d.where, err)
	}
	return b, nil
}

// completed is when the Backup was completed, or created where that is not recorded.
func (b *backup) completed() time.Time {
	if b.Status.CompletionTimestamp != nil {
		return b.Status.CompletionTimestamp.Time
	}
	return b.CreationTimestamp.Time
}

func (b *backup) snapshot() (snapshot, error) {
	source, err := kubeblocks.SourceOf(&b.Backup)
	if err != nil {
		return snapshot{}, fmt.Errorf("%s: %w", b.where, err)
	}
	known := &manifest.Backup{
		Namespace: b.Namespace, Name: b.Name, Labels: b.Labels,
		Policy: b.Spec.BackupPolicyName, Phase: b.Status.Phase, HasPassword: b.Annotations[kubeblocks.AnnotationConnectionPassword] != "",
	}
	targets := b.Status.Targets
	if b.Status.Target != nil {
		targets = append(targets, *b.Status.Target)
	}
	for _, t := range targets {
		known.TargetLabels = append(known.TargetLabels, t.PodSelector.MatchLabels)
	}
	return snapshot{raw: []byte(b.Annotations[kubeblocks.AnnotationClusterSnapshot]), source: source, backup: known}, nil
}

func bareSnapshot(d document) (snapshot, error) {
	if d.err != nil {
		return snapshot{}, fmt.Errorf(problemBadCluster, d.where, d.err)
	}
	source, err := kubeblocks.SourceOfSnapshot(d.raw)
	if err != nil {
		return snapshot{}, fmt.Errorf(problemBadCluster, d.where, err)
	}
	if source.Name == "" {
		return snapshot{}, fmt.Errorf(problemNoClusterName, d.where)
	}
	return snapshot{raw: d.raw, source: source}, nil
}
