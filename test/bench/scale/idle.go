package scale

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rehome-operator/rehome/test/bench/table"
	"github.com/rehome-operator/rehome/test/e2e/audit"
)

// requestCounts counts requests by verb and resource, such as "list pods".
type requestCounts map[string]int

// String lists the counts, the highest first.
func (c requestCounts) String() string {
	if len(c) == 0 {
		return "none"
	}
	var list []string
	for _, what := range slices.SortedFunc(maps.Keys(c), func(x, y string) int { return cmp.Or(c[y]-c[x], strings.Compare(x, y)) }) {
		list = append(list, fmt.Sprintf("%d x %s", c[what], what))
	}
	return strings.Join(list, ", ")
}

func (c requestCounts) total() int {
	sum := 0
	for _, count := range c {
		sum += count
	}
	return sum
}

// countRequests counts reads, writes and the requests for the lease apart. It ignores watches.
func countRequests(log audit.Log) (reads, writes, lease requestCounts) {
	reads, writes, lease = requestCounts{}, requestCounts{}, requestCounts{}
	for _, request := range log {
		what := request.Verb + " " + cmp.Or(request.Object.Resource, "API discovery")
		switch {
		case request.Object.Resource == "leases":
			lease[what]++
		case request.Verb == "get" || request.Verb == "list":
			reads[what]++
		case request.Verb != "watch":
			writes[what]++
		}
	}
	return reads, writes, lease
}

func idleRows(log audit.Log, window time.Duration) []table.Row {
	reads, writes, lease := countRequests(log)
	row := func(what string, c requestCounts, goal string) table.Row {
		return table.Row{
			Section: idleSection, What: what, Unit: "/min", Rehome: float64(c.total()) / window.Minutes(), Goal: goal, Note: c.String(),
		}
	}
	return []table.Row{
		row("writes", writes, "0"),
		row("reads", reads, "0"),
		row("requests for the lease", lease, ""),
	}
}
