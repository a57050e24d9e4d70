package kubeblocks

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// fieldsLackedByV1 are the fields of a v1alpha1 Cluster's spec that v1 lacks. "*" stands for each element of a list.
var fieldsLackedByV1 = slices.Concat(fieldsOfV09, []string{
	"monitor", "network", "replicas", "resources", "storage", "services/*/shardingSelector",
}, prefixed("componentSpecs/*/", fieldsOfV09Component))

var fieldsOfV09Component = []string{
	"affinity", "classDefRef", "componentDefRef", "enabledLogs", "monitor", "switchPolicy", "tolerations", "updateStrategy", "userResourceRefs",
	"instanceUpdateStrategy/maxUnavailable", "instanceUpdateStrategy/partition",
	"instances/*/image", "instances/*/volumeMounts", "instances/*/volumes",
}

func prefixed(prefix string, names []string) []string {
	all := make([]string, 0, len(names))
	for _, name := range names {
		all = append(all, prefix+name)
	}
	return all
}

// LackedByV1 returns the fields of a Cluster of KubeBlocks 0.9 that v1 lacks, as JSON Pointers in a stable order. KubeBlocks 0.9 stores
// some of them in each Cluster, without a value: these are in empty.
func LackedByV1(cluster map[string]any) (set, empty []string) {
	if from := VersionOfCluster(cluster); from != V09 && from != "" {
		return nil, nil
	}
	for _, field := range fieldsLackedByV1 {
		eachAt(cluster["spec"], "/spec", strings.Split(field, "/"), func(path string, value any) {
			if isUnset(value) {
				empty = append(empty, path)
			} else {
				set = append(set, path)
			}
		})
	}
	return set, empty
}

// eachAt visits the values at a path.
func eachAt(value any, at string, path []string, visit func(path string, value any)) {
	if len(path) == 0 {
		visit(at, value)
		return
	}
	switch value := value.(type) {
	case map[string]any:
		if member, ok := value[path[0]]; ok {
			eachAt(member, at+"/"+path[0], path[1:], visit)
		}
	case []any:
		if path[0] != "*" {
			return
		}
		for i, element := range value {
			eachAt(element, at+"/"+strconv.Itoa(i), path[1:], visit)
		}
	}
}

// isUnset reports whether a value is what Go writes for a field that nobody set. A quantity of nothing is "0".
func isUnset(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case string:
		return value == "" || value == "0"
	case []any:
		return len(value) == 0
	case map[string]any:
		return !slices.ContainsFunc(slices.Collect(maps.Values(value)), func(v any) bool { return !isUnset(v) })
	}
	return false
}
