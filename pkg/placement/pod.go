package placement

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Pod is a Pod of a World. It is whole, or packed: then it shares what it has in common with other Pods.
type Pod struct {
	// object is the whole Pod, or what a scheduler reads of many Pods.
	object *corev1.Pod
	// own is nil for a whole Pod. Pods with the same object and the same own differ in their names and nodes only.
	own        *own
	name, node string
}

// own is what a scheduler reads of a packed Pod, and what many Pods do not have in common.
type own struct {
	labels map[string]string
	// claims are the names of the volume claims.
	claims []string
	// uid is that of a Pod with an ephemeral volume, whose claim has it as its controller.
	uid types.UID
}

// WholePods returns Pods that share nothing. They are those of the list, not copies.
func WholePods(list []corev1.Pod) []Pod {
	pods := make([]Pod, len(list))
	for i := range list {
		pods[i] = Pod{object: &list[i]}
	}
	return pods
}

// Namespace returns the namespace of the Pod.
func (p *Pod) Namespace() string { return p.object.Namespace }

// Name returns the name of the Pod.
func (p *Pod) Name() string { return cmp.Or(p.name, p.object.Name) }

// NodeName returns the node that the Pod runs on, or an empty string.
func (p *Pod) NodeName() string { return cmp.Or(p.node, p.object.Spec.NodeName) }

// Labels returns the labels of the Pod.
func (p *Pod) Labels() map[string]string {
	if p.own != nil {
		return p.own.labels
	}
	return p.object.Labels
}

// Waits reports whether the Pod waits. A packed Pod does not.
func (p *Pod) Waits() bool { return p.own == nil && Waits(p.object) }

// IsControlledBy reports whether an object is the controller of the Pod. Of a packed Pod, it can be a Job only.
func (p *Pod) IsControlledBy(owner metav1.Object) bool { return metav1.IsControlledBy(p.object, owner) }

// Shared returns the whole Pod, or else what a packed Pod shares: all but its name, node, labels and claims. It must not be changed.
func (p *Pod) Shared() *corev1.Pod { return p.object }

// Alike is equal for Pods that differ in their names and nodes only.
type Alike struct {
	object *corev1.Pod
	own    *own
}

// Alike returns what the Pod has in common with others. No Pod is like a whole one.
func (p *Pod) Alike() Alike { return Alike{p.object, p.own} }

// Object returns the Pod as an object, which must not be changed. That of a packed Pod is created at each call.
func (p *Pod) Object() *corev1.Pod {
	if p.own == nil {
		return p.object
	}
	pod := *p.object
	pod.Name, pod.Labels, pod.Spec.NodeName = p.name, p.own.labels, p.node
	if p.own.uid != "" {
		pod.UID = p.own.uid
	}
	if len(p.own.claims) > 0 {
		pod.Spec.Volumes = p.volumes()
	}
	return &pod
}

// volumes returns the shared volumes and the claims of a packed Pod.
func (p *Pod) volumes() []corev1.Volume {
	volumes := make([]corev1.Volume, 0, len(p.own.claims)+len(p.object.Spec.Volumes))
	sources := make([]corev1.PersistentVolumeClaimVolumeSource, len(p.own.claims))
	volumes = append(volumes, p.object.Spec.Volumes...)
	for i, claim := range p.own.claims {
		sources[i].ClaimName = claim
		volumes = append(volumes, corev1.Volume{Name: claim, VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &sources[i]}})
	}
	return volumes
}

// withoutAntiAffinity returns the Pod without its required rules that keep Pods apart. freed holds what was shared, and what is instead.
func (p *Pod) withoutAntiAffinity(freed map[*corev1.Pod]*corev1.Pod) Pod {
	next := *p
	if freed[p.object] == nil {
		free := p.object.DeepCopy()
		free.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution = nil
		freed[p.object] = free
	}
	next.object = freed[p.object]
	return next
}
