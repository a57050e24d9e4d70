package differential

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Rewritten is a Cluster as Rehome rewrites it.
type Rewritten struct {
	// Policies are those that the function Policies returns.
	Policies map[string]any
	// Edited says that Rehome changed a rule.
	Edited bool
	// Reported holds the classes of the findings, without SourceIdentity, which is rewritten.
	Reported []rewrite.Class
}

// Rewrite rewrites a Cluster in JSON: the snapshot, before a Cluster exists, or a restored Cluster.
func (c *Case) Rewrite(cluster []byte, options rewrite.Options) (Rewritten, error) {
	result, err := c.rewrite(cluster, options)
	if err != nil {
		return Rewritten{}, err
	}
	patched, err := applyEdits(cluster, result.Edits)
	if err != nil {
		return Rewritten{}, err
	}
	policies, err := ClusterPolicies(patched)
	return Rewritten{Policies: policies, Edited: len(result.Edits) > 0, Reported: classes(result.Findings)}, err
}

func (c *Case) rewrite(cluster []byte, options rewrite.Options) (rewrite.Result, error) {
	var backup kubeblocks.Backup
	if err := convert(c.Backup, &backup); err != nil {
		return rewrite.Result{}, err
	}
	source, err := kubeblocks.SourceOf(&backup)
	if err != nil {
		return rewrite.Result{}, err
	}
	var live kubeblocks.Cluster
	if err := json.Unmarshal(cluster, &live); err != nil {
		return rewrite.Result{}, err
	}
	return rewrite.Rewrite(rewrite.Input{
		Sources: []rewrite.Source{source},
		// A snapshot has no UID, like a Cluster that does not exist yet.
		Target:  rewrite.Identity{Namespace: c.To, Name: Target, UID: live.UID},
		Live:    kubeblocks.ClusterPolicies(&live),
		Options: options,
	}), nil
}

// applyEdits applies edits as the JSON Patch that Rehome sends to the API server.
func applyEdits(object []byte, edits []rewrite.Edit) ([]byte, error) {
	data, err := json.Marshal(patch.Edits(edits))
	if err != nil {
		return nil, err
	}
	operations, err := jsonpatch.DecodePatch(data)
	if err != nil {
		return nil, err
	}
	patched, err := operations.Apply(object)
	if err != nil {
		return nil, fmt.Errorf("apply %s: %w", data, err)
	}
	return patched, nil
}

// classes returns each class once, in the order of the findings.
func classes(findings []rewrite.Finding) []rewrite.Class {
	var list []rewrite.Class
	for _, f := range findings {
		if f.Class != rewrite.SourceIdentity && !slices.Contains(list, f.Class) {
			list = append(list, f.Class)
		}
	}
	return list
}

// Describe returns the text of the verdict and the classes that Rehome reports.
func (r Rewritten) Describe(v Verdict) string {
	text := v.Text
	if len(r.Reported) == 0 {
		return text
	}
	if !r.Edited && v.Right {
		text += ": kept"
	}
	names := make([]string, len(r.Reported))
	for i, class := range r.Reported {
		names[i] = string(class)
	}
	return text + ", reported as " + strings.Join(names, " and ")
}

// convert converts one object to another type, through JSON.
func convert(from, to any) error {
	data, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, to)
}
