package kubeblocks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// DatabasePod is a database Pod that KubeBlocks creates for a Cluster, now or later.
//
// +kubebuilder:object:generate=false
type DatabasePod struct {
	Name   string
	Labels map[string]string
	// Policy is the one of the Cluster that the Pod gets its rules from; nil where there is none.
	Policy *rewrite.Policy
	// Ambiguous says that the Pod can get rules from other policies, too: from a shard template, from another instance template
	// where nothing shows which one it has or, with KubeBlocks 0.9, from both its component and its instance template.
	Ambiguous    bool
	NodeSelector map[string]string
	NodeAffinity *corev1.NodeAffinity
	Tolerations  []corev1.Toleration
	// Claims are its volume claims that exist.
	Claims []*corev1.PersistentVolumeClaim
}

// Has reports whether the Cluster has a component or a sharding of that name.
func (c *Cluster) Has(component string) bool { return slices.Contains(c.Components(), component) }

// Components lists the names of the components and shardings of the Cluster.
func (c *Cluster) Components() []string {
	shardings := slices.Concat(c.Spec.Shardings, c.Spec.ShardingSpecs)
	names := make([]string, 0, len(c.Spec.ComponentSpecs)+len(shardings))
	for i := range c.Spec.ComponentSpecs {
		names = append(names, c.Spec.ComponentSpecs[i].Name)
	}
	for _, sharding := range shardings {
		names = append(names, sharding.Name)
	}
	return names
}

// DatabasePods lists the database Pods of a Cluster's Components: those that have volume claims, and as many more as the
// Components have replicas. policies are those of the Cluster, apps the version in which KubeBlocks works with Clusters.
func DatabasePods(apps schema.GroupVersion, c *Cluster, policies []rewrite.Policy, components []Component, claims []corev1.PersistentVolumeClaim) []DatabasePod {
	pods := make([]DatabasePod, 0, len(claims))
	for i := range components {
		d := database{apps: apps, cluster: c, policies: policies, component: &components[i]}
		pods = append(pods, d.pods(claims)...)
	}
	return pods
}

// database is the Pods of one Component.
type database struct {
	apps      schema.GroupVersion
	cluster   *Cluster
	policies  []rewrite.Policy
	component *Component
}

func (d *database) pods(claims []corev1.PersistentVolumeClaim) []DatabasePod {
	byName := map[string][]*corev1.PersistentVolumeClaim{}
	for i := range claims {
		if name := d.podOf(&claims[i]); name != "" {
			byName[name] = append(byName[name], &claims[i])
		}
	}
	var pods []DatabasePod
	count := map[string]int32{}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		template, known := d.templateOf(name, byName[name])
		count[template]++
		pod := d.pod(name, template, byName[name])
		pod.Ambiguous = pod.Ambiguous || !known
		pods = append(pods, pod)
	}
	for template, replicas := range d.replicas() {
		for n := count[template]; n < replicas; n++ {
			pods = append(pods, d.pod(fmt.Sprintf("%s-%s-new-%d", d.component.Name, template, n), template, nil))
		}
	}
	return pods
}

// templateOf returns the instance template of a Pod with these claims. Where ordinals are flat, the name does not show it.
func (d *database) templateOf(pod string, claims []*corev1.PersistentVolumeClaim) (template string, known bool) {
	for _, claim := range claims {
		if _, labelled := claim.Labels[LabelInstanceTemplate]; labelled {
			return TemplateOf(pod, claim.Labels, d.component.Name), true
		}
	}
	flat := d.component.Spec.FlatInstanceOrdinal && len(d.component.Spec.Instances) > 0
	return TemplateOf(pod, nil, d.component.Name), !flat
}

// podOf returns the name of the Pod that a claim belongs to, or nothing where that is no Pod of the Component. A claim is named
// after its volume and its Pod, and a Pod after its Component.
func (d *database) podOf(claim *corev1.PersistentVolumeClaim) string {
	if name := claim.Labels[LabelComponentName]; name != "" && name != d.component.Labels[LabelComponentName] {
		return ""
	}
	i := strings.Index(claim.Name, "-"+d.component.Name+"-")
	if i < 0 {
		return ""
	}
	return claim.Name[i+1:]
}

// replicas returns how many Pods each instance template has; the empty name is that of the Pods without one.
func (d *database) replicas() map[string]int32 {
	replicas := map[string]int32{"": d.component.Spec.Replicas}
	for _, instance := range d.component.Spec.Instances {
		n := int32(1)
		if instance.Replicas != nil {
			n = *instance.Replicas
		}
		replicas[instance.Name] = n
		replicas[""] -= n
	}
	return replicas
}

func (d *database) pod(name, template string, claims []*corev1.PersistentVolumeClaim) DatabasePod {
	labels := maps.Clone(d.component.Spec.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	for _, instance := range d.component.Spec.Instances {
		if instance.Name == template {
			maps.Copy(labels, instance.Labels)
		}
	}
	maps.Copy(labels, map[string]string{
		LabelInstance:         d.cluster.Name,
		LabelManagedBy:        "kubeblocks",
		LabelComponentName:    d.component.Labels[LabelComponentName],
		LabelWorkload:         d.component.Name,
		rewrite.LabelPodName:  name,
		LabelInstanceTemplate: template,
	})
	if sharding := d.component.Labels[LabelShardingName]; sharding != "" {
		labels[LabelShardingName] = sharding
	}
	pod := DatabasePod{Name: name, Labels: labels, Claims: claims}
	pod.Policy, pod.Ambiguous = d.policyOf(template)
	d.place(&pod, template)
	return pod
}

// policyOf returns the policy of the Cluster that Pods of an instance template get their rules from: the nearest replaces the others.
func (d *database) policyOf(template string) (policy *rewrite.Policy, ambiguous bool) {
	short := ShortName(d.component.Labels)
	nearest := 0
	for i := range d.policies {
		p := &d.policies[i]
		near := 0
		switch {
		case p.Component == "":
			near = 1
		case p.Component != short:
		case strings.Contains(p.Path, "/shardTemplates/"):
			ambiguous = true
		case p.Template == "":
			near = 2
		case p.Template == template:
			near = 3
			ambiguous = ambiguous || d.apps == AppsV1alpha1 // KubeBlocks 0.9 appends the rules of a template
		}
		if near > nearest {
			nearest, policy = near, p
		}
	}
	return policy, ambiguous
}

// place fills in which nodes the Pod may run on. The Component's policy holds what the operator of KubeBlocks adds, too.
func (d *database) place(pod *DatabasePod, template string) {
	policy := d.component.Spec.SchedulingPolicy
	for _, instance := range d.component.Spec.Instances {
		if instance.Name == template && instance.SchedulingPolicy != nil {
			policy = instance.SchedulingPolicy
		}
	}
	if policy == nil {
		return
	}
	pod.NodeSelector, pod.Tolerations = policy.NodeSelector, policy.Tolerations
	if policy.Affinity != nil {
		pod.NodeAffinity = policy.Affinity.NodeAffinity
	}
}

// Shard returns the generated component name that KubeBlocks writes where a rule of a sharding has an empty one; empty for Pods
// that belong to no shard.
func (p *DatabasePod) Shard() string {
	if p.Labels[LabelShardingName] == "" {
		return ""
	}
	return p.Labels[LabelComponentName]
}

// Knows reports whether the value of a label of the Pod is known before the Pod exists. A role is given to running Pods only.
func (p *DatabasePod) Knows(label string) bool {
	_, known := p.Labels[label]
	return known || label == labelRole || label == LabelShardingName || label == rewrite.LabelClusterUID || label == rewrite.LabelStatefulSetPod
}
