package unblock

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/table"
	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/e2e/rehome"
)

// way is how restores are prevented from being stuck.
type way struct {
	name string
	// neutral restores rules that never named anybody.
	neutral bool
	// webhook runs Rehome with its webhook.
	webhook bool
}

var (
	prevented      = way{name: "the webhook", webhook: true}
	neutral        = way{name: "rules that name nobody", neutral: true, webhook: true}
	neutralWithout = way{name: "rules that name nobody, without Rehome", neutral: true}
)

// preventedResult is what one way's rounds took.
type preventedResult struct {
	span     time.Duration
	stuck    int
	requests usage
}

// RunPrevented is a bench.Benchmark. It creates many restores at once beside the webhook, and measures the time until all their Pods
// are bound, and Rehome's requests. The same restores from a Backup whose rules never named anybody take the time that is due.
func RunPrevented(ctx context.Context, o bench.Options) ([]table.Row, error) {
	restores, nodes, rounds := 1000, allNodes, 2
	if o.Smoke {
		restores, nodes, rounds = 8, smokeNodes, 1
	}
	results := map[way]preventedResult{}
	for range rounds {
		for _, w := range []way{neutralWithout, neutral, prevented} {
			o.Stepf("admission: %d restores at once, %s", restores, w.name)
			measured, err := w.round(ctx, o, restores, nodes)
			if err != nil {
				return nil, fmt.Errorf("%d restores, %s: %w", restores, w.name, err)
			}
			o.Stepf("admission: all bound after %s, %d were stuck", measured.span, measured.stuck)
			r := results[w]
			r.span, r.stuck, r.requests = r.span+measured.span, r.stuck+measured.stuck, r.requests.plus(measured.requests)
			results[w] = r
		}
	}
	return preventedRows(results, restores, rounds), nil
}

// round restores in an environment of its own, and returns when all Pods are bound and Rehome is at rest.
func (w way) round(ctx context.Context, o bench.Options, restores, nodes int) (r preventedResult, err error) {
	started, err := startFake(nodes, 1)(ctx)
	if err != nil {
		return r, err
	}
	e := started.(*fakeEnv)
	defer func() { err = errors.Join(err, e.stop()) }()
	e.neutral = w.neutral
	ns, err := e.newNamespace(ctx, 0)
	if err != nil {
		return r, err
	}
	if err := ns.enable(ctx); err != nil {
		return r, err
	}
	names := make([]string, restores)
	for i := range names {
		names[i] = fmt.Sprintf("kiwi%d", i)
	}
	if !w.webhook {
		return restoreAtOnce(ctx, ns, names)
	}
	program, err := startWithWebhook(ctx, o, e.plane)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, program.Stop()) }()
	before, err := usageAtRest(ctx, program)
	if err != nil {
		return r, err
	}
	if r, err = restoreAtOnce(ctx, ns, names); err != nil {
		return r, err
	}
	after, err := usageAtRest(ctx, program)
	r.requests = after.minus(before)
	return r, err
}

// restoreAtOnce creates the restores, and returns when all their Pods are bound and nothing of them runs.
func restoreAtOnce(ctx context.Context, ns namespace, names []string) (r preventedResult, err error) {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	t, err := startTracker(watching, ns.controlPlane().Config(), ns.name(), names, 1)
	if err != nil {
		return r, err
	}
	begun := time.Now()
	if err := restoreAll(ctx, ns, names); err != nil {
		return r, err
	}
	if err := t.wait(ctx, roundTimeout, "scheduled", isScheduled); err != nil {
		return r, err
	}
	r.span = t.since(begun).span
	unstuck, _ := t.count(isStuck)
	r.stuck = len(names) - unstuck
	return r, ns.finish(ctx, names)
}

// startWithWebhook starts Rehome with its webhook, and with limits that are never reached.
func startWithWebhook(ctx context.Context, o bench.Options, plane *controlplane.ControlPlane) (*bench.Program, error) {
	flag, err := rehome.InstallWebhook(ctx, plane.Config())
	if err != nil {
		return nil, err
	}
	config := filepath.Join(filepath.Dir(plane.Kubeconfig()), "rehome.yaml") // The control plane removes it.
	if err := writeConfiguration(config); err != nil {
		return nil, err
	}
	return bench.Start(ctx, plane, "rehome", o.Rehome, "manager", "--config="+config, flag)
}

func preventedRows(results map[way]preventedResult, restores, rounds int) []table.Row {
	prefix := fmt.Sprintf("%d restores at once, %s: ", restores, fakeKubeBlocks)
	own, total := results[prevented], float64(restores*rounds)
	span := func(against way, goal string) table.Row {
		return table.Row{
			Section: "Admission", What: prefix + "created until all Pods are bound", Unit: "s", Rehome: own.span.Seconds() / float64(rounds),
			Against: against.name, Other: results[against].span.Seconds() / float64(rounds), Goal: goal, Note: fmt.Sprintf("rounds: %d", rounds),
		}
	}
	count := func(what string, of func(preventedResult) float64, note string) table.Row {
		return table.Row{
			Section: "Admission", What: prefix + what, Rehome: of(own) / total, Against: neutral.name, Other: of(results[neutral]) / total, Note: note,
		}
	}
	return []table.Row{
		span(neutral, "ratio <= 1.05"),
		span(neutralWithout, ""),
		{Section: "Admission", What: prefix + "restores with an unschedulable Pod", Rehome: float64(own.stuck), Goal: "0"},
		count("reads of Rehome per restore", func(r preventedResult) float64 { return r.requests.reads }, "webhook and operator"),
		count("writes of Rehome per restore", func(r preventedResult) float64 { return r.requests.writes }, "reports and events"),
	}
}
