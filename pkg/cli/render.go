package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// rewritten is a snapshot and its rewrite.
type rewritten struct {
	snapshot
	target rewrite.Identity
	// made is the Cluster to create, as JSON. It is nil where a rule is invalid.
	made     []byte
	edits    []rewrite.Edit
	findings []rewrite.Finding
	// invalid are the findings of rules that the API server would refuse. Then no rule is rewritten.
	invalid []rewrite.Finding
}

// outputs lists the values of -o.
func outputs() []string { return []string{"yaml", "json", "diff", "patch", "report"} }

// print prints an output. If that fails, nothing is printed. Where a rule is invalid, only the report is printed, because the others
// would look as if no rule needed a rewrite.
func (r rewritten) print(output string, out io.Writer, colour bool) error {
	var text []byte
	var err error
	switch {
	case output == "report":
		text, err = r.report()
	case len(r.invalid) > 0:
		return nil
	case output == "patch":
		text, err = indented(patch.Edits(r.edits))
	case output == "diff":
		text, err = r.diff(colour)
	default:
		text, err = r.cluster(output)
	}
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

// cluster returns the Cluster to create.
func (r rewritten) cluster(output string) ([]byte, error) {
	if output == "json" {
		var out bytes.Buffer
		err := json.Indent(&out, r.made, "", "    ")
		return append(out.Bytes(), '\n'), err
	}
	text, err := toYAML(r.made)
	return []byte(text), err
}

// diff returns the changes of the scheduling rules.
func (r rewritten) diff(colour bool) ([]byte, error) {
	edited, err := patch.ApplyCreating(r.raw, patch.Edits(r.edits))
	if err != nil {
		return nil, err
	}
	before, err := specYAML(r.raw)
	if err != nil {
		return nil, err
	}
	after, err := specYAML(edited)
	if err != nil {
		return nil, err
	}
	diff := udiff.Unified(r.source.Name, r.target.Name, before, after)
	if colour {
		diff = coloured(diff)
	}
	return []byte(diff), nil
}

func specYAML(cluster []byte) (string, error) {
	var object struct {
		Spec json.RawMessage `json:"spec"`
	}
	if err := json.Unmarshal(cluster, &object); err != nil {
		return "", err
	}
	if object.Spec == nil {
		return "", nil
	}
	return toYAML(object.Spec)
}

// coloured colours the lines of a unified diff like git.
func coloured(diff string) string {
	var out strings.Builder
	for line := range strings.Lines(diff) {
		colour := ""
		switch {
		case strings.HasPrefix(line, "---"), strings.HasPrefix(line, "+++"):
			colour = bold
		case strings.HasPrefix(line, "@@"):
			colour = cyan
		case strings.HasPrefix(line, "-"):
			colour = red
		case strings.HasPrefix(line, "+"):
			colour = green
		}
		out.WriteString(colourLine(line, colour))
	}
	return out.String()
}

// report returns source, target, edits and findings.
func (r rewritten) report() ([]byte, error) {
	type identity struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	}
	type source struct {
		identity
		UID string `json:"uid"`
	}
	type finding struct {
		Code string `json:"code"`
		rewrite.Finding
	}
	report := struct {
		Source   source         `json:"source"`
		Target   identity       `json:"target"`
		Edits    []rewrite.Edit `json:"edits"`
		Findings []finding      `json:"findings"`
	}{
		source{identity{r.source.Namespace, r.source.Name}, string(r.source.UID)},
		identity{r.target.Namespace, r.target.Name},
		append([]rewrite.Edit{}, r.edits...),
		[]finding{},
	}
	for _, f := range r.findings {
		report.Findings = append(report.Findings, finding{codes[f.Class], f})
	}
	return indented(report)
}

// printFindings prints one line for each finding.
func printFindings(out io.Writer, findings []rewrite.Finding) {
	for _, f := range findings {
		fmt.Fprintf(out, "%s %s\n", codes[f.Class], f.Message)
	}
}

func indented(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return out.Bytes(), err
}
