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

// Rewritten is what Rehome makes of a Cluster.
type Rewritten struct {
	// Policies are as the function Policies returns them.
	Policies map[string]any
	// Edited says that Rehome changed anything.
	Edited bool
	// Reported holds the classes of the findings, without those of rules that were rewritten.
	Reported []rewrite.Class
}

// Rewrite returns what Rehome makes of a Cluster in JSON: the snapshot, for a Cluster that is yet to be made of it, or one
// that was restored.
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
		// The UID is empty in a snapshot, as it is for a Cluster that does not exist.
		Target:  rewrite.Identity{Namespace: c.To, Name: Target, UID: live.UID},
		Live:    kubeblocks.ClusterPolicies(&live),
		Options: options,
	}), nil
}

// applyEdits sends edits through the JSON Patch that a client of the API server would send.
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

// classes lists each class once, in the order of the findings.
func classes(findings []rewrite.Finding) []rewrite.Class {
	var list []rewrite.Class
	for _, f := range findings {
		if f.Class != rewrite.SourceIdentity && !slices.Contains(list, f.Class) {
			list = append(list, f.Class)
		}
	}
	return list
}

// Describe says what the verdict on an outcome is, and what Rehome tells its user of it.
func (o Rewritten) Describe(v Verdict) string {
	text := v.Text
	if len(o.Reported) == 0 {
		return text
	}
	if !o.Edited && v.Right {
		text += ": kept"
	}
	names := make([]string, len(o.Reported))
	for i, class := range o.Reported {
		names[i] = string(class)
	}
	return text + ", reported as " + strings.Join(names, " and ")
}

// convert reads one object as another, through JSON.
func convert(from, to any) error {
	data, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, to)
}
