package differential

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// Trial is a shape and what KubeBlocks made of it.
type Trial struct {
	Shape
	Backup *unstructured.Unstructured
	// Snapshot is the source in the Backup, Restored the Cluster that KubeBlocks created; both are JSON.
	Snapshot, Restored []byte

	// from has the Backup, to the Cluster restored from it.
	from, to *fixture.World
}

// Restore has KubeBlocks restore a backup of every shape. The world has a Backup of a real source. Every shape has a namespace of
// its own, so that KubeBlocks can work on all at once, and every copy can have the same name. Each step is told to log as it begins.
func Restore(ctx context.Context, world *fixture.World, shapes []Shape, log func(step string)) ([]*Trial, error) {
	original, err := world.Snapshot(ctx, Backup)
	if err != nil {
		return nil, err
	}
	log("writing the backups")
	trials := make([]*Trial, len(shapes))
	for i := range shapes {
		if trials[i], err = prepare(ctx, world, original, shapes[i]); err != nil {
			return nil, fmt.Errorf("prepare shape %s: %w", shapes[i].Name, err)
		}
	}
	// Not before all backups are written: KubeBlocks gives up a restore whose backup its cache does not hold yet.
	log("restoring them")
	for _, t := range trials {
		if err := t.to.RestoreFrom(ctx, t.from, Backup, Target); err != nil {
			return nil, fmt.Errorf("restore shape %s: %w", t.Name, err)
		}
	}
	log("reading what KubeBlocks makes of them")
	for _, t := range trials {
		if err := t.readRestored(ctx); err != nil {
			return nil, fmt.Errorf("read shape %s: %w", t.Name, err)
		}
	}
	return trials, nil
}

// prepare writes the backup of a shape.
func prepare(ctx context.Context, world *fixture.World, original *unstructured.Unstructured, about Shape) (*Trial, error) {
	t := &Trial{Shape: about}
	var err error
	if t.from, err = world.In(ctx, about.From); err != nil {
		return nil, err
	}
	if t.to, err = world.In(ctx, about.To); err != nil {
		return nil, err
	}
	if t.Snapshot, err = about.SnapshotLike(original); err != nil {
		return nil, err
	}
	t.Backup, err = t.from.CopyBackup(ctx, world, Backup, t.Snapshot)
	return t, err
}

// readRestored takes the Cluster as soon as there is one, and has it deleted: its rules are final, and it need not run.
func (t *Trial) readRestored(ctx context.Context) error {
	cluster, err := t.to.WaitRestoring(ctx, Target)
	if err != nil {
		return err
	}
	if t.Restored, err = json.Marshal(cluster); err != nil {
		return err
	}
	return t.to.DeleteCluster(ctx, Target)
}
