package predictions

import (
	"context"
	"fmt"

	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/testing/clusters"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// The names in each namespace.
const (
	source   = "my1"
	backup   = "bp1"
	restored = "carrot67"
)

// Case is a generated Cluster, its Backup, and the restore of the Backup.
type Case struct {
	Seed uint64
	// Way is the way to restore: the seeds alternate.
	Way     audit.Way
	Verdict *audit.Verdict
	// Source and Restored are how the two clusters ended.
	Source, Restored End

	env *fixture.Env
	// manifest is the Cluster, and component its first one, which is backed up.
	manifest  map[string]any
	component string
	// pods counts the Pods of the source, and nodes their nodes.
	pods, nodes int
	// problem is why there is no Backup.
	problem error
}

// newCase generates the Cluster of a seed. Every third one is restored by an OpsRequest.
func newCase(env *fixture.Env, seed uint64) *Case {
	c := &Case{Seed: seed, Way: audit.ByManifest}
	if seed%3 == 2 {
		c.Way = audit.ByOpsRequest
	}
	c.manifest = clusters.Generate(seed, clusters.Options{
		Version: versionOf(env), Namespace: c.namespace(), Name: source,
		Definition: fixture.ParallelDefinition, StorageClass: fixture.ClassName, Small: true,
	})
	c.component = fixture.FirstComponent(c.manifest)
	return c
}

func (c *Case) namespace() string { return fmt.Sprintf("seed-%d", c.Seed) }

// Hangs reports whether an audit predicts that the restore hangs.
func (c *Case) Hangs() bool { return c.Verdict.HangsOn(c.Way) }

// Agrees reports whether the restore ended as an audit of the Backup predicts.
func (c *Case) Agrees() bool { return c.Hangs() == !c.Restored.Running }

// hangsWithoutSource reports whether the restore is predicted to hang for one reason only: the source is gone.
func (c *Case) hangsWithoutSource() bool {
	for i := range c.Verdict.Findings {
		if f := &c.Verdict.Findings[i]; f.Outcome == audit.Hangs && f.On(c.Way) && f.Effect != audit.NeedsSource {
			return false
		}
	}
	return c.Hangs()
}

// String describes the case for the report of a failure.
func (c *Case) String() string {
	text := fmt.Sprintf("seed %d by %s: predicted to hang: %t (%s), but %s\n", c.Seed, c.Way, c.Hangs(), c.Verdict.Outcome, c.Restored)
	for i := range c.Verdict.Findings {
		f := &c.Verdict.Findings[i]
		text += fmt.Sprintf("\t%s %s %s %v %s: %s\n", f.Outcome, f.Class, f.Effect, f.Ways, f.Path, f.Rule)
	}
	return text
}

func (c *Case) create(ctx context.Context, env *fixture.Env) (err error) {
	if c.env, err = env.In(ctx, c.namespace()); err != nil {
		return err
	}
	if err := c.env.CreateStranger(ctx, clusters.Stranger); err != nil {
		return err
	}
	return c.env.CreateCluster(ctx, c.manifest)
}

// restore restores the Backup beside the source, unless only its absence is to show.
func (c *Case) restore(ctx context.Context) error {
	if c.hangsWithoutSource() {
		if err := c.env.DeleteClusterAndPods(ctx, source); err != nil {
			return err
		}
	}
	return c.env.Restore(ctx, fixture.Request{
		Backup: backup, Cluster: restored, Component: c.component, ByOpsRequest: c.Way == audit.ByOpsRequest,
	})
}
