// Package audit compares `rehome audit` with a client that only lists the same Backups.
package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
	"github.com/rehome-operator/rehome/test/bench/apiserver"
	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/table"
)

const (
	namespace = "audited"
	// nights is how many Backups of a source have the same snapshot.
	nights = 10
	// rounds is how often each program runs. The fastest counts.
	rounds = 3
	// writers limits the requests at once while Backups are created.
	writers = 16
)

// size is the number of Backups, the size of their snapshots, and how many of them a source has.
type size struct{ backups, bytes, nights int }

func (s size) String() string {
	text := fmt.Sprintf("%d Backups of %d KiB", s.backups, s.bytes>>10)
	if s.nights == 1 {
		text += ", each of another source"
	}
	return text
}

func sizes(smoke bool) []size {
	if smoke {
		return []size{{40, 32 << 10, nights}}
	}
	return []size{{1000, 32 << 10, nights}, {10_000, 32 << 10, nights}, {10_000, 32 << 10, 1}, {10_000, 250 << 10, nights}}
}

// Run is a bench.Benchmark.
func Run(ctx context.Context, o bench.Options) (rows []table.Row, err error) {
	for _, s := range sizes(o.Smoke) {
		more, err := measure(ctx, o, s)
		rows = append(rows, more...)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", s, err)
		}
	}
	return rows, nil
}

func measure(ctx context.Context, o bench.Options, s size) (rows []table.Row, err error) {
	server, err := apiserver.Start()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	o.Stepf("audit: write %s", s)
	if err := populate(ctx, server, s); err != nil {
		return nil, err
	}
	kubeconfig, err := server.Kubeconfig()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var audits, lists []run
	for range rounds {
		o.Stepf("audit: list and audit")
		listed, err := start(ctx, kubeconfig, self, listName)
		if err != nil {
			return nil, err
		}
		audited, err := start(ctx, kubeconfig, o.Rehome, "audit", "-A", "-o", "json", "--fail-on", "never", "--kubeblocks", "1.0")
		if err != nil {
			return nil, err
		}
		lists, audits = append(lists, listed), append(audits, audited)
	}
	fastest := func(runs []run) run { return slices.MinFunc(runs, func(a, b run) int { return int(a.took - b.took) }) }
	row := table.Row{Section: "Audit", What: s.String(), Against: "bare paged list of metadata"}
	duration, memory := row, row
	duration.What, duration.Unit, duration.Goal = row.What+": time", "s", "ratio <= 1.5"
	duration.Rehome, duration.Other = fastest(audits).took.Seconds(), fastest(lists).took.Seconds()
	memory.What, memory.Unit, memory.Goal = row.What+": peak memory", "MiB", "<= 150"
	memory.Rehome, memory.Other = fastest(audits).memory, fastest(lists).memory
	return []table.Row{duration, memory}, nil
}

// populate creates Backups of sources whose rules name them. A long field of the spec, which is in the snapshot, gives it its size.
func populate(ctx context.Context, server *apiserver.Server, s size) error {
	admin, err := client.New(server.Config(), client.Options{})
	if err != nil {
		return err
	}
	if err := admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for i := range s.backups {
		group.Go(func() error {
			source := fmt.Sprintf("db%05d", i/s.nights)
			cluster := rehometesting.MakeCluster(rehometesting.V10(), namespace, source).
				Component("mysql", rehometesting.Apart(source)).Obj()
			cluster.Object["spec"].(map[string]any)["padding"] = strings.Repeat("x", s.bytes-1<<10)
			return admin.Create(ctx, rehometesting.MakeBackup(namespace, fmt.Sprintf("%s-%d", source, i%s.nights)).Of(cluster).Obj())
		})
	}
	return group.Wait()
}

// run is what one run of a program took.
type run struct {
	took time.Duration
	// memory is the largest resident set, in MiB.
	memory float64
}

func start(ctx context.Context, kubeconfig, program string, args ...string) (run, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = []string{"KUBECONFIG=" + kubeconfig, "HOME=" + os.TempDir()}
	var failure strings.Builder
	cmd.Stderr = &failure
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return run{}, fmt.Errorf("%s: %w: %s", cmd, err, failure.String())
	}
	took := time.Since(began)
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return run{}, errors.New("the memory of a process is not known on this system")
	}
	return run{took, float64(usage.Maxrss) / 1024}, nil
}
