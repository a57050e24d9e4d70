package differential

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// Case is a shape, a Backup with its rules, and the Cluster that KubeBlocks restores from it.
type Case struct {
	Shape
	Backup *unstructured.Unstructured
	// Snapshot is the source in the Backup, Restored the Cluster. Both are JSON.
	Snapshot, Restored []byte

	// from is the namespace of the Backup, to that of the Cluster.
	from, to *fixture.Env
}

// Restore restores a backup of every shape. env has a Backup of a real source. Every shape has a namespace of its own, so that KubeBlocks
// restores all at once, and every Cluster has the same name. log is called at the start of each step.
func Restore(ctx context.Context, env *fixture.Env, shapes []Shape, log func(step string)) ([]*Case, error) {
	original, err := env.Snapshot(ctx, Backup)
	if err != nil {
		return nil, err
	}
	log("creating the backups")
	cases := make([]*Case, len(shapes))
	for i := range shapes {
		if cases[i], err = prepare(ctx, env, original, shapes[i]); err != nil {
			return nil, fmt.Errorf("prepare shape %s: %w", shapes[i].Name, err)
		}
	}
	// After all backups: KubeBlocks gives up a restore whose Backup is not in its cache yet.
	log("restoring the backups")
	for _, c := range cases {
		if err := c.to.Restore(ctx, fixture.Request{Backup: Backup, Cluster: Target, From: c.from, ByOpsRequest: true}); err != nil {
			return nil, fmt.Errorf("restore shape %s: %w", c.Name, err)
		}
	}
	log("reading the Clusters")
	for _, c := range cases {
		if err := c.readRestored(ctx); err != nil {
			return nil, fmt.Errorf("read shape %s: %w", c.Name, err)
		}
	}
	return cases, nil
}

// prepare creates the Backup of a shape.
func prepare(ctx context.Context, env *fixture.Env, original *unstructured.Unstructured, shape Shape) (*Case, error) {
	c := &Case{Shape: shape}
	var err error
	if c.from, err = env.In(ctx, shape.From); err != nil {
		return nil, err
	}
	if c.to, err = env.In(ctx, shape.To); err != nil {
		return nil, err
	}
	if c.Snapshot, err = shape.SnapshotLike(original); err != nil {
		return nil, err
	}
	c.Backup, err = c.from.CopyBackup(ctx, env, Backup, c.Snapshot)
	return c, err
}

// readRestored reads the Cluster as soon as it exists, and deletes it: its rules are final, and it need not run.
func (c *Case) readRestored(ctx context.Context) error {
	cluster, err := c.to.WaitClusterCreated(ctx, Target)
	if err != nil {
		return err
	}
	if c.Restored, err = json.Marshal(cluster); err != nil {
		return err
	}
	return c.to.DeleteCluster(ctx, Target)
}
