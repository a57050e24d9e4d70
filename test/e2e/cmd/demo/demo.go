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

// story is the demo on its way.
type story struct {
	version kubeblocks.Version
	out     io.Writer
	steps   *progress.Reporter
	logs    string

	binary   string
	programs kubeblocks.Programs
	cp       *controlplane.ControlPlane
	world    *fixture.World
	started  time.Time // of Rehome
}

// tell runs the demo. Its error says which step failed and where the logs are; without one, nothing is left behind.
func tell(ctx context.Context, version kubeblocks.Version, out io.Writer) (err error) {
	logs, err := os.MkdirTemp("", "rehome-demo-")
	if err != nil {
		return err
	}
	s := &story{version: version, out: out, steps: progress.New(out), logs: logs}
	defer func() {
		err = s.end(err)
	}()
	if err := s.build(ctx); err != nil {
		return err
	}
	return s.play(ctx)
}

// end stops what runs. It keeps the logs only of a demo that failed.
func (s *story) end(err error) error {
	if s.cp != nil {
		err = errors.Join(err, s.step(context.Background(), "Stop everything", func(context.Context) error { return s.cp.Stop() }))
	}
	if err != nil {
		return fmt.Errorf("%w\nThe logs are in %s", err, s.logs)
	}
	return os.RemoveAll(s.logs)
}

// build builds what is missing; the first time, that is most of it.
func (s *story) build(ctx context.Context) error {
	s.sayf("A database cluster is restored by KubeBlocks %s from a backup, under a new name, while its source still runs.", s.version)
	s.sayf("Everything is real but the containers: kwok plays the nodes and says that Pods run. All of it is on 127.0.0.1.")
	s.sayf("What is missing is built first: about 15 minutes, once.\n")
	if _, err := assets.Build(ctx, s.steps); err != nil {
		return err
	}
	cache, err := kubeblocks.CacheDir()
	if err != nil {
		return err
	}
	if err := s.version.Build(ctx, cache, s.steps); err != nil {
		return err
	}
	if s.programs, err = s.version.Programs(cache); err != nil {
		return err
	}
	return s.steps.Step("rehome", func() error {
		s.binary, err = rehome.Build(ctx)
		return err
	})
}

// scene is one step of the story.
type scene struct {
	name string
	play func(*story, context.Context) error
	show func(*story, context.Context) error // what there is to see afterwards; may be nil
}

func (s *story) play(ctx context.Context) error {
	for _, scene := range []scene{
		{"Start a control plane with three nodes", (*story).startControlPlane, nil},
		{"Start KubeBlocks " + s.version.Name, (*story).startKubeBlocks, nil},
		{"Create cluster " + source + ", three replicas, no two on one node", (*story).createSource, (*story).showSource},
		{"Back it up as " + backup, (*story).backUp, nil},
		{"Restore " + backup + " as " + restored + ", without Rehome", (*story).restore, (*story).showHang},
		{"Start Rehome and wait until " + restored + " runs", (*story).cure, (*story).showCure},
	} {
		if err := s.step(ctx, scene.name, func(ctx context.Context) error { return scene.play(s, ctx) }); err != nil {
			return err
		}
		if scene.show == nil {
			continue
		}
		if err := scene.show(s, ctx); err != nil {
			return fmt.Errorf("%s: %w", scene.name, err)
		}
	}
	return nil
}

func (s *story) step(ctx context.Context, name string, work func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	err := s.steps.Step(name, func() error { return work(ctx) })
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (s *story) startControlPlane(ctx context.Context) (err error) {
	s.cp, err = controlplane.Start(ctx, controlplane.Options{Nodes: fixture.Nodes(), LogDir: s.logs})
	return err
}

func (s *story) startKubeBlocks(ctx context.Context) error {
	if err := s.version.Install(ctx, s.cp.Config()); err != nil {
		return err
	}
	_, err := kubeblocks.Start(ctx, s.cp, s.programs)
	return err
}

func (s *story) createSource(ctx context.Context) (err error) {
	if s.world, err = fixture.New(s.cp.Config(), s.version); err != nil {
		return err
	}
	if err := s.world.Install(ctx); err != nil {
		return err
	}
	if err := s.world.CreateSource(ctx, fixture.Source{Name: source}); err != nil {
		return err
	}
	return s.world.WaitRunning(ctx, source)
}

func (s *story) backUp(ctx context.Context) error {
	return s.world.Backup(ctx, source, backup)
}

// restore takes the path on which the version does nothing about the rules.
func (s *story) restore(ctx context.Context) error {
	start := s.world.RestoreByAnnotation
	if s.version.Name == "v0.9.3" {
		start = s.world.RestoreByOpsRequest
	}
	if err := start(ctx, backup, restored); err != nil {
		return err
	}
	_, err := s.world.WaitHung(ctx, restored, replicas)
	return err
}

func (s *story) cure(ctx context.Context) error {
	s.started = time.Now()
	if _, err := rehome.Start(ctx, s.cp, s.binary); err != nil {
		return err
	}
	return s.world.WaitRunning(ctx, restored)
}
