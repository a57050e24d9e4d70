package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/assets"
	"github.com/rehome-operator/rehome/test/controlplane/progress"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
	"github.com/rehome-operator/rehome/test/e2e/kubeblocks"
	"github.com/rehome-operator/rehome/test/e2e/rehome"
)

const (
	source   = "my1"
	backup   = "bp1"
	restored = "carrot67"
	replicas = 3
)

// stepTimeout bounds every step but the builds. Each takes a tenth of it on two idle cores.
const stepTimeout = 2 * time.Minute

// demo is the demo on its way.
type demo struct {
	version kubeblocks.Version
	out     io.Writer
	steps   *progress.Reporter
	logs    string

	binary   string
	programs kubeblocks.Programs
	cp       *controlplane.ControlPlane
	env      *fixture.Env
	started  time.Time // of Rehome
}

// tell runs the demo. Its error says which step failed and where the logs are; without one, nothing is left behind.
func runDemo(ctx context.Context, version kubeblocks.Version, out io.Writer) (err error) {
	logs, err := os.MkdirTemp("", "rehome-demo-")
	if err != nil {
		return err
	}
	d := &demo{version: version, out: out, steps: progress.New(out), logs: logs}
	defer func() {
		err = d.end(err)
	}()
	if err := d.build(ctx); err != nil {
		return err
	}
	return d.run(ctx)
}

// end stops what runs. It keeps the logs only of a demo that failed.
func (d *demo) end(err error) error {
	if d.cp != nil {
		err = errors.Join(err, d.step(context.Background(), "Stop everything", func(context.Context) error { return d.cp.Stop() }))
	}
	if err != nil {
		return fmt.Errorf("%w\nThe logs are in %s", err, d.logs)
	}
	return os.RemoveAll(d.logs)
}

// build builds what is missing; the first time, that is most of it.
func (d *demo) build(ctx context.Context) error {
	d.sayf("A database cluster is restored by KubeBlocks %s from a backup, under a new name, while its source still runs.", d.version)
	d.sayf("Everything is real but the containers: kwok plays the nodes and says that Pods run. All of it is on 127.0.0.1.")
	d.sayf("What is missing is built first: about 15 minutes, once.\n")
	if _, err := assets.Build(ctx, d.steps); err != nil {
		return err
	}
	cache, err := kubeblocks.CacheDir()
	if err != nil {
		return err
	}
	if err := d.version.Build(ctx, cache, d.steps); err != nil {
		return err
	}
	if d.programs, err = d.version.Programs(cache); err != nil {
		return err
	}
	return d.steps.Step("rehome", func() error {
		d.binary, err = rehome.Build(ctx)
		return err
	})
}

// step is one step of the demo.
type step struct {
	name string
	run  func(*demo, context.Context) error
	show func(*demo, context.Context) error // what there is to see afterwards; may be nil
}

func (d *demo) run(ctx context.Context) error {
	for _, step := range []step{
		{"Start a control plane with three nodes", (*demo).startControlPlane, nil},
		{"Start KubeBlocks " + d.version.Name, (*demo).startKubeBlocks, nil},
		{"Create cluster " + source + ", three replicas, no two on one node", (*demo).createSource, (*demo).showSource},
		{"Back it up as " + backup, (*demo).backUp, nil},
		{"Restore " + backup + " as " + restored + ", without Rehome", (*demo).restore, (*demo).showUnschedulable},
		{"Start Rehome and wait until " + restored + " runs", (*demo).startRehome, (*demo).showResult},
	} {
		if err := d.step(ctx, step.name, func(ctx context.Context) error { return step.run(d, ctx) }); err != nil {
			return err
		}
		if step.show == nil {
			continue
		}
		if err := step.show(d, ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

func (d *demo) step(ctx context.Context, name string, work func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	err := d.steps.Step(name, func() error { return work(ctx) })
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (d *demo) startControlPlane(ctx context.Context) (err error) {
	d.cp, err = controlplane.Start(ctx, controlplane.Options{Nodes: fixture.Nodes(), LogDir: d.logs})
	return err
}

func (d *demo) startKubeBlocks(ctx context.Context) error {
	if err := d.version.Install(ctx, d.cp.Config()); err != nil {
		return err
	}
	_, err := kubeblocks.Start(ctx, d.cp, d.programs)
	return err
}

func (d *demo) createSource(ctx context.Context) (err error) {
	if d.env, err = fixture.New(d.cp.Config(), d.version); err != nil {
		return err
	}
	if err := d.env.Install(ctx); err != nil {
		return err
	}
	if err := d.env.CreateSource(ctx, fixture.Source{Name: source}); err != nil {
		return err
	}
	return d.env.WaitRunning(ctx, source)
}

func (d *demo) backUp(ctx context.Context) error {
	return d.env.Backup(ctx, source, backup)
}

// restore takes the path on which the version does nothing about the rules.
func (d *demo) restore(ctx context.Context) error {
	request := fixture.Request{Backup: backup, Cluster: restored, ByOpsRequest: !d.version.RewritesOpsRequest}
	if err := d.env.Restore(ctx, request); err != nil {
		return err
	}
	_, err := d.env.WaitRestorePodsUnschedulable(ctx, restored, replicas)
	return err
}

func (d *demo) startRehome(ctx context.Context) error {
	d.started = time.Now()
	if _, err := rehome.Start(ctx, d.cp, d.binary); err != nil {
		return err
	}
	return d.env.WaitRunning(ctx, restored)
}
