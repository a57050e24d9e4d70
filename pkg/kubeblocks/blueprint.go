package kubeblocks

import (
	"errors"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/json"
)

// Blueprint is the part of a Cluster that its Pods and volume claims follow from. It is decoded from a manifest or a snapshot only: the
// views of live objects do not hold as much.
//
// +kubebuilder:object:generate=false
type Blueprint struct {
	Metadata struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
		// Annotations can hold passwords: never print them.
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec BlueprintSpec `json:"spec"`
}

// BlueprintSpec is the spec of a Blueprint.
//
// +kubebuilder:object:generate=false
type BlueprintSpec struct {
	SchedulingPolicy *PodPolicy           `json:"schedulingPolicy"`
	ComponentSpecs   []BlueprintComponent `json:"componentSpecs"`
	Shardings        []BlueprintSharding  `json:"shardings"`
	ShardingSpecs    []BlueprintSharding  `json:"shardingSpecs"`
	LegacyPolicy
}

// PodPolicy is a scheduling policy with the name of the scheduler.
//
// +kubebuilder:object:generate=false
type PodPolicy struct {
	SchedulingPolicy
	SchedulerName string `json:"schedulerName"`
}

// BlueprintComponent is a component, the template of a sharding's shards, or a shard template.
//
// +kubebuilder:object:generate=false
type BlueprintComponent struct {
	Name string `json:"name"`
	// Shards is how many shards a shard template has.
	Shards               *int32                      `json:"shards"`
	Labels               map[string]string           `json:"labels"`
	Replicas             *int32                      `json:"replicas"`
	SchedulingPolicy     *PodPolicy                  `json:"schedulingPolicy"`
	Resources            corev1.ResourceRequirements `json:"resources"`
	VolumeClaimTemplates []ClaimTemplate             `json:"volumeClaimTemplates"`
	Instances            []BlueprintInstance         `json:"instances"`
	FlatInstanceOrdinal  bool                        `json:"flatInstanceOrdinal"`
	Stop                 bool                        `json:"stop"`
	LegacyPolicy
}

// BlueprintInstance is an instance template.
//
// +kubebuilder:object:generate=false
type BlueprintInstance struct {
	Name                 string                       `json:"name"`
	Labels               map[string]string            `json:"labels"`
	Replicas             *int32                       `json:"replicas"`
	SchedulingPolicy     *PodPolicy                   `json:"schedulingPolicy"`
	Resources            *corev1.ResourceRequirements `json:"resources"`
	VolumeClaimTemplates []ClaimTemplate              `json:"volumeClaimTemplates"`
	Ordinals             struct {
		Ranges []struct {
			Start int32 `json:"start"`
		} `json:"ranges"`
	} `json:"ordinals"`
}

// ClaimTemplate is a volume claim that each Pod of a component gets.
//
// +kubebuilder:object:generate=false
type ClaimTemplate struct {
	Name string                           `json:"name"`
	Spec corev1.PersistentVolumeClaimSpec `json:"spec"`
}

// BlueprintSharding is a group of like components.
//
// +kubebuilder:object:generate=false
type BlueprintSharding struct {
	Name           string               `json:"name"`
	Shards         int32                `json:"shards"`
	Template       BlueprintComponent   `json:"template"`
	ShardTemplates []BlueprintComponent `json:"shardTemplates"`
}

// LegacyPolicy holds the fields of KubeBlocks 0.9 from which it computes rules with the live names. A scheduling policy replaces them.
//
// +kubebuilder:object:generate=false
type LegacyPolicy struct {
	LegacyAffinity    *LegacyAffinity     `json:"affinity"`
	LegacyTolerations []corev1.Toleration `json:"tolerations"`
}

// LegacyAffinity says how the Pods of a component are spread, and on which nodes.
//
// +kubebuilder:object:generate=false
type LegacyAffinity struct {
	PodAntiAffinity string            `json:"podAntiAffinity"`
	TopologyKeys    []string          `json:"topologyKeys"`
	NodeLabels      map[string]string `json:"nodeLabels"`
	Tenancy         string            `json:"tenancy"`
}

// BlueprintOf decodes a Cluster, whose form SourceOfSnapshot has checked. The error quotes nothing of it.
func BlueprintOf(cluster []byte) (*Blueprint, error) {
	b := &Blueprint{}
	if err := json.UnmarshalCaseSensitivePreserveInts(cluster, b); err != nil {
		return nil, errors.New(describeJSONError(err))
	}
	return b, nil
}

// RestoresByJobs reports whether restore Pods with the rules of the Component write the volumes before any database Pod exists.
// KubeBlocks 1.2 writes them where a database Pod has been placed.
func (v Version) RestoresByJobs() bool { return v != V12 }

// LabelsTemplate reports whether a database Pod is labelled with its instance template.
func (v Version) LabelsTemplate() bool { return v == V11 || v == V12 }

// LabelsRestorePods reports whether a restore Pod has the labels of the database Pod whose volumes it writes.
func (v Version) LabelsRestorePods() bool { return v != V09 }

// RewritesOps reports whether an OpsRequest of type Restore rewrites rules by itself.
func (v Version) RewritesOps() bool { return v != V09 }

// RestorePolicy returns the rules of the Pods that restore an instance template: KubeBlocks 0.9 takes those of the component, and no
// node selector.
func (v Version) RestorePolicy(component, template *PodPolicy) *PodPolicy {
	switch {
	case v != V09:
		return v.TemplatePolicy(component, template)
	case component == nil:
		return nil
	}
	restore := *component
	restore.NodeName, restore.NodeSelector, restore.SchedulerName = "", nil, ""
	return &restore
}

// TemplatePolicy returns the rules of the database Pods of an instance template. Its policy replaces that of the component; with
// KubeBlocks 0.9 it is added to it.
func (v Version) TemplatePolicy(component, template *PodPolicy) *PodPolicy {
	switch {
	case template == nil:
		return component
	case component == nil, v != V09:
		return template
	}
	return mergePolicies(component, template)
}

// ComponentPolicy returns the rules of a component. The Cluster's rules count where the component has none. With KubeBlocks 0.9, the
// legacy fields count where neither has any.
func (v Version) ComponentPolicy(cluster, component string, spec *BlueprintSpec, of *BlueprintComponent) *PodPolicy {
	switch {
	case of.SchedulingPolicy != nil:
		return of.SchedulingPolicy
	case spec.SchedulingPolicy != nil:
		return spec.SchedulingPolicy
	case v == V09:
		return legacyPolicy(cluster, component, spec.LegacyPolicy, of.LegacyPolicy)
	}
	return nil
}

// inTreePolicy does to a policy what an OpsRequest does: see inTree.
func inTreePolicy(p *PodPolicy, target string) {
	if p != nil {
		inTreeRules(p.Affinity, p.TopologySpreadConstraints, target)
	}
}

// PodTerms lists the terms of an affinity that select Pods.
func PodTerms(a *corev1.Affinity) []*corev1.PodAffinityTerm {
	var terms []*corev1.PodAffinityTerm
	add := func(required []corev1.PodAffinityTerm, preferred []corev1.WeightedPodAffinityTerm) {
		for i := range required {
			terms = append(terms, &required[i])
		}
		for i := range preferred {
			terms = append(terms, &preferred[i].PodAffinityTerm)
		}
	}
	if a != nil && a.PodAffinity != nil {
		add(a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution, a.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if a != nil && a.PodAntiAffinity != nil {
		add(a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution, a.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	return terms
}

// RewriteAsOps rewrites a Blueprint as an OpsRequest of KubeBlocks 1.0.1 and later does. It leaves out instance and shard templates.
func RewriteAsOps(b *Blueprint, target string) {
	inTreePolicy(b.Spec.SchedulingPolicy, target)
	for i := range b.Spec.ComponentSpecs {
		inTreePolicy(b.Spec.ComponentSpecs[i].SchedulingPolicy, target)
	}
	for i := range b.Spec.Shardings {
		inTreePolicy(b.Spec.Shardings[i].Template.SchedulingPolicy, target)
	}
}
