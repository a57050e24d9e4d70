package scale

import (
	"time"

	"github.com/rehome-operator/rehome/test/bench/table"
	"github.com/rehome-operator/rehome/test/e2e/audit"
)

// idleRows are the rows on what Rehome asked of the API server while there was nothing to do. Watches that went on are none of it.
func idleRows(asked audit.Log, window time.Duration) []table.Row {
	var reads, writes, lease float64
	for _, request := range asked {
		switch {
		case request.Object.Resource == "leases":
			lease++
		case request.Verb == "get" || request.Verb == "list":
			reads++
		case request.Verb != "watch":
			writes++
		}
	}
	row := func(what string, count float64, goal string) table.Row {
		return table.Row{Section: idleSection, What: what, Unit: "a minute", Rehome: count / window.Minutes(), Goal: goal}
	}
	return []table.Row{
		row("writes", writes, "0"),
		row("reads", reads, "0"),
		row("reads and writes of the lease", lease, ""),
	}
}
