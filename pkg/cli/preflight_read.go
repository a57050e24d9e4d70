package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/placement"
)

// backupMethod says how the data of a Backup was saved.
type backupMethod struct {
	SnapshotVolumes bool `json:"snapshotVolumes"`
	// TargetVolumes are the volumes that the Backup holds.
	TargetVolumes *struct {
		Volumes      []string `json:"volumes"`
		VolumeMounts []struct {
			Name string `json:"name"`
		} `json:"volumeMounts"`
	} `json:"targetVolumes"`
	ActionSetName string `json:"actionSetName"`
}

// volumes lists the volumes that a Backup holds; nil where that is not known. unprepared says that no Pods write them: then the Backup
// holds none, or snapshots of volumes.
func (b *backup) volumes() (names []string, unprepared bool) {
	method := b.Status.BackupMethod
	switch {
	case method == nil:
		return nil, false
	case method.TargetVolumes == nil, method.SnapshotVolumes && method.ActionSetName == "":
		return nil, true
	}
	names = append([]string{}, method.TargetVolumes.Volumes...)
	for _, mount := range method.TargetVolumes.VolumeMounts {
		names = append(names, mount.Name)
	}
	return names, false
}

// backup reads one Backup, by its name or by its namespace and name.
func (c *cluster) backup(ctx context.Context, name string) (documents, error) {
	client, err := c.dynamicClient()
	if err != nil {
		return documents{}, err
	}
	namespace, err := c.namespace()
	if err != nil {
		return documents{}, err
	}
	if of, rest, ok := strings.Cut(name, "/"); ok {
		namespace, name = of, rest
	}
	reader := client.Resource(kubeblocks.DataProtectionV1alpha1.WithResource("backups")).Namespace(namespace)
	object, err := reader.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return documents{}, reachError(err)
	}
	var found documents
	return found, found.addLive(object)
}

// target finds out whether the Cluster to restore exists, and how it is to be created.
func (o *preflightOptions) target(ctx context.Context, clusters []document, in *placement.PreflightInput) error {
	if err := targetOfFiles(clusters, in); err != nil {
		return err
	}
	target := in.Manifest.Target
	if len(o.files) > 0 {
		return nil
	}
	client, err := o.cluster.dynamicClient()
	if err != nil {
		return err
	}
	reader := client.Resource(in.Manifest.Version.Apps().WithResource("clusters")).Namespace(target.Namespace)
	switch _, err = reader.Get(ctx, target.Name, metav1.GetOptions{}); {
	case err == nil:
		in.Existing = true
	case apierrors.IsForbidden(err):
		in.Unread = append(in.Unread, oneLine(err))
	case !apierrors.IsNotFound(err):
		return err
	}
	return nil
}

// targetOfFiles looks for the Cluster to restore in files. One that has a UID was read from an API server.
func targetOfFiles(clusters []document, in *placement.PreflightInput) error {
	target := in.Manifest.Target
	for _, d := range clusters {
		if d.Metadata.Name != target.Name || d.Metadata.Namespace != "" && d.Metadata.Namespace != target.Namespace {
			continue
		}
		var c kubeblocks.Cluster
		err := d.err
		if err == nil && json.Unmarshal(d.raw, &c) != nil {
			err = errors.New(problemNotAnObject)
		}
		switch {
		case err != nil:
			return fmt.Errorf(problemBadCluster, d.where, err)
		case c.UID != "":
			in.Existing = true
		default:
			in.Given = &c
		}
	}
	return nil
}
