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

// The limits of the database Pods of one Cluster that are described. Their number is a field that anybody can set, and each Pod has a
// copy of the labels of its Component.
const (
	MaxDatabasePods = 1000
	maxPodLabels    = 100 * MaxDatabasePods
)

// DatabasePods lists the database Pods of a Cluster's Components: those that have volume claims, and as many more as the
// Components have replicas. policies are those of the Cluster, apps the version in which KubeBlocks works with Clusters. Where the
// Pods or their labels are too many, complete is false. The Pods then have no rules and none of the labels that Components
// add, and of those without claims there is one for each Component.
func DatabasePods(
	apps schema.GroupVersion, c *Cluster, policies []rewrite.Policy, components []Component, claims []corev1.PersistentVolumeClaim,
) (pods []DatabasePod, complete bool) {
	databases := make([]database, 0, len(components))
	var size databaseSize
	for i := range components {
		d := database{apps: apps, cluster: c, policies: policies, component: &components[i]}
		d.find(claims)
		size.add(&d)
		databases = append(databases, d)
	}
	for i := range databases {
		if size.tooLarge() {
			pods = append(pods, databases[i].outlines()...)
		} else {
			pods = append(pods, databases[i].pods()...)
		}
	}
	return pods, !size.tooLarge()
}

// databaseSize counts Pods and their labels. One Component can ask for 2 billion Pods, so the sums need 64 bits.
type databaseSize struct{ pods, labels int64 }

func (s *databaseSize) add(d *database) {
	labels := map[string]int64{}
	for i := range d.component.Spec.Instances {
		labels[d.component.Spec.Instances[i].Name] = int64(len(d.component.Spec.Instances[i].Labels))
	}
	for template, pods := range d.total {
		pods = max(pods, 0)
		s.pods += pods
		s.labels += pods * (int64(len(d.component.Spec.Labels)) + labels[template])
	}
}

func (s *databaseSize) tooLarge() bool { return s.pods > MaxDatabasePods || s.labels > maxPodLabels }

// database is the Pods of one Component.
type database struct {
	apps      schema.GroupVersion
	cluster   *Cluster
	policies  []rewrite.Policy
	component *Component
	// claims are those of each Pod that has some, by its name. claimed is how many such Pods each instance template has, total how
	// many Pods with those that have none. All are set by find.
	claims         map[string][]*corev1.PersistentVolumeClaim
	claimed, total map[string]int64
}

// find counts the Pods.
func (d *database) find(claims []corev1.PersistentVolumeClaim) {
	d.claims, d.claimed, d.total = map[string][]*corev1.PersistentVolumeClaim{}, map[string]int64{}, d.replicas()
	for i := range claims {
		if name := d.podOf(&claims[i]); name != "" {
			d.claims[name] = append(d.claims[name], &claims[i])
		}
	}
	for name, claims := range d.claims {
		template, _ := d.templateOf(name, claims)
		d.claimed[template]++
	}
	for template, pods := range d.claimed {
		d.total[template] = max(d.total[template], pods)
	}
}

func (d *database) pods() []DatabasePod {
	var pods []DatabasePod
	for _, name := range slices.Sorted(maps.Keys(d.claims)) {
		template, known := d.templateOf(name, d.claims[name])
		pod := d.pod(name, template, d.claims[name])
		pod.Ambiguous = pod.Ambiguous || !known
		pods = append(pods, pod)
	}
	for template, total := range d.total {
		for n := d.claimed[template]; n < total; n++ {
			pods = append(pods, d.pod(fmt.Sprintf("%s-%s-new-%d", d.component.Name, template, n), template, nil))
		}
	}
	return pods
}

// outlines returns the Pods without what the Component adds to each: those with claims, and one for all others.
func (d *database) outlines() []DatabasePod {
	var pods []DatabasePod
	for _, name := range slices.Sorted(maps.Keys(d.claims)) {
		template, _ := d.templateOf(name, d.claims[name])
		pods = append(pods, DatabasePod{Name: name, Labels: d.ownLabels(name, template), Claims: d.claims[name]})
	}
	for template, total := range d.total {
		if total > d.claimed[template] {
			name := d.component.Name + "-new"
			return append(pods, DatabasePod{Name: name, Labels: d.ownLabels(name, template)})
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
func (d *database) replicas() map[string]int64 {
	replicas := map[string]int64{"": int64(d.component.Spec.Replicas)}
	for _, instance := range d.component.Spec.Instances {
		n := int64(1)
		if instance.Replicas != nil {
			n = int64(*instance.Replicas)
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
	maps.Copy(labels, d.ownLabels(name, template))
	pod := DatabasePod{Name: name, Labels: labels, Claims: claims}
	pod.Policy, pod.Ambiguous = d.policyOf(template)
	d.place(&pod, template)
	return pod
}

// ownLabels returns the labels that KubeBlocks itself gives to a Pod.
func (d *database) ownLabels(name, template string) map[string]string {
	labels := map[string]string{
		LabelInstance:         d.cluster.Name,
		LabelManagedBy:        "kubeblocks",
		LabelComponentName:    d.component.Labels[LabelComponentName],
		LabelWorkload:         d.component.Name,
		rewrite.LabelPodName:  name,
		LabelInstanceTemplate: template,
	}
	if sharding := d.component.Labels[LabelShardingName]; sharding != "" {
		labels[LabelShardingName] = sharding
	}
	return labels
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
		case strings.Contains(p.Path, shardTemplates):
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
