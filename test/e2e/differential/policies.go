package differential

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
)

// Policies returns the scheduling policies in a Cluster's spec by the place where they stand, such as
// componentSpecs/mysql; that of the cluster itself stands at "cluster".
func Policies(spec any) map[string]any {
	policies := map[string]any{}
	collectPolicies("", spec, policies)
	return policies
}

// ClusterPolicies is Policies of the spec of a Cluster in JSON.
func ClusterPolicies(cluster []byte) (map[string]any, error) {
	var c struct {
		Spec map[string]any `json:"spec"`
	}
	err := json.Unmarshal(cluster, &c)
	return Policies(c.Spec), err
}

func collectPolicies(place string, node any, policies map[string]any) {
	_, isList := node.([]any)
	for key, member := range members(node) {
		if key == "schedulingPolicy" {
			policies[cmp.Or(place, "cluster")] = member
			continue
		}
		if name, ok := members(member)["name"].(string); ok && isList {
			key = name // an index would hide which one it is
		}
		collectPolicies(strings.TrimPrefix(place+"/"+key, "/"), member, policies)
	}
}

// members returns the members of an object, or the elements of a list of objects by their index; else nothing.
func members(node any) map[string]any {
	switch node := node.(type) {
	case map[string]any:
		return node
	case []any:
		all := make(map[string]any, len(node))
		for i, element := range node {
			if _, ok := element.(map[string]any); !ok {
				return nil
			}
			all[strconv.Itoa(i)] = element
		}
		return all
	}
	return nil
}
