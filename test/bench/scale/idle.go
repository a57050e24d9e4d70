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

// asking counts requests by what they ask for, such as "list pods".
type asking map[string]int

// String lists them, the most frequent first.
func (a asking) String() string {
	if len(a) == 0 {
		return "none"
	}
	var list []string
	for _, what := range slices.SortedFunc(maps.Keys(a), func(x, y string) int { return cmp.Or(a[y]-a[x], strings.Compare(x, y)) }) {
		list = append(list, fmt.Sprintf("%d x %s", a[what], what))
	}
	return strings.Join(list, ", ")
}

func (a asking) count() int {
	sum := 0
	for _, count := range a {
		sum += count
	}
	return sum
}

// sorted sorts requests. Watches, which go on, are none of the reads, and the lease is neither read nor written.
func sorted(asked audit.Log) (reads, writes, lease asking) {
	reads, writes, lease = asking{}, asking{}, asking{}
	for _, request := range asked {
		what := request.Verb + " " + cmp.Or(request.Object.Resource, "what is served")
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

// idleRows are the rows on what Rehome asked of the API server while there was nothing to do.
func idleRows(asked audit.Log, window time.Duration) []table.Row {
	reads, writes, lease := sorted(asked)
	row := func(what string, a asking, goal string) table.Row {
		return table.Row{
			Section: idleSection, What: what, Unit: "a minute", Rehome: float64(a.count()) / window.Minutes(), Goal: goal, Note: a.String(),
		}
	}
	return []table.Row{
		row("writes", writes, "0"),
		row("reads", reads, "0"),
		row("reads and writes of the lease", lease, ""),
	}
}
