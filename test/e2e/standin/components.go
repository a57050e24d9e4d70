package standin

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// policy is a scheduling policy. An InstanceSet has the same fields in the spec of its template.
type policy = map[string]any

// componentSpec is the part of a component in a Cluster that this package knows.
type componentSpec struct {
	Name                   string           `json:"name,omitempty"`
	Replicas               int              `json:"replicas,omitempty"`
	SchedulingPolicy       policy           `json:"schedulingPolicy,omitempty"`
	Instances              []instanceSpec   `json:"instances,omitempty"`
	FlatInstanceOrdinal    bool             `json:"flatInstanceOrdinal,omitempty"`
	EnableInstanceAPI      bool             `json:"enableInstanceAPI,omitempty"`
	InstanceUpdateStrategy map[string]any   `json:"instanceUpdateStrategy,omitempty"`
	PodManagementPolicy    string           `json:"podManagementPolicy,omitempty"`
	VolumeClaimTemplates   []map[string]any `json:"volumeClaimTemplates,omitempty"`
	Resources              map[string]any   `json:"resources,omitempty"`
}

// instanceSpec is an instance template.
type instanceSpec struct {
	Name             string `json:"name"`
	Replicas         int    `json:"replicas"`
	SchedulingPolicy policy `json:"schedulingPolicy,omitempty"`
}

// sharding is a group of like components. Shard templates replace parts of the template for some of the shards.
type sharding struct {
	Name           string        `json:"name"`
	Shards         int           `json:"shards"`
	Template       componentSpec `json:"template"`
	ShardTemplates []struct {
		componentSpec
		Shards int `json:"shards"`
	} `json:"shardTemplates,omitempty"`
}

// component is a component of a Cluster, or a shard.
type component struct {
	componentSpec
	sharding string
}

// componentsOf returns the components and shards of a Cluster, with their policies.
func componentsOf(cluster *unstructured.Unstructured) ([]component, error) {
	var spec struct {
		SchedulingPolicy policy          `json:"schedulingPolicy"`
		ComponentSpecs   []componentSpec `json:"componentSpecs"`
		Shardings        []sharding      `json:"shardings"`
	}
	if err := convert(cluster.Object["spec"], &spec); err != nil {
		return nil, err
	}
	var components []component
	for _, s := range spec.ComponentSpecs {
		components = append(components, component{componentSpec: s})
	}
	for _, s := range spec.Shardings {
		components = append(components, s.shards(string(cluster.GetUID()))...)
	}
	for i := range components {
		if components[i].SchedulingPolicy == nil {
			components[i].SchedulingPolicy = spec.SchedulingPolicy
		}
	}
	return components, nil
}

// shards returns the shards. Their generated names differ from one Cluster to another.
func (s sharding) shards(seed string) []component {
	var shards []component
	add := func(spec componentSpec) {
		spec.Name = fmt.Sprintf("%s-%.2s%d", s.Name, seed, len(shards))
		shards = append(shards, component{componentSpec: spec, sharding: s.Name})
	}
	for _, t := range s.ShardTemplates {
		spec := s.Template
		if t.SchedulingPolicy != nil {
			spec.SchedulingPolicy = t.SchedulingPolicy
		}
		if t.Instances != nil {
			spec.Instances = t.Instances
		}
		for range t.Shards {
			add(spec)
		}
	}
	for len(shards) < s.Shards {
		add(s.Template)
	}
	return shards
}

// ensureWorkload creates the Component and the InstanceSet, and has them follow the Cluster. It returns the InstanceSet.
func (k *KubeBlocks) ensureWorkload(ctx context.Context, cluster *unstructured.Unstructured, c component) (*unstructured.Unstructured, error) {
	labels := map[string]string{kubeblocks.LabelInstance: cluster.GetName(), kubeblocks.LabelComponentName: c.Name}
	if c.sharding != "" {
		labels[kubeblocks.LabelShardingName] = c.sharding
	}
	owned := newObject(kubeblocks.AppsV1.WithKind("Component"), k.namespace, cluster.GetName()+"-"+c.Name, cluster)
	owned.SetLabels(labels)
	var err error
	if owned.Object["spec"], err = asJSON(c.componentSpec); err != nil {
		return nil, err
	}
	if owned, err = k.ensure(ctx, owned); err != nil {
		return nil, err
	}

	set := newObject(workloads.WithKind("InstanceSet"), k.namespace, owned.GetName(), owned)
	set.SetLabels(labels)
	set.Object["spec"], err = asJSON(map[string]any{
		"replicas":               c.Replicas,
		"template":               map[string]any{"spec": c.SchedulingPolicy},
		"instances":              c.Instances,
		"flatInstanceOrdinal":    c.FlatInstanceOrdinal,
		"instanceUpdateStrategy": c.InstanceUpdateStrategy,
		"podManagementPolicy":    c.PodManagementPolicy,
		"volumeClaimTemplates":   c.VolumeClaimTemplates,
	})
	if err != nil {
		return nil, err
	}
	return k.ensure(ctx, set)
}

// replica is a Pod that a component must have.
type replica struct {
	name, template string
	policy         policy
}

// replicas returns the Pods of a component: first those without a template.
func (c *component) replicas(workload string) []replica {
	plain := c.Replicas
	for _, i := range c.Instances {
		plain -= i.Replicas
	}
	groups := append([]instanceSpec{{Replicas: plain}}, c.Instances...)
	var all []replica
	for _, g := range groups {
		for n := range g.Replicas {
			r := replica{name: fmt.Sprintf("%s-%s-%d", workload, g.Name, n), template: g.Name, policy: g.SchedulingPolicy}
			if r.policy == nil {
				r.policy = c.SchedulingPolicy
			}
			if g.Name == "" || c.FlatInstanceOrdinal {
				r.name = fmt.Sprintf("%s-%d", workload, len(all))
			}
			all = append(all, r)
		}
	}
	return all
}

func (c *component) onDelete() bool { return c.InstanceUpdateStrategy["type"] == "OnDelete" }

// convert decodes JSON that was parsed already.
func convert(from, to any) error {
	data, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, to)
}

// asJSON returns a value as an unstructured object holds it, without what is empty.
func asJSON(value any) (map[string]any, error) {
	var object map[string]any
	if err := convert(value, &object); err != nil {
		return nil, err
	}
	for key, member := range object {
		if member == nil || member == "" || member == false {
			delete(object, key)
		}
	}
	return object, nil
}

// equal compares what is stored with what was built: numbers can have other types.
func equal(a, b any) bool {
	left, errLeft := json.Marshal(a)
	right, errRight := json.Marshal(b)
	return errLeft == nil && errRight == nil && string(left) == string(right)
}

// controlledBy returns the owner reference to an object that controls another.
func controlledBy(owner *unstructured.Unstructured) []metav1.OwnerReference {
	return []metav1.OwnerReference{*metav1.NewControllerRef(owner, owner.GroupVersionKind())}
}
