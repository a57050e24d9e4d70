package kubeblocks

import (
	"math"
	"slices"
)

// Needs is what a Cluster needs of the Kubernetes cluster that it runs in, apart from nodes.
//
// +kubebuilder:object:generate=false
type Needs struct {
	// Pods counts the Pods of each component, and of all shards of a sharding.
	Pods map[string]int
	// Templates counts the Pods of each instance template of a component, or of all its shards, by their names.
	Templates map[string]map[string]int
	// Each list is sorted, and names an object once. A ComponentDefinition can be a name, its beginning, or a regular expression.
	StorageClasses, ComponentDefinitions, ServiceAccounts []string
}

// NeedsOf returns the needs of the Cluster in a snapshot that SnapshotOf has read. A field of an unexpected type counts as absent.
func NeedsOf(cluster map[string]any) Needs {
	n := Needs{Pods: map[string]int{}, Templates: map[string]map[string]int{}}
	spec := get[map[string]any](cluster, "spec")
	for _, c := range objectsOf(spec, "componentSpecs") {
		n.add(c)
		n.addPods(get[string](c, "name"), c, 1)
	}
	for _, s := range slices.Concat(objectsOf(spec, "shardings"), objectsOf(spec, "shardingSpecs")) {
		template := get[map[string]any](s, "template")
		n.add(template)
		n.addPods(get[string](s, "name"), template, count(s, "shards"))
	}
	for _, list := range []*[]string{&n.StorageClasses, &n.ComponentDefinitions, &n.ServiceAccounts} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return n
}

func (n *Needs) addPods(name string, component map[string]any, times int) {
	n.Pods[name], n.Templates[name] = count(component, "replicas")*times, map[string]int{}
	for _, template := range objectsOf(component, "instances") {
		n.Templates[name][get[string](template, "name")] = count(template, "replicas") * times
	}
}

func (n *Needs) add(component map[string]any) {
	addName(&n.ComponentDefinitions, get[string](component, "componentDef"))
	addName(&n.ServiceAccounts, get[string](component, "serviceAccountName"))
	for _, claim := range objectsOf(component, "volumeClaimTemplates") {
		addName(&n.StorageClasses, get[string](get[map[string]any](claim, "spec"), "storageClassName"))
	}
}

func addName(list *[]string, name string) {
	if name != "" && len(name) <= maxName {
		*list = append(*list, name)
	}
}

// count returns a number of replicas or shards. It is limited: more than there are nodes make no difference.
func count(object map[string]any, field string) int {
	n := get[float64](object, field)
	if n != math.Trunc(n) {
		return 1
	}
	return int(min(max(n, 1), 10_000))
}

// get returns a field of a decoded JSON object, or the zero value where it has another type.
func get[T any](object map[string]any, field string) T {
	value, _ := object[field].(T)
	return value
}

// objectsOf returns the elements of a list. One that is no object is nil.
func objectsOf(object map[string]any, field string) []map[string]any {
	list := get[[]any](object, field)
	objects := make([]map[string]any, len(list))
	for i, element := range list {
		objects[i], _ = element.(map[string]any)
	}
	return objects
}
