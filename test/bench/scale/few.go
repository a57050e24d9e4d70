package scale

import (
	"context"
	"fmt"

	"github.com/rehome-operator/rehome/test/bench/apiserver"
	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/table"
)

// The sections of the table.
const (
	memorySection = "Memory"
	idleSection   = "Idle"
	startSection  = "Cold start"
)

// againstPlain is what the table calls a manager that caches whole objects.
const againstPlain = "plain manager, unstructured"

// withFew measures the memory with a few Clusters, first without Backups and Pods, so that what each of these takes can be told.
func (r *rig) withFew(ctx context.Context) ([]table.Row, error) {
	if err := r.addClusters(ctx, 1, r.few); err != nil {
		return nil, err
	}
	bare, err := r.memory(ctx, r.startRehome, apiserver.Synced)
	if err != nil {
		return nil, err
	}
	if err := r.addBackups(ctx); err != nil {
		return nil, err
	}
	withBackups, err := r.memory(ctx, r.startRehome, apiserver.Synced)
	if err != nil {
		return nil, err
	}
	if err := r.addPods(ctx); err != nil {
		return nil, err
	}
	withPods, err := r.memory(ctx, r.startRehome, apiserver.Synced)
	if err != nil {
		return nil, err
	}
	plain, err := r.memory(ctx, r.startPlain, plainSynced)
	if err != nil {
		return nil, err
	}
	return append(r.memoryRows(r.few, withPods, plain),
		growth("Backup", bare, withBackups, r.backups, r.backup),
		growth("running Pod", withBackups, withPods, r.many*replicas, r.pods),
	), nil
}

// memory measures what of a program is in memory when it is at rest.
func (r *rig) memory(ctx context.Context, begin start, synced string) (bench.Usage, error) {
	program, err := r.startAtRest(ctx, begin, synced)
	if err != nil {
		return bench.Usage{}, err
	}
	memory, err := program.Usage()
	if err != nil {
		return bench.Usage{}, err
	}
	r.Stepf("scale: %.0f MiB resident, %.0f at most", mebibytes(memory.RSS), mebibytes(memory.PeakRSS))
	return memory, program.Stop()
}

func (r *rig) memoryRows(clusters int, own, plain bench.Usage) []table.Row {
	about := fmt.Sprintf("%d Clusters, %d Pods, %d Backups: ", clusters, r.many*replicas, r.backups)
	return []table.Row{
		{
			Section: memorySection, What: about + "resident at rest", Unit: "MiB", Rehome: mebibytes(own.RSS),
			Against: againstPlain, Other: mebibytes(plain.RSS), Goal: "ratio <= 0.1",
		},
		{
			Section: memorySection, What: about + "resident at most", Unit: "MiB", Rehome: mebibytes(own.PeakRSS),
			Against: againstPlain, Other: mebibytes(plain.PeakRSS),
		},
	}
}

// growth is the row on how much more of Rehome is in memory for each of count objects.
func growth(kind string, before, after bench.Usage, count int, of originals) table.Row {
	return table.Row{
		Section: memorySection, What: "each further " + kind, Unit: "B",
		Rehome: (float64(after.RSS) - float64(before.RSS)) / float64(count), Against: "as the API server stores it",
		Other: of.size(), Goal: "about 0",
		Note: fmt.Sprintf("%.1f MiB before %d of them, %.1f MiB with them", mebibytes(before.RSS), count, mebibytes(after.RSS)),
	}
}

func mebibytes(bytes uint64) float64 { return float64(bytes) / (1 << 20) }
