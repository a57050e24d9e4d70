package kubeblocks

import (
	"slices"
	"strconv"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// ClusterPolicies lists the scheduling policies of a Cluster, in all the places where any version keeps them.
func ClusterPolicies(c *Cluster) []rewrite.Policy {
	var list policyList
	list.add(c.Spec.SchedulingPolicy, rewrite.Policy{Path: "/spec"})
	list.addComponents(c.Spec.ComponentSpecs, "/spec/componentSpecs", "componentSpecs")
	list.addShardings(c.Spec.Shardings, "/spec/shardings")
	list.addShardings(c.Spec.ShardingSpecs, "/spec/shardingSpecs")
	return list
}

// ComponentPolicies lists the scheduling policies of a Component. KubeBlocks makes them of the Cluster's.
func ComponentPolicies(c *Component) []rewrite.Policy {
	derived := rewrite.Policy{
		Path: "/spec", Place: "Component " + c.Name, Component: ShortName(c.Labels), Derived: true, Shard: shardName(c.Labels),
	}
	var list policyList
	list.add(c.Spec.SchedulingPolicy, derived)
	list.addInstances(c.Spec.Instances, derived)
	return list
}

// RestorePolicies lists the scheduling policy of a Restore's Pods, where it has any. KubeBlocks makes it of the owning
// Component's.
func RestorePolicies(r *Restore, owner *Component) []rewrite.Policy {
	if r.Spec.PrepareDataConfig == nil {
		return nil
	}
	var list policyList
	list.addAt(&r.Spec.PrepareDataConfig.SchedulingSpec, rewrite.Policy{
		Path: "/spec/prepareDataConfig/schedulingSpec", Place: "Restore " + r.Name,
		Component: ShortName(owner.Labels), Derived: true, Shard: shardName(owner.Labels),
	})
	return list
}

// ShortName returns the name by which the Cluster's spec calls the component that an object is labelled with: that of its
// sharding, where it belongs to a shard.
func ShortName(labels map[string]string) string {
	if sharding := labels[LabelShardingName]; sharding != "" {
		return sharding
	}
	return labels[LabelComponentName]
}

// shardName returns the generated name of the shard that an object is labelled with, or an empty string.
func shardName(labels map[string]string) string {
	if labels[LabelShardingName] == "" {
		return ""
	}
	return labels[LabelComponentName]
}

// policyList collects policies. The Path of the policy given to its methods is that of the policy's owner.
type policyList []rewrite.Policy

func (l *policyList) add(p *SchedulingPolicy, at rewrite.Policy) {
	if p == nil {
		return
	}
	at.Path += "/schedulingPolicy"
	l.addAt(p, at)
}

func (l *policyList) addAt(p *SchedulingPolicy, at rewrite.Policy) {
	at.NodeName, at.NodeSelector = p.NodeName, p.NodeSelector
	at.Affinity, at.TopologySpreadConstraints = p.Affinity, p.TopologySpreadConstraints
	*l = append(*l, at)
}

func (l *policyList) addInstances(instances []InstanceTemplate, owner rewrite.Policy) {
	for i, instance := range instances {
		at := owner
		at.Path += "/instances/" + strconv.Itoa(i)
		at.Place += "/instances/" + instance.Name
		l.add(instance.SchedulingPolicy, at)
	}
}

func (l *policyList) addComponents(specs []ComponentSpec, path, place string) {
	*l = slices.Grow(*l, len(specs))
	for i, spec := range specs {
		l.addComponent(spec, rewrite.Policy{
			Path: path + "/" + strconv.Itoa(i), Place: place + "/" + spec.Name, Component: spec.Name,
		})
	}
}

func (l *policyList) addComponent(spec ComponentSpec, at rewrite.Policy) {
	l.add(spec.SchedulingPolicy, at)
	l.addInstances(spec.Instances, at)
}

// addShardings gives shardings the same place whatever the version calls their field: a snapshot of one version can be
// restored by another.
func (l *policyList) addShardings(shardings []Sharding, path string) {
	for i, sharding := range shardings {
		at := rewrite.Policy{
			Path: path + "/" + strconv.Itoa(i), Place: "shardings/" + sharding.Name, Component: sharding.Name,
		}
		template := at
		template.Path += "/template"
		template.Place += "/template"
		l.addComponent(sharding.Template, template)
		for j, spec := range sharding.ShardTemplates {
			shard := at
			shard.Path += "/shardTemplates/" + strconv.Itoa(j)
			shard.Place += "/shardTemplates/" + spec.Name
			l.addComponent(spec, shard)
		}
	}
}
