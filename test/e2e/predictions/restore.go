package predictions

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// atOnce is how many Backups are taken at the same time. Some wait in vain.
const atOnce = 16

// Restore creates generated Clusters, each in a namespace of its own, backs up those that run, and restores them. One that does not run has
// no Backup. log is called at the start of each step. shared counts the Backups that are not restored, because they are predicted to hang
// and their sources share nodes.
func Restore(ctx context.Context, env *fixture.Env, number int, log func(step string)) (cases []*Case, shared int, err error) {
	j, err := newJudge(ctx, env)
	if err != nil {
		return nil, 0, err
	}
	log(fmt.Sprintf("creating %d clusters", number))
	if cases, err = j.createAll(ctx, env, number, log); err != nil {
		return nil, 0, err
	}
	log(fmt.Sprintf("backing up %d clusters", len(cases)))
	if cases, err = backUp(ctx, cases, log); err != nil {
		return nil, 0, err
	}
	log("auditing and restoring the backups")
	backedUp := len(cases)
	if cases, err = j.auditAll(ctx, cases, log); err != nil {
		return nil, 0, err
	}
	return cases, backedUp - len(cases), restoreAll(ctx, cases)
}

// createAll returns the cases whose Cluster runs.
func (j judge) createAll(ctx context.Context, env *fixture.Env, number int, log func(step string)) ([]*Case, error) {
	cases, err := j.pick(env, number)
	if err != nil {
		return nil, err
	}
	for _, c := range cases {
		if err := c.create(ctx, env); err != nil {
			return nil, fmt.Errorf("create the cluster of seed %d: %w", c.Seed, err)
		}
	}
	err = waitEnded(ctx, cases, source, func(c *Case) *End { return &c.Source })
	return slices.DeleteFunc(cases, func(c *Case) bool {
		if !c.Source.Running {
			log(fmt.Sprintf("the cluster of seed %d does not run: %s", c.Seed, c.Source))
		}
		return !c.Source.Running
	}), err
}

// auditAll audits the Backups, and returns the cases whose sources are as an audit assumes: it judges the worst case, in which Pods of the
// source share no node.
func (j judge) auditAll(ctx context.Context, cases []*Case, log func(step string)) ([]*Case, error) {
	err := j.backups(ctx, cases)
	return slices.DeleteFunc(cases, func(c *Case) bool {
		share := err == nil && c.Hangs() && c.nodes < min(c.pods, j.nodes)
		if share {
			log(fmt.Sprintf("the Pods of seed %d share nodes by chance", c.Seed))
		}
		return share
	}), err
}

// restoreAll restores the Backups, and waits until each Cluster runs or hangs.
func restoreAll(ctx context.Context, cases []*Case) error {
	if err := forEach(ctx, cases, (*Case).restore); err != nil {
		return err
	}
	if err := waitEnded(ctx, cases, restored, func(c *Case) *End { return &c.Restored }); err != nil {
		return err
	}
	for _, c := range cases {
		if !c.Restored.Running && !c.Restored.hangs() {
			return fmt.Errorf("after %s, the restored cluster of seed %d %s", endTimeout, c.Seed, c.Restored)
		}
	}
	return nil
}

// backUp returns the cases whose Backup was completed. Rules of a source can keep the Pods of its backup away, too.
func backUp(ctx context.Context, cases []*Case, log func(step string)) ([]*Case, error) {
	err := forEach(ctx, cases, func(c *Case, ctx context.Context) error {
		c.problem = c.env.BackupComponent(ctx, source, c.component, backup)
		return ctx.Err()
	})
	return slices.DeleteFunc(cases, func(c *Case) bool {
		if c.problem != nil {
			log(fmt.Sprintf("the cluster of seed %d cannot be backed up: %s", c.Seed, c.problem))
		}
		return c.problem != nil
	}), err
}

func forEach(ctx context.Context, cases []*Case, do func(*Case, context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, c := range cases {
		group.Go(func() error {
			if err := do(c, ctx); err != nil {
				return fmt.Errorf("seed %d: %w", c.Seed, err)
			}
			return nil
		})
	}
	return group.Wait()
}
