package kubeblocks

import (
	"slices"
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// ClusterPolicies lists the scheduling policies of a Cluster, in the places of every version.
func ClusterPolicies(c *Cluster) []rewrite.Policy {
	var list policyList
	list.add(c.Spec.SchedulingPolicy, rewrite.Policy{Path: "/spec"})
	list.addComponents(c.Spec.ComponentSpecs, "/spec/componentSpecs", "componentSpecs")
	list.addShardings(c.Spec.Shardings, "/spec/shardings")
	list.addShardings(c.Spec.ShardingSpecs, "/spec/shardingSpecs")
	return list
}

// Overriding returns the components and shardings that have a policy of their own for all Pods, by name. The Cluster's own policy governs
// none of these.
func Overriding(policies []rewrite.Policy) map[string]bool {
	overriding := map[string]bool{}
	for i := range policies {
		if p := &policies[i]; p.Component != "" && governsAll(p) {
			overriding[p.Component] = true
		}
	}
	return overriding
}

// governsAll reports whether a policy of a Cluster is neither that of an instance template nor that of some shards.
func governsAll(p *rewrite.Policy) bool {
	return p.Template == "" && !strings.Contains(p.Path, shardTemplates)
}

// shardTemplates is in the paths and places of policies that govern only some of a sharding's shards.
const shardTemplates = "/shardTemplates/"

// tolerationsOf returns the tolerations of the scheduling policies of a Cluster, by path.
func tolerationsOf(c *Cluster) map[string][]corev1.Toleration {
	all := map[string][]corev1.Toleration{}
	add := func(p *SchedulingPolicy, path string) {
		if p != nil && len(p.Tolerations) > 0 {
			all[path+"/schedulingPolicy"] = p.Tolerations
		}
	}
	addComponent := func(spec *ComponentSpec, path string) {
		add(spec.SchedulingPolicy, path)
		for i := range spec.Instances {
			add(spec.Instances[i].SchedulingPolicy, path+"/instances/"+strconv.Itoa(i))
		}
	}
	add(c.Spec.SchedulingPolicy, "/spec")
	for i := range c.Spec.ComponentSpecs {
		addComponent(&c.Spec.ComponentSpecs[i], "/spec/componentSpecs/"+strconv.Itoa(i))
	}
	for path, shardings := range map[string][]Sharding{"/spec/shardings/": c.Spec.Shardings, "/spec/shardingSpecs/": c.Spec.ShardingSpecs} {
		for i := range shardings {
			addComponent(&shardings[i].Template, path+strconv.Itoa(i)+"/template")
			for j := range shardings[i].ShardTemplates {
				addComponent(&shardings[i].ShardTemplates[j], path+strconv.Itoa(i)+shardTemplates+strconv.Itoa(j))
			}
		}
	}
	return all
}

// ComponentPolicies lists the scheduling policies of a Component. KubeBlocks derives them from the Cluster's.
func ComponentPolicies(c *Component) []rewrite.Policy {
	at := derived(c.Labels, "/spec", "Component "+c.Name)
	var list policyList
	list.add(c.Spec.SchedulingPolicy, at)
	list.addInstances(c.Spec.Instances, at)
	return list
}

// RestorePolicies lists the scheduling policy of a Restore's Pods, if it has one. KubeBlocks derives it from the owning
// Component's.
func RestorePolicies(r *Restore, owner *Component) []rewrite.Policy {
	if r.Spec.PrepareDataConfig == nil {
		return nil
	}
	var list policyList
	if spec := r.Spec.PrepareDataConfig.SchedulingSpec; spec != nil {
		list.addAt(spec, derived(owner.Labels, SchedulingSpecPath, "Restore "+r.Name))
	}
	return list
}

// SchedulingSpecPath is the JSON Pointer of a Restore's schedulingSpec.
const SchedulingSpecPath = "/spec/prepareDataConfig/schedulingSpec"

// JobPolicies lists the scheduling policy of a Job's Pods. KubeBlocks derives it from the Restore's.
func JobPolicies(j *batchv1.Job, owner *Component) []rewrite.Policy {
	return podSpecPolicies(&j.Spec.Template.Spec, derived(owner.Labels, "/spec/template/spec", "Job "+j.Name))
}

// PodPolicies lists the scheduling policy of a Pod of a component.
func PodPolicies(p *corev1.Pod, owner *Component) []rewrite.Policy {
	return podSpecPolicies(&p.Spec, derived(owner.Labels, "/spec", "Pod "+p.Name))
}

// InstanceSetPolicies lists the scheduling policies of an InstanceSet. KubeBlocks derives them from the Component's.
func InstanceSetPolicies(s *InstanceSet, owner *Component) []rewrite.Policy {
	at := derived(owner.Labels, "/spec/template/spec", "InstanceSet "+s.Name)
	var list policyList
	list.addAt(&s.Spec.Template.Spec, at)
	at.Path = "/spec"
	list.addInstances(s.Spec.Instances, at)
	return list
}

// derived returns a policy without rules for an object that KubeBlocks created with the given labels.
func derived(labels map[string]string, path, place string) rewrite.Policy {
	return rewrite.Policy{Path: path, Place: place, Component: ShortName(labels), Derived: true, Shard: shardName(labels)}
}

func podSpecPolicies(spec *corev1.PodSpec, at rewrite.Policy) []rewrite.Policy {
	var list policyList
	list.addAt(&SchedulingPolicy{
		NodeName: spec.NodeName, NodeSelector: spec.NodeSelector,
		Affinity: spec.Affinity, TopologySpreadConstraints: spec.TopologySpreadConstraints,
	}, at)
	return list
}

// ShortName returns the name that the Cluster's spec has for the component of a labelled object. For a shard, that is the name
// of its sharding.
func ShortName(labels map[string]string) string {
	if sharding := labels[LabelShardingName]; sharding != "" {
		return sharding
	}
	return labels[LabelComponentName]
}

// shardName returns the generated name of the shard of a labelled object, or an empty string.
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
		at.Template = instance.Name
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

// addShardings gives shardings the same place in every version, because a snapshot of one can be restored by another.
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
			shard.Path += shardTemplates + strconv.Itoa(j)
			shard.Place += shardTemplates + spec.Name
			l.addComponent(spec, shard)
		}
	}
}
