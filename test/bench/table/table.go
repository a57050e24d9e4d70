// Package table holds what a run of the benchmarks measured, and shows it as Markdown and as JSON.
package table

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Row is one thing measured for Rehome and, in the same run, for something else.
type Row struct {
	// Section is what the row is about, such as "Stuck to scheduled"; rows of a section stand together.
	Section string `json:"section"`
	// What says which case and which figure, such as "10 restores, KubeBlocks 1.0.2: p50".
	What string `json:"what"`
	// Unit of Rehome and Other, such as "ms". Empty for plain numbers.
	Unit   string  `json:"unit,omitempty"`
	Rehome float64 `json:"rehome"`
	// Against names what Rehome is compared with, such as "floor: bare client". Empty when there is nothing to compare with.
	Against string  `json:"against,omitempty"`
	Other   float64 `json:"other,omitempty"`
	// Goal is what is asked of the ratio or the figure, such as "ratio <= 2". Empty where nothing is.
	Goal string `json:"goal,omitempty"`
	// Note is what a reader must know to read the figures right.
	Note string `json:"note,omitempty"`
}

// Ratio is Rehome's figure divided by the other's, or NaN where there is none.
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

// Markdown writes rows as one table for each section, in the order of their first rows.
func Markdown(w io.Writer, rows []Row) error {
	var sections []string
	of := map[string][]Row{}
	for _, r := range rows {
		if of[r.Section] == nil {
			sections = append(sections, r.Section)
		}
		of[r.Section] = append(of[r.Section], r)
	}
	var text strings.Builder
	for i, section := range sections {
		if i > 0 {
			text.WriteString("\n")
		}
		fmt.Fprintf(&text, "### %s\n\n| | Rehome | beside it | | ratio | goal | |\n|---|---:|---|---:|---:|---|---|\n", section)
		for _, r := range of[section] {
			fmt.Fprintf(&text, "| %s | %s | %s | %s | %s | %s | %s |\n",
				r.What, figure(r.Rehome, r.Unit), r.Against, other(r), ratio(r), r.Goal, r.Note)
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func other(r Row) string {
	if r.Against == "" {
		return ""
	}
	return figure(r.Other, r.Unit)
}

func ratio(r Row) string {
	if math.IsNaN(r.Ratio()) {
		return ""
	}
	return figure(r.Ratio(), "")
}

// figure shows a number with three significant digits, or all that stand before the point.
func figure(value float64, unit string) string {
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
