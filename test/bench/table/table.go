// Package table holds the measurements of a run, and writes them as Markdown and JSON.
package table

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Row is one figure of Rehome and, where there is one, of what it is compared with.
type Row struct {
	// Section groups rows, such as "Time to unblock".
	Section string `json:"section"`
	// What names the case and the figure, such as "10 stuck, KubeBlocks v1.0.2: p50".
	What string `json:"what"`
	// Unit of Rehome and Other, such as "ms". Empty for counts.
	Unit   string  `json:"unit,omitempty"`
	Rehome float64 `json:"rehome"`
	// Against names what Rehome is compared with, such as "baseline: minimal client". Empty without a comparison.
	Against string  `json:"against,omitempty"`
	Other   float64 `json:"other,omitempty"`
	// Goal limits the ratio or the figure, such as "ratio <= 2". Empty without a goal.
	Goal string `json:"goal,omitempty"`
	// Note says what the figures include.
	Note string `json:"note,omitempty"`
}

// Ratio is Rehome's figure divided by the other. It is NaN without a comparison or when the other is 0.
func (r Row) Ratio() float64 {
	if r.Against == "" || r.Other == 0 {
		return math.NaN()
	}
	return r.Rehome / r.Other
}

// MarshalJSON adds the ratio.
func (r Row) MarshalJSON() ([]byte, error) {
	type plain Row
	with := struct {
		plain
		Ratio *float64 `json:"ratio,omitempty"`
	}{plain: plain(r)}
	if ratio := r.Ratio(); !math.IsNaN(ratio) {
		with.Ratio = &ratio
	}
	return json.Marshal(with)
}

// JSON writes rows as a JSON array.
func JSON(w io.Writer, rows []Row) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(rows)
}

// Markdown writes one table for each section, in the order of their first rows.
func Markdown(w io.Writer, rows []Row) error {
	var sections []string
	bySection := map[string][]Row{}
	for _, r := range rows {
		if bySection[r.Section] == nil {
			sections = append(sections, r.Section)
		}
		bySection[r.Section] = append(bySection[r.Section], r)
	}
	var text strings.Builder
	for i, section := range sections {
		if i > 0 {
			text.WriteString("\n")
		}
		fmt.Fprintf(&text, "### %s\n\n| | Rehome | compared with | | ratio | goal | |\n|---|---:|---|---:|---:|---|---|\n", section)
		for _, r := range bySection[section] {
			fmt.Fprintf(&text, "| %s | %s | %s | %s | %s | %s | %s |\n",
				r.What, formatValue(r.Rehome, r.Unit), r.Against, formatOther(r), formatRatio(r), r.Goal, r.Note)
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func formatOther(r Row) string {
	if r.Against == "" {
		return ""
	}
	return formatValue(r.Other, r.Unit)
}

func formatRatio(r Row) string {
	if math.IsNaN(r.Ratio()) {
		return ""
	}
	return formatValue(r.Ratio(), "")
}

// formatValue rounds to three significant digits, but never before the decimal point.
func formatValue(value float64, unit string) string {
	digits := 0
	if value != 0 {
		digits = max(0, 2-int(math.Floor(math.Log10(math.Abs(value)))))
	}
	number := strconv.FormatFloat(value, 'f', digits, 64)
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return strings.TrimSpace(number + " " + unit)
}
