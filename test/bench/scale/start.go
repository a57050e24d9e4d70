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

// starts measures Rehome's time from start to synced caches and to the first decision. A client that only lists is the comparison.
func (e *env) starts(ctx context.Context) ([]table.Row, error) {
	var listed, synced, decided, withoutWatchList []float64
	for i := range e.rounds {
		e.Stepf("scale: time starts, round %d of %d", i+1, e.rounds)
		took, err := e.timeStart(ctx, e.startList, listDone)
		if err != nil {
			return nil, err
		}
		listed = append(listed, took[0])
		if took, err = e.timeStart(ctx, e.startRehome, apiserver.Synced, apiserver.Decided); err != nil {
			return nil, err
		}
		synced, decided = append(synced, took[0]), append(decided, took[1])
		if took, err = e.timeStart(ctx, e.startWithoutWatchList, apiserver.Decided); err != nil {
			return nil, err
		}
		withoutWatchList = append(withoutWatchList, took[0])
	}
	row := func(what string, own []float64, goal string) table.Row {
		return table.Row{
			Section: startSection, What: fmt.Sprintf("%d Clusters: from start to %s", e.many, what), Unit: "s",
			Rehome: median(own), Against: "minimal client, lists the same", Other: median(listed), Goal: goal,
			Note: fmt.Sprintf("median of %d", len(own)),
		}
	}
	return []table.Row{
		row("synced caches", synced, ""),
		row("first decision", decided, "ratio <= 1.5"),
		row("first decision, without WatchList", withoutWatchList, ""),
	}, nil
}

// timeStart returns the seconds from a program's start until it writes each of the texts.
func (e *env) timeStart(ctx context.Context, start startFunc, texts ...string) (took []float64, err error) {
	program, err := start(ctx)
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

// lastDecisionRow is the row on the time until Rehome has reconciled every Cluster once.
func lastDecisionRow(program *apiserver.Program, clusters int, log audit.Log) table.Row {
	count, last := program.Last(apiserver.Decided)
	reads, writes, _ := countRequests(log)
	return table.Row{
		Section: startSection, What: fmt.Sprintf("%d Clusters: from start to last decision", clusters), Unit: "s",
		Rehome: last.Seconds(), Note: fmt.Sprintf("%d decisions; reads: %s; writes: %s", count, reads, writes),
	}
}

func median(values []float64) float64 { return stats.Sample{Xs: values}.Quantile(0.5) }
