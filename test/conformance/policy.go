package conformance

import (
	"encoding/json"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"
	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// policy holds the rules of a scheduling policy about other Pods.
type policy struct {
	Affinity                  *corev1.Affinity                  `json:"affinity,omitempty"`
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`
}

func (p policy) deepCopy() policy {
	spec := corev1.PodSpec{Affinity: p.Affinity, TopologySpreadConstraints: p.TopologySpreadConstraints}
	spec = *spec.DeepCopy()
	return policy{spec.Affinity, spec.TopologySpreadConstraints}
}

// rewriteFor rewrites the policy for a target that inherited it unchanged.
func (p policy) rewriteFor(target rewrite.Identity) rewrite.Result {
	policies := []rewrite.Policy{{Affinity: p.Affinity, TopologySpreadConstraints: p.TopologySpreadConstraints}}
	return rewrite.Rewrite(rewrite.Input{
		Sources: []rewrite.Source{{
			Identity:   source,
			Backup:     sourceNamespace + "/bp1",
			Components: sourceComponents(),
			Policies:   policies,
		}},
		Target:  target,
		Live:    policies,
		Options: rewrite.Options{IdentityLabels: []string{labelCluster}},
	})
}

// with applies edits to the policy as a JSON Patch, as Rehome applies them to a Cluster.
func (p policy) with(edits []rewrite.Edit) (policy, error) {
	document, err := json.Marshal(p)
	if err != nil {
		return policy{}, err
	}
	data, err := json.Marshal(operations(edits))
	if err != nil {
		return policy{}, err
	}
	patch, err := jsonpatch.DecodePatch(data)
	if err != nil {
		return policy{}, err
	}
	patched, err := patch.Apply(document)
	if err != nil {
		return policy{}, fmt.Errorf("apply %s: %w", data, err)
	}
	var edited policy
	err = json.Unmarshal(patched, &edited)
	return edited, err
}

type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// operations returns the JSON Patch (RFC 6902) of edits. The patch fails when a leaf does not have the edit's old value.
func operations(edits []rewrite.Edit) []operation {
	all := make([]operation, 0, 2*len(edits))
	for _, e := range edits {
		if e.From == nil {
			all = append(all, operation{"add", e.Path, e.To})
			continue
		}
		all = append(all, operation{"test", e.Path, e.From})
		if e.To == nil {
			all = append(all, operation{"remove", e.Path, nil})
		} else {
			all = append(all, operation{"replace", e.Path, e.To})
		}
	}
	return all
}
