package differential

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// Case is a shape and what KubeBlocks made of it.
type Case struct {
	Shape
	Backup *unstructured.Unstructured
	// Snapshot is the source in the Backup, Restored the Cluster that KubeBlocks created; both are JSON.
	Snapshot, Restored []byte

	// from has the Backup, to the Cluster restored from it.
	from, to *fixture.Env
}

// Restore has KubeBlocks restore a backup of every shape. The env has a Backup of a real source. Every shape has a namespace of
// its own, so that KubeBlocks can work on all at once, and every copy can have the same name. Each step is told to log as it begins.
func Restore(ctx context.Context, env *fixture.Env, shapes []Shape, log func(step string)) ([]*Case, error) {
	original, err := env.Snapshot(ctx, Backup)
	if err != nil {
		return nil, err
	}
	log("writing the backups")
	cases := make([]*Case, len(shapes))
	for i := range shapes {
		if cases[i], err = prepare(ctx, env, original, shapes[i]); err != nil {
			return nil, fmt.Errorf("prepare shape %s: %w", shapes[i].Name, err)
		}
	}
	// Not before all backups are written: KubeBlocks gives up a restore whose backup its cache does not hold yet.
	log("restoring them")
	for _, c := range cases {
		if err := c.to.RestoreFrom(ctx, c.from, Backup, Target); err != nil {
			return nil, fmt.Errorf("restore shape %s: %w", c.Name, err)
		}
	}
	log("reading what KubeBlocks makes of them")
	for _, c := range cases {
		if err := c.readRestored(ctx); err != nil {
			return nil, fmt.Errorf("read shape %s: %w", c.Name, err)
		}
	}
	return cases, nil
}

// prepare writes the backup of a shape.
func prepare(ctx context.Context, env *fixture.Env, original *unstructured.Unstructured, about Shape) (*Case, error) {
	c := &Case{Shape: about}
	var err error
	if c.from, err = env.In(ctx, about.From); err != nil {
		return nil, err
	}
	if c.to, err = env.In(ctx, about.To); err != nil {
		return nil, err
	}
	if c.Snapshot, err = about.SnapshotLike(original); err != nil {
		return nil, err
	}
	c.Backup, err = c.from.CopyBackup(ctx, env, Backup, c.Snapshot)
	return c, err
}

// readRestored takes the Cluster as soon as there is one, and has it deleted: its rules are final, and it need not run.
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
