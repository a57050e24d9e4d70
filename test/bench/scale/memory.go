package scale

import (
	"context"
	"fmt"

	"github.com/rehome-operator/rehome/test/bench/apiserver"
	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/table"
)

const (
	memorySection = "Memory"
	idleSection   = "Idle"
	startSection  = "Cold start"
)

const againstPlain = "plain manager, unstructured"

// measureFew measures memory with few Clusters: without Backups and Pods, then with Backups, then with both.
func (e *env) measureFew(ctx context.Context) ([]table.Row, error) {
	if err := e.addClusters(ctx, 1, e.few); err != nil {
		return nil, err
	}
	bare, err := e.memory(ctx, e.startRehome, apiserver.Synced)
	if err != nil {
		return nil, err
	}
	if err := e.addBackups(ctx); err != nil {
		return nil, err
	}
	withBackups, err := e.memory(ctx, e.startRehome, apiserver.Synced)
	if err != nil {
		return nil, err
	}
	if err := e.addPods(ctx); err != nil {
		return nil, err
	}
	withPods, err := e.memory(ctx, e.startRehome, apiserver.Synced)
	if err != nil {
		return nil, err
	}
	plain, err := e.memory(ctx, e.startPlain, plainSynced)
	if err != nil {
		return nil, err
	}
	return append(e.memoryRows(e.few, withPods, plain),
		growthRow("Backup", bare, withBackups, e.backups, e.backup),
		growthRow("running Pod", withBackups, withPods, e.many*replicas, e.pods),
	), nil
}

func (e *env) memory(ctx context.Context, start startFunc, synced string) (bench.Usage, error) {
	program, err := e.startAtRest(ctx, start, synced)
	if err != nil {
		return bench.Usage{}, err
	}
	memory, err := program.Usage()
	if err != nil {
		return bench.Usage{}, err
	}
	e.Stepf("scale: %.0f MiB resident, peak %.0f", mebibytes(memory.RSS), mebibytes(memory.PeakRSS))
	return memory, program.Stop()
}

func (e *env) memoryRows(clusters int, own, plain bench.Usage) []table.Row {
	prefix := fmt.Sprintf("%d Clusters, %d Pods, %d Backups: ", clusters, e.many*replicas, e.backups)
	return []table.Row{
		{
			Section: memorySection, What: prefix + "RSS at rest", Unit: "MiB", Rehome: mebibytes(own.RSS),
			Against: againstPlain, Other: mebibytes(plain.RSS), Goal: "ratio <= 0.1",
		},
		{
			Section: memorySection, What: prefix + "peak RSS", Unit: "MiB", Rehome: mebibytes(own.PeakRSS),
			Against: againstPlain, Other: mebibytes(plain.PeakRSS),
		},
	}
}

// growthRow is the row on Rehome's memory for each of count further objects.
func growthRow(kind string, before, after bench.Usage, count int, of originals) table.Row {
	return table.Row{
		Section: memorySection, What: "each further " + kind, Unit: "B",
		Rehome: (float64(after.RSS) - float64(before.RSS)) / float64(count), Against: "its size in etcd",
		Other: of.averageSize(), Goal: "about 0",
		Note: fmt.Sprintf("RSS %.1f MiB without and %.1f MiB with %d of them", mebibytes(before.RSS), mebibytes(after.RSS), count),
	}
}

func mebibytes(bytes uint64) float64 { return float64(bytes) / (1 << 20) }
