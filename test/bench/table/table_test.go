package table_test

import (
	"bytes"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/bench/table"
)

var rows = []table.Row{
	{Section: "Rewrite", What: "4 KiB", Unit: "µs", Rehome: 75, Against: "encoding/json", Other: 50, Goal: "ratio <= 1.5"},
	{Section: "Idle", What: "writes in a minute"},
	{Section: "Rewrite", What: "250 KiB", Unit: "µs", Rehome: 4321.4, Against: "encoding/json", Other: 4000, Note: "as large as it gets"},
}

func TestMarkdown(t *testing.T) {
	g := NewWithT(t)
	var out bytes.Buffer
	g.Expect(table.Markdown(&out, rows)).To(Succeed())
	g.Expect(out.String()).To(Equal(`### Rewrite

| | Rehome | compared with | | ratio | goal | |
|---|---:|---|---:|---:|---|---|
| 4 KiB | 75 µs | encoding/json | 50 µs | 1.5 | ratio <= 1.5 |  |
| 250 KiB | 4321 µs | encoding/json | 4000 µs | 1.08 |  | as large as it gets |

### Idle

| | Rehome | compared with | | ratio | goal | |
|---|---:|---|---:|---:|---|---|
| writes in a minute | 0 |  |  |  |  |  |
`))
}

func TestJSON(t *testing.T) {
	g := NewWithT(t)
	var out bytes.Buffer
	g.Expect(table.JSON(&out, rows[:2])).To(Succeed())
	g.Expect(out.String()).To(MatchJSON(`[
		{"section": "Rewrite", "what": "4 KiB", "unit": "µs", "rehome": 75, "against": "encoding/json", "other": 50, "goal": "ratio <= 1.5", "ratio": 1.5},
		{"section": "Idle", "what": "writes in a minute", "rehome": 0}
	]`))
}
