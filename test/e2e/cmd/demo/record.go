package main

import (
	"bytes"
	"context"
	"strings"
	"time"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
	"github.com/rehome-operator/rehome/test/e2e/kubeblocks"
	"github.com/rehome-operator/rehome/test/e2e/pictures"
)

// recorder records a demo, from its first line after the builds, for the pictures of the README.
type recorder struct {
	pictures.Recording
	started time.Time
	partial []byte // of the last line
}

func newRecorder(version kubeblocks.Version) *recorder {
	r := &recorder{Recording: pictures.Recording{KubeBlocks: version.Name, Source: source, Target: target}}
	for _, node := range fixture.Nodes() {
		r.Nodes = append(r.Nodes, node.Name)
	}
	return r
}

// start begins the recording.
func (r *recorder) start() { r.started = time.Now() }

// Write records the lines that are printed. That a step has started is no line: the one at its end replaces it on a terminal.
func (r *recorder) Write(p []byte) (int, error) {
	r.partial = append(r.partial, p...)
	for {
		line, rest, complete := bytes.Cut(r.partial, []byte("\n"))
		if !complete {
			return len(p), nil
		}
		r.partial = rest
		if !r.started.IsZero() && !strings.HasSuffix(string(line), ": started") {
			r.AddLine(string(line), time.Since(r.started))
		}
	}
}

// recordBefore records where the Pods are while the restore is stuck.
func (d *demo) recordBefore(ctx context.Context) error {
	pods, err := d.env.RestorePods(ctx, target)
	if err != nil {
		return err
	}
	d.recorder.Before, err = d.recordSource(ctx)
	d.recorder.Before = append(d.recorder.Before, pictures.Pods(target, pods)...)
	return err
}

// recordAfter records where the Pods are in the end.
func (d *demo) recordAfter(ctx context.Context) error {
	pods, err := d.env.DatabasePods(ctx, target)
	if err != nil {
		return err
	}
	d.recorder.After, err = d.recordSource(ctx)
	d.recorder.After = append(d.recorder.After, pictures.Pods(target, pods)...)
	return err
}

func (d *demo) recordSource(ctx context.Context) ([]pictures.Pod, error) {
	pods, err := d.env.DatabasePods(ctx, source)
	return pictures.Pods(source, pods), err
}
