package scale

import (
	"context"
	"errors"
	"fmt"

	"github.com/aclements/go-moremath/stats"

	"github.com/rehome-operator/rehome/test/bench/apiserver"
	"github.com/rehome-operator/rehome/test/bench/table"
	"github.com/rehome-operator/rehome/test/e2e/audit"
)

// starts measures how soon after its start Rehome has read what it caches and decides, beside a client that only reads.
func (r *rig) starts(ctx context.Context) ([]table.Row, error) {
	var listed, synced, decided, unstreamed []float64
	for i := range r.rounds {
		r.Stepf("scale: time starts, round %d of %d", i+1, r.rounds)
		// In turn, so that what else the machine does hits both.
		took, err := r.timed(ctx, r.startList, listDone)
		if err != nil {
			return nil, err
		}
		listed = append(listed, took[0])
		if took, err = r.timed(ctx, r.startRehome, apiserver.Synced, apiserver.Decided); err != nil {
			return nil, err
		}
		synced, decided = append(synced, took[0]), append(decided, took[1])
		if took, err = r.timed(ctx, r.startListing, apiserver.Decided); err != nil {
			return nil, err
		}
		unstreamed = append(unstreamed, took[0])
	}
	row := func(what string, own []float64, goal string) table.Row {
		return table.Row{
			Section: startSection, What: fmt.Sprintf("%d Clusters: from the start of the process to %s", r.many, what), Unit: "s",
			Rehome: median(own), Against: "bare client lists the same", Other: median(listed), Goal: goal,
			Note: fmt.Sprintf("median of %d", len(own)),
		}
	}
	return []table.Row{
		row("caches that have synced", synced, ""),
		row("the first decision", decided, "ratio <= 1.5"),
		row("the first decision, where Rehome lists in one piece, too", unstreamed, ""),
	}, nil
}

// timed returns how long after its start a program writes each of the texts, in seconds.
func (r *rig) timed(ctx context.Context, begin start, texts ...string) (took []float64, err error) {
	program, err := begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, program.Stop()) }()
	for _, text := range texts {
		after, err := program.Await(ctx, text, syncTimeout)
		if err != nil {
			return nil, err
		}
		took = append(took, after.Seconds())
	}
	return took, nil
}

// wholePass is the row on how long it takes Rehome to look at every Cluster once.
func wholePass(program *apiserver.Program, clusters int, asked audit.Log) table.Row {
	count, last := program.Last(apiserver.Decided)
	reads, writes, _ := sorted(asked)
	return table.Row{
		Section: startSection, What: fmt.Sprintf("%d Clusters: from the start of the process to the last decision", clusters), Unit: "s",
		Rehome: last.Seconds(), Note: fmt.Sprintf("%d decisions; reads: %s; writes: %s", count, reads, writes),
	}
}

func median(values []float64) float64 { return stats.Sample{Xs: values}.Quantile(0.5) }
