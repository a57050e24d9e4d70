package stuck

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/rehome-operator/rehome/test/bench/floor"
	"github.com/rehome-operator/rehome/test/bench/table"
)

const (
	section      = "Stuck to scheduled"
	stormSection = "Storm"
	against      = "floor: bare client"
	mebibyte     = 1 << 20
	// neededWrites is how many writes a stuck restore needs: of its Cluster, and of its Restore.
	neededWrites = 2
)

// rowsOf returns what a case showed.
func rowsOf(s *study, m measurement, bare, rehome result) []table.Row {
	what := fmt.Sprintf("%d stuck, %s: ", m.restores, s.on)
	row := func(figure, unit string, rehome, other float64) table.Row {
		return table.Row{Section: section, What: what + figure, Unit: unit, Rehome: rehome, Against: against, Other: other}
	}
	p50 := row("p50", "ms", milliseconds(rehome.times, 50), milliseconds(bare.times, 50))
	p50.Note = noteOf(s, m)
	if m.restores == 1 {
		p50.Goal = "ratio <= 2"
	}
	total := float64(m.restores * m.rounds)
	rows := []table.Row{
		p50,
		row("p99", "ms", milliseconds(rehome.times, 99), milliseconds(bare.times, 99)),
		row("writes a restore", "", rehome.cost.writes/total, bare.cost.writes/total),
		row("reads a restore", "", rehome.cost.reads/total, bare.cost.reads/total),
	}
	if !m.storm {
		return rows
	}
	needed := row("needed writes", "/s", neededWrites*total/rehome.span.Seconds(), neededWrites*total/bare.span.Seconds())
	needed.Goal, needed.Note = "ratio >= 0.8", "from the moment all may be unblocked until the last is scheduled"
	all := row("all writes", "/s", rehome.cost.writes/rehome.span.Seconds(), bare.cost.writes/bare.span.Seconds())
	all.Note = "reports, events and what is counted among them; a few come after the last is scheduled"
	return slices.Concat(rows, []table.Row{needed, all}, stormRows(m, bare, rehome))
}

func noteOf(s *study, m measurement) string {
	return fmt.Sprintf("%d Pods a restore, %d samples, %d workers each", s.pods, m.restores*m.rounds, floor.Workers)
}

// stormRows returns what a thousand remediations cost.
func stormRows(m measurement, bare, rehome result) []table.Row {
	thousands := float64(m.restores*m.rounds) / 1000
	return []table.Row{
		{
			Section: stormSection, What: "CPU for 1,000 restores", Unit: "s",
			Rehome: rehome.cost.cpu / thousands, Against: against, Other: bare.cost.cpu / thousands,
			Note: "user and system, from the moment all may be unblocked until there is nothing to do",
		},
		{
			Section: stormSection, What: fmt.Sprintf("peak RSS, %d restores", m.restores), Unit: "MiB",
			Rehome: float64(rehome.cost.peak) / mebibyte, Against: against, Other: float64(bare.cost.peak) / mebibyte,
		},
	}
}

func milliseconds(times []time.Duration, percent float64) float64 {
	return float64(percentile(times, percent)) / float64(time.Millisecond)
}

// percentile returns the smallest time that is not exceeded by that many percent of them.
func percentile(times []time.Duration, percent float64) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	rank := int(math.Ceil(percent / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
