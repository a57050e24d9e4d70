package placement

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// labelWorkloadManager is a label that KubeBlocks gives database Pods, and with 1.0 and 1.1 their restore Pods.
const labelWorkloadManager = "workloads.kubeblocks.io/managed-by"

// instance is one Pod of a part.
type instance struct {
	*part
	// template is nil for an instance without one.
	template *kubeblocks.BlueprintInstance
	// suffix is the end of the names of the Pod and its claims: the template and the ordinal.
	suffix string
}

// instances lists the Pods of a part: those of the instance templates first. At most one more than maxPods is returned.
func (p *part) instances() []instance {
	var all []instance
	add := func(template *kubeblocks.BlueprintInstance, start, count int32) {
		for n := int32(0); n < count && len(all) <= maxPods; n++ {
			suffix := fmt.Sprint(start + n)
			switch {
			case p.spec.FlatInstanceOrdinal:
				suffix = fmt.Sprint(len(all))
			case template != nil:
				suffix = template.Name + "-" + suffix
			}
			all = append(all, instance{p, template, suffix})
		}
	}
	rest := int32(1)
	if p.spec.Replicas != nil {
		rest = *p.spec.Replicas
	}
	for i := range p.spec.Instances {
		t := &p.spec.Instances[i]
		count, start := int32(1), int32(0)
		if t.Replicas != nil {
			count = *t.Replicas
		}
		if len(t.Ordinals.Ranges) > 0 {
			start = t.Ordinals.Ranges[0].Start
		}
		add(t, start, count)
		rest -= count
	}
	add(nil, 0, rest)
	return all
}

// workload is the name of the part's InstanceSet.
func (p *part) workload() string { return p.restored.Cluster.Metadata.Name + "-" + p.name }

// database returns the database Pod and its claims.
func (i instance) database() (corev1.Pod, []corev1.PersistentVolumeClaim) {
	pod := newPod(i.restored.Cluster.Metadata.Namespace, i.workload()+"-"+i.suffix)
	pod.Labels = i.databaseLabels(pod.Name, i.ownerLabels())
	resources := i.resources()
	pod.Spec.Containers = []corev1.Container{{Name: "database", Resources: resources}}
	if i.like != nil {
		pod.Spec.Containers = append(pod.Spec.Containers, containersLike(i.like.Spec.Containers[1:])...)
		pod.Spec.InitContainers = containersLike(i.like.Spec.InitContainers)
		pod.Spec.Overhead, pod.Spec.PriorityClassName = i.like.Spec.Overhead, i.like.Spec.PriorityClassName
	}
	claims := i.claims(pod.Labels)
	for c := range claims {
		mount(&pod, claims[c].Name)
	}
	component := i.componentPolicy()
	policy := component
	if i.template != nil {
		policy = i.restored.Version.TemplatePolicy(component, i.template.SchedulingPolicy)
	}
	i.schedule(&pod, policy)
	return pod, claims
}

// containersLike copies what the scheduler reads of containers.
func containersLike(containers []corev1.Container) []corev1.Container {
	like := make([]corev1.Container, 0, len(containers))
	for _, c := range containers {
		like = append(like, corev1.Container{Name: c.Name, Resources: c.Resources, RestartPolicy: c.RestartPolicy})
	}
	return like
}

func (i instance) componentPolicy() *kubeblocks.PodPolicy {
	cluster := i.restored.Cluster
	return i.restored.Version.ComponentPolicy(cluster.Metadata.Name, i.name, &cluster.Spec, i.spec)
}

// databaseLabels returns the labels of the database Pod, given those of the owner. Those of its ComponentDefinition are known from a
// running Pod only.
func (i instance) databaseLabels(pod string, owner map[string]string) map[string]string {
	labels := map[string]string{}
	if i.like != nil {
		maps.Copy(labels, i.like.Labels)
		maps.DeleteFunc(labels, func(key, _ string) bool { return isOwnLabel(key) })
	}
	maps.Copy(labels, owner)
	maps.Copy(labels, map[string]string{
		kubeblocks.LabelInstance: i.restored.Cluster.Metadata.Name, kubeblocks.LabelManagedBy: "kubeblocks",
		kubeblocks.LabelComponentName: i.name, kubeblocks.LabelWorkload: i.workload(), rewrite.LabelPodName: pod,
		labelWorkloadManager: "InstanceSet",
	})
	if i.sharding != "" {
		labels[kubeblocks.LabelShardingName] = i.sharding
	}
	if i.restored.Version.LabelsTemplate() {
		labels[kubeblocks.LabelInstanceTemplate] = ""
		if i.template != nil {
			labels[kubeblocks.LabelInstanceTemplate] = i.template.Name
		}
	}
	return labels
}

// ownerLabels are the labels that the Cluster's owner gave the Pod.
func (i instance) ownerLabels() map[string]string {
	labels := map[string]string{}
	maps.Copy(labels, i.spec.Labels)
	if i.template != nil {
		maps.Copy(labels, i.template.Labels)
	}
	return labels
}

// isOwnLabel reports whether a label says which Pod a running Pod is, or what it does, so that another Pod has another value.
func isOwnLabel(key string) bool {
	switch key {
	case "kubeblocks.io/role", "workloads.kubeblocks.io/access-mode", "controller-revision-hash", "pod-template-hash",
		kubeblocks.LabelInstanceTemplate, kubeblocks.LabelShardingName,
		rewrite.LabelPodName, rewrite.LabelInstanceName, rewrite.LabelStatefulSetPod, rewrite.LabelClusterUID:
		return true
	}
	return false
}

// resources returns those of the database container: KubeBlocks sets a limit of 0 where nothing is given, and the API server requests
// what is limited.
func (i instance) resources() corev1.ResourceRequirements {
	resources := *i.spec.Resources.DeepCopy()
	if resources.Requests == nil {
		resources.Requests = corev1.ResourceList{}
	}
	if t := i.template; t != nil && t.Resources != nil {
		for name, quantity := range t.Resources.Requests {
			resources.Requests[name] = quantity
		}
		if resources.Limits == nil {
			resources.Limits = corev1.ResourceList{}
		}
		for name, quantity := range t.Resources.Limits {
			resources.Limits[name] = quantity
		}
	}
	for name, quantity := range resources.Limits {
		if _, ok := resources.Requests[name]; !ok {
			resources.Requests[name] = quantity
		}
	}
	return resources
}

// claims returns the volume claims of the Pod. A template of the same name replaces that of the component.
func (i instance) claims(labels map[string]string) []corev1.PersistentVolumeClaim {
	templates := slices.Clone(i.spec.VolumeClaimTemplates)
	if i.template != nil {
		for _, own := range i.template.VolumeClaimTemplates {
			templates = slices.DeleteFunc(templates, func(t kubeblocks.ClaimTemplate) bool { return t.Name == own.Name })
			templates = append(templates, own)
		}
	}
	claims := make([]corev1.PersistentVolumeClaim, 0, len(templates))
	for _, t := range templates {
		claim := corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{
			Namespace: i.restored.Cluster.Metadata.Namespace, Name: t.Name + "-" + i.workload() + "-" + i.suffix,
			Labels: maps.Clone(labels),
		}}
		claim.UID = types.UID("would-be/" + claim.Namespace + "/" + claim.Name)
		claim.Labels[labelClaimTemplate] = t.Name
		claim.Spec = *t.Spec.DeepCopy()
		if claim.Spec.StorageClassName == nil {
			claim.Spec.StorageClassName = i.defaultClass
		}
		if len(claim.Spec.AccessModes) == 0 {
			claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
		}
		claim.Status.Phase = corev1.ClaimPending
		claims = append(claims, claim)
	}
	return claims
}
