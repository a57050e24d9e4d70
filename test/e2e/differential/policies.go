package differential

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
)

// Policies returns the scheduling policies in a Cluster's spec by path, such as componentSpecs/mysql. The path of the cluster's own policy is
// "cluster".
func Policies(spec any) map[string]any {
	policies := map[string]any{}
	collectPolicies("", spec, policies)
	return policies
}

// ClusterPolicies returns the Policies of a Cluster in JSON.
func ClusterPolicies(cluster []byte) (map[string]any, error) {
	var c struct {
		Spec map[string]any `json:"spec"`
	}
	err := json.Unmarshal(cluster, &c)
	return Policies(c.Spec), err
}

func collectPolicies(path string, node any, policies map[string]any) {
	_, isList := node.([]any)
	for key, member := range members(node) {
		if key == "schedulingPolicy" {
			policies[cmp.Or(path, "cluster")] = member
			continue
		}
		if name, ok := members(member)["name"].(string); ok && isList {
			key = name // clearer than the index
		}
		collectPolicies(strings.TrimPrefix(path+"/"+key, "/"), member, policies)
	}
}

// members returns the members of an object, or the elements of a list of objects by index. For all else it returns nil.
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
