package kubeblocks

import (
	"encoding/json"
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

// needy is the part of a component that needs something.
type needy struct {
	Name               string `json:"name"`
	Replicas           int    `json:"replicas"`
	ComponentDef       string `json:"componentDef"`
	ServiceAccountName string `json:"serviceAccountName"`
	Instances          []struct {
		Name     string `json:"name"`
		Replicas int    `json:"replicas"`
	} `json:"instances"`
	Claims []struct {
		Spec struct {
			StorageClassName string `json:"storageClassName"`
		} `json:"spec"`
	} `json:"volumeClaimTemplates"`
}

type needySharding struct {
	Name     string `json:"name"`
	Shards   int    `json:"shards"`
	Template needy  `json:"template"`
}

// NeedsOf returns the needs of a snapshot that SnapshotOf has read. A field of an unexpected type counts as absent.
func NeedsOf(snapshot []byte) Needs {
	var cluster struct {
		Spec struct {
			ComponentSpecs []needy         `json:"componentSpecs"`
			Shardings      []needySharding `json:"shardings"`
			ShardingSpecs  []needySharding `json:"shardingSpecs"`
		} `json:"spec"`
	}
	_ = json.Unmarshal(snapshot, &cluster) // what it decodes before and after a wrong type is enough
	n := Needs{Pods: map[string]int{}, Templates: map[string]map[string]int{}}
	for i := range cluster.Spec.ComponentSpecs {
		c := &cluster.Spec.ComponentSpecs[i]
		n.add(c)
		n.addPods(c.Name, c, 1)
	}
	for _, s := range slices.Concat(cluster.Spec.Shardings, cluster.Spec.ShardingSpecs) {
		n.add(&s.Template)
		n.addPods(s.Name, &s.Template, count(s.Shards))
	}
	for _, list := range []*[]string{&n.StorageClasses, &n.ComponentDefinitions, &n.ServiceAccounts} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return n
}

func (n *Needs) addPods(name string, c *needy, times int) {
	n.Pods[name], n.Templates[name] = count(c.Replicas)*times, map[string]int{}
	for _, template := range c.Instances {
		n.Templates[name][template.Name] = count(template.Replicas) * times
	}
}

func (n *Needs) add(c *needy) {
	addName(&n.ComponentDefinitions, c.ComponentDef)
	addName(&n.ServiceAccounts, c.ServiceAccountName)
	for i := range c.Claims {
		addName(&n.StorageClasses, c.Claims[i].Spec.StorageClassName)
	}
}

func addName(list *[]string, name string) {
	if name != "" && len(name) <= maxName {
		*list = append(*list, name)
	}
}

// count limits a number of replicas or shards: more than there are nodes make no difference.
func count(n int) int { return min(max(n, 1), 10_000) }
