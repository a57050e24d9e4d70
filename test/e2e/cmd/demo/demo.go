package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/progress"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
	"github.com/rehome-operator/rehome/test/e2e/kubeblocks"
	"github.com/rehome-operator/rehome/test/e2e/rehome"
)

const (
	source = "my1"
	backup = "bp1"
	target = "carrot67"
)

// stepTimeout bounds every step except the builds. Each takes a tenth of it on two idle cores.
const stepTimeout = 2 * time.Minute

// demo is a running demo.
type demo struct {
	version kubeblocks.Version
	// prevent says that Rehome is there, with its webhook, before the restore.
	prevent bool
	out     io.Writer
	// recorder also gets what out gets.
	recorder *recorder
	steps    *progress.Reporter
	temp     string

	assets   string // folder of the control plane's programs
	programs kubeblocks.Programs
	binary   string // Rehome
	cp       *controlplane.ControlPlane
	env      *fixture.Env
	started  time.Time // of Rehome
}

// options are the flags of the command.
type options struct {
	version kubeblocks.Version
	prevent bool
	// record is the file that the demo is recorded in, if it is not empty.
	record string
}

// runDemo runs the demo and removes all that it created. The error has the failed step and the folder of the logs, which is kept then.
func runDemo(ctx context.Context, o options, out io.Writer) (err error) {
	temp, err := os.MkdirTemp("", "rehome-demo-")
	if err != nil {
		return err
	}
	d := &demo{version: o.version, prevent: o.prevent, recorder: newRecorder(o.version), temp: temp}
	if o.record != "" {
		out = io.MultiWriter(out, d.recorder)
	}
	d.out, d.steps = out, progress.New(out)
	defer func() {
		err = d.stop(err)
	}()
	d.printf("KubeBlocks %s restores a database cluster from a backup under a new name, while the source still runs.", o.version)
	d.printf("The control plane, KubeBlocks and Rehome are real. kwok simulates the nodes, so no container runs. All listen on 127.0.0.1.")
	if err := d.build(ctx); err != nil {
		return err
	}
	d.recorder.start()
	if err := d.run(ctx); err != nil || o.record == "" {
		return err
	}
	return d.recorder.Recording.Write(o.record)
}

// stop stops the control plane and all that runs on it. It keeps only the logs of a failed demo.
func (d *demo) stop(err error) error {
	if d.cp != nil {
		err = errors.Join(err, d.step(context.Background(), "Stop everything", func(context.Context) error { return d.cp.Stop() }))
	}
	if _, noLogs := os.Stat(d.logs()); err == nil || noLogs != nil {
		return errors.Join(err, os.RemoveAll(d.temp))
	}
	return fmt.Errorf("%w\nThe logs are in %s", err, d.logs())
}

func (d *demo) logs() string { return filepath.Join(d.temp, "logs") }

// step is a step of the demo.
type step struct {
	name string
	run  func(*demo, context.Context) error
	show func(*demo, context.Context) error // prints the result; may be nil
}

// cure lets a restore hang and starts Rehome. See prevention for the other demo.
func (d *demo) cure() []step {
	return []step{
		{"Restore " + backup + " as " + target + ", without Rehome", (*demo).restoreStuck, (*demo).showUnschedulable},
		{"Start Rehome and wait until " + target + " is Running", (*demo).startRehome, (*demo).showResult},
	}
}

func (d *demo) run(ctx context.Context) error {
	steps := []step{
		{"Start a control plane with three nodes", (*demo).startControlPlane, nil},
		{"Start KubeBlocks " + d.version.Name, (*demo).startKubeBlocks, nil},
		{"Create cluster " + source + ", three replicas, each on a node of its own", (*demo).createSource, (*demo).showSource},
		{"Back it up as " + backup, (*demo).backUp, nil},
	}
	if d.prevent {
		steps = append(steps, d.prevention()...)
	} else {
		steps = append(steps, d.cure()...)
	}
	for _, step := range steps {
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
	d.cp, err = controlplane.Start(ctx, controlplane.Options{Assets: d.assets, Nodes: fixture.Nodes(), LogDir: d.logs()})
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

// restore restores on a path on which this KubeBlocks does not rewrite the rules.
func (d *demo) restore(ctx context.Context) error {
	request := fixture.Request{Backup: backup, Cluster: target, ByOpsRequest: !d.version.RewritesOpsRequest}
	return d.env.Restore(ctx, request)
}

func (d *demo) restoreStuck(ctx context.Context) error {
	if err := d.restore(ctx); err != nil {
		return err
	}
	_, err := d.env.WaitRestorePodsUnschedulable(ctx, target, fixture.Replicas)
	return err
}

func (d *demo) startRehome(ctx context.Context) error {
	d.started = time.Now()
	if _, err := rehome.Start(ctx, d.cp, d.binary); err != nil {
		return err
	}
	return d.env.WaitRunning(ctx, target)
}
