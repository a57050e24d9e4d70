package unblock

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/rehome-operator/rehome/test/bench/baseline"
	"github.com/rehome-operator/rehome/test/bench/table"
)

const (
	section         = "Time to unblock"
	loadTestSection = "Load test"
	against         = "baseline: minimal client"
	mebibyte        = 1 << 20
	// neededWrites is how many writes a stuck restore needs: one to its Cluster, one to its Restore.
	neededWrites = 2
)

func (s *suite) rows(c testCase, base, rehome result) []table.Row {
	prefix := fmt.Sprintf("%d stuck, %s: ", c.restores, s.kubeBlocks)
	row := func(figure, unit string, rehome, base float64) table.Row {
		return table.Row{Section: section, What: prefix + figure, Unit: unit, Rehome: rehome, Against: against, Other: base}
	}
	p50 := row("p50", "ms", milliseconds(rehome.times, 50), milliseconds(base.times, 50))
	p50.Note = s.note(c)
	if c.restores == 1 {
		p50.Goal = "ratio <= 2"
	}
	total := float64(c.restores * c.rounds)
	rows := []table.Row{
		p50,
		row("p99", "ms", milliseconds(rehome.times, 99), milliseconds(base.times, 99)),
		row("writes per restore", "", rehome.usage.writes/total, base.usage.writes/total),
		row("reads per restore", "", rehome.usage.reads/total, base.usage.reads/total),
	}
	if !c.loadTest {
		return rows
	}
	needed := row("needed writes", "/s", neededWrites*total/rehome.span.Seconds(), neededWrites*total/base.span.Seconds())
	needed.Goal, needed.Note = "ratio >= 0.8", "until the last restore is scheduled"
	all := row("all writes", "/s", rehome.usage.writes/rehome.span.Seconds(), base.usage.writes/base.span.Seconds())
	all.Note = "includes reports, events and attempts; a few follow after the last restore is scheduled"
	return slices.Concat(rows, []table.Row{needed, all}, loadTestRows(c, base, rehome))
}

func (s *suite) note(c testCase) string {
	return fmt.Sprintf("Pods per restore: %d, samples: %d, workers: %d", s.podsPerRestore, c.restores*c.rounds, baseline.Workers)
}

func loadTestRows(c testCase, base, rehome result) []table.Row {
	thousands := float64(c.restores*c.rounds) / 1000
	return []table.Row{
		{
			Section: loadTestSection, What: "CPU for 1,000 restores", Unit: "s",
			Rehome: rehome.usage.cpu / thousands, Against: against, Other: base.usage.cpu / thousands,
			Note: "user and system, until the operator is at rest",
		},
		{
			Section: loadTestSection, What: fmt.Sprintf("peak RSS, %d restores", c.restores), Unit: "MiB",
			Rehome: float64(rehome.usage.peakRSS) / mebibyte, Against: against, Other: float64(base.usage.peakRSS) / mebibyte,
		},
	}
}

func milliseconds(times []time.Duration, percent float64) float64 {
	return float64(percentile(times, percent)) / float64(time.Millisecond)
}

// percentile returns the smallest time that at least the given percentage of times does not exceed.
func percentile(times []time.Duration, percent float64) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	rank := int(math.Ceil(percent / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
