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

// fieldsLackedByV1alpha1 are the fields of a v1 Cluster's spec that v1alpha1 lacks, in KubeBlocks 0.9 and in 1.0.
var fieldsLackedByV1alpha1 = slices.Concat(fieldsOfV1, prefixed("componentSpecs/*/", slices.Concat(fieldsOfV1Component, fieldsOfV11Component)))

var fieldsOfV1Component = []string{
	"instanceUpdateStrategy/rollingUpdate", "instanceUpdateStrategy/type", "instances/*/ordinals", "issuer/secretRef/namespace",
	"persistentVolumeClaimRetentionPolicy", "podUpgradePolicy", "serviceRefs/*/clusterServiceSelector/podFQDNs",
	"systemAccounts/*/disabled", "systemAccounts/*/passwordConfig/symbolCharacters", "systemAccounts/*/secretRef/password",
}

// fieldsOfV11 are the fields of a v1 Cluster's spec that came with KubeBlocks 1.1.
var fieldsOfV11 = slices.Concat([]string{"shardings/*/shardTemplates"},
	prefixed("componentSpecs/*/", fieldsOfV11Component), prefixed("shardings/*/template/", fieldsOfV11Component))

var fieldsOfV11Component = []string{"enableInstanceAPI", "flatInstanceOrdinal"}

func prefixed(prefix string, names []string) []string {
	all := make([]string, 0, len(names))
	for _, name := range names {
		all = append(all, prefix+name)
	}
	return all
}

// Lacks returns the fields of a Cluster that this version of KubeBlocks lacks in an apiVersion, as JSON Pointers in a stable order: the API
// server would drop them. KubeBlocks stores some fields in each Cluster, without a value: these are in empty.
func (v Version) Lacks(apiVersion string, cluster map[string]any) (set, empty []string) {
	for _, field := range v.fieldsLacked(apiVersion, VersionOfCluster(cluster)) {
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

// fieldsLacked lists the fields that a Cluster of another version can have. from is empty where the Cluster does not show its version.
func (v Version) fieldsLacked(apiVersion string, from Version) []string {
	var fields []string
	switch {
	case apiVersion == AppsV1alpha1.String() && from == V09:
		return fieldsOfV1 // later releases of 0.9 can have some of the others
	case apiVersion == AppsV1alpha1.String():
		return fieldsLackedByV1alpha1
	case from == V09, from == "":
		fields = fieldsLackedByV1
	}
	if v == V10 {
		fields = slices.Concat(fields, fieldsOfV11)
	}
	return fields
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
	case bool:
		return !value
	case string:
		return value == "" || value == "0"
	case []any:
		return len(value) == 0
	case map[string]any:
		return !slices.ContainsFunc(slices.Collect(maps.Values(value)), func(v any) bool { return !isUnset(v) })
	}
	return false
}
