package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// snapshot is the Cluster that a Backup holds.
type snapshot struct {
	raw    []byte // the Cluster as JSON
	source rewrite.Source
}

// findSnapshot returns the snapshot of the only Backup in an input, or else its only Cluster.
func findSnapshot(documents []document) (snapshot, error) {
	var backups, clusters []document
	for _, d := range documents {
		switch {
		case d.Kind == "Backup":
			backups = append(backups, d)
		case d.Kind == "Cluster", d.Kind == "" && d.Spec != nil:
			clusters = append(clusters, d)
		}
	}
	switch {
	case len(backups) > 1:
		return snapshot{}, fmt.Errorf(problemSeveralBackups, names(backups))
	case len(backups) == 1:
		return snapshotOfBackup(backups[0])
	case len(clusters) > 1:
		return snapshot{}, fmt.Errorf(problemSeveralClusters, names(clusters))
	case len(clusters) == 1:
		return bareSnapshot(clusters[0])
	case len(documents) == 0:
		return snapshot{}, errors.New(problemEmpty)
	default:
		return snapshot{}, errors.New(problemNoBackup)
	}
}

func names(documents []document) string {
	list := make([]string, 0, len(documents))
	for _, d := range documents {
		list = append(list, d.Metadata.Name)
	}
	return strings.Join(list, ", ")
}

func snapshotOfBackup(d document) (snapshot, error) {
	var backup kubeblocks.Backup
	if err := json.Unmarshal(d.raw, &backup); err != nil {
		return snapshot{}, fmt.Errorf(problemNotABackup, d.where, err)
	}
	source, err := kubeblocks.SourceOf(&backup)
	if err != nil {
		return snapshot{}, fmt.Errorf("%s: %w", d.where, err)
	}
	return snapshot{raw: []byte(backup.Annotations[kubeblocks.AnnotationClusterSnapshot]), source: source}, nil
}

func bareSnapshot(d document) (snapshot, error) {
	source, err := kubeblocks.SourceOfSnapshot(d.raw)
	if err != nil {
		return snapshot{}, fmt.Errorf(problemBadCluster, d.where, err)
	}
	if source.Name == "" {
		return snapshot{}, fmt.Errorf(problemNoClusterName, d.where)
	}
	return snapshot{raw: d.raw, source: source}, nil
}
