package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// rewritten is a snapshot and its rewrite.
type rewritten struct {
	snapshot
	target rewrite.Identity
	result rewrite.Result
}

// printers print a rewritten snapshot, by the name of the output. A printer that fails has written nothing.
var printers = map[string]func(rewritten, io.Writer, bool) error{
	"cluster": rewritten.printCluster,
	"patch":   rewritten.printPatch,
	"diff":    rewritten.printDiff,
	"json":    rewritten.printJSON,
}

// apply returns JSON with operations applied. It keeps the rest byte for byte.
func apply(raw []byte, operations []patch.Operation) ([]byte, error) {
	data, err := json.Marshal(operations)
	if err != nil {
		return nil, err
	}
	decoded, err := jsonpatch.DecodePatch(data)
	if err != nil {
		return nil, err
	}
	options := jsonpatch.NewApplyOptions()
	options.EscapeHTML = false
	options.EnsurePathExistsOnAdd = true // a snapshot need not have metadata
	patched, err := decoded.ApplyWithOptions(raw, options)
	if err != nil {
		return nil, fmt.Errorf("apply the edits to the snapshot: %w", err)
	}
	return patched, nil
}

// printCluster prints the Cluster to create.
func (r rewritten) printCluster(out io.Writer, _ bool) error {
	operations := append(patch.Edits(r.result.Edits), patch.Add("/metadata/name", r.target.Name))
	if r.target.Namespace != "" {
		operations = append(operations, patch.Add("/metadata/namespace", r.target.Namespace))
	}
	cluster, err := apply(r.raw, operations)
	if err != nil {
		return err
	}
	if cluster, err = withType(cluster); err != nil {
		return err
	}
	text, err := toYAML(cluster)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, text)
	return err
}

// withType adds apiVersion and kind to a Cluster without them. A snapshot has none.
func withType(cluster []byte) ([]byte, error) {
	var meta struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(cluster, &meta); err != nil || meta.APIVersion != "" || meta.Kind != "" {
		return cluster, err
	}
	version := kubeblocks.GenerationOf(meta.Metadata.Annotations)
	members := bytes.TrimPrefix(bytes.TrimSpace(cluster), []byte("{"))
	return slices.Concat(fmt.Appendf(nil, `{"apiVersion":%q,"kind":"Cluster",`, version), members), nil
}

// printPatch prints the edits as a JSON Patch against the snapshot.
func (r rewritten) printPatch(out io.Writer, _ bool) error {
	return printIndented(out, patch.Edits(r.result.Edits))
}

// errDifferent sets the exit status for a diff that is not empty.
var errDifferent = exitError{status: 1}

// printDiff prints the changes of the spec. It returns errDifferent if there are any.
func (r rewritten) printDiff(out io.Writer, colour bool) error {
	edited, err := apply(r.raw, patch.Edits(r.result.Edits))
	if err != nil {
		return err
	}
	before, err := specYAML(r.raw)
	if err != nil {
		return err
	}
	after, err := specYAML(edited)
	if err != nil {
		return err
	}
	diff := udiff.Unified(r.source.Name, r.target.Name, before, after)
	if diff == "" {
		return nil
	}
	if colour {
		diff = coloured(diff)
	}
	if _, err := io.WriteString(out, diff); err != nil {
		return err
	}
	return errDifferent
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
	const bold, red, green, cyan, reset = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[36m", "\x1b[m"
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
		if colour != "" {
			line = colour + strings.TrimSuffix(line, "\n") + reset + "\n"
		}
		out.WriteString(line)
	}
	return out.String()
}

// printJSON prints source, target, edits and findings.
func (r rewritten) printJSON(out io.Writer, _ bool) error {
	type identity struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	}
	type source struct {
		identity
		UID string `json:"uid"`
	}
	report := struct {
		Source   source            `json:"source"`
		Target   identity          `json:"target"`
		Edits    []rewrite.Edit    `json:"edits"`
		Findings []rewrite.Finding `json:"findings"`
	}{
		source{identity{r.source.Namespace, r.source.Name}, string(r.source.UID)},
		identity{r.target.Namespace, r.target.Name},
		append([]rewrite.Edit{}, r.result.Edits...),
		append([]rewrite.Finding{}, r.result.Findings...),
	}
	return printIndented(out, report)
}

func printIndented(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
