package placement

import (
	"cmp"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Pod is a Pod of a World. It is whole, or packed: then it shares what it has in common with other Pods.
type Pod struct {
	// object is the whole Pod, or what a scheduler reads of many Pods.
	object *corev1.Pod
	// own is nil for a whole Pod.
	own        *own
	name, node string
}

// own is what a scheduler reads of a Pod, and few Pods share.
type own struct {
	labels map[string]string
	// named are the keys of further labels, whose value is the Pod's name.
	named  []string
	claims []claim
	// uid is that of a Pod with an ephemeral volume, whose claim has it as its controller.
	uid types.UID
}

// claim is the name of a volume claim. The Pod's name follows if it is named.
type claim struct {
	name  string
	named bool
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

// Lookup returns the value of a label. With Get and Has, a label selector can be matched.
func (p *Pod) Lookup(key string) (value string, ok bool) {
	switch {
	case p.own == nil:
		value, ok = p.object.Labels[key]
	case slices.Contains(p.own.named, key):
		return p.name, true
	default:
		value, ok = p.own.labels[key]
	}
	return value, ok
}

// Get returns the value of a label, or an empty string.
func (p *Pod) Get(key string) string {
	value, _ := p.Lookup(key)
	return value
}

// Has reports whether the Pod has a label.
func (p *Pod) Has(key string) bool {
	_, ok := p.Lookup(key)
	return ok
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

// Alike returns what the Pod has in common with others. It is false for a whole Pod, and for one whose name is in a label or a claim.
func (p *Pod) Alike() (Alike, bool) {
	isNamed := func(c claim) bool { return c.named }
	ok := p.own != nil && len(p.own.named) == 0 && p.own.uid == "" && !slices.ContainsFunc(p.own.claims, isNamed)
	return Alike{p.object, p.own}, ok
}

// Object returns the Pod as an object, which must not be changed. That of a packed Pod is created at each call.
func (p *Pod) Object() *corev1.Pod {
	if p.own == nil {
		return p.object
	}
	pod := *p.object
	pod.Name, pod.Labels, pod.Spec.NodeName = p.name, p.own.labels, p.node
	if len(p.own.named) > 0 {
		pod.Labels = make(map[string]string, len(p.own.labels)+len(p.own.named))
		maps.Copy(pod.Labels, p.own.labels)
		for _, key := range p.own.named {
			pod.Labels[key] = p.name
		}
	}
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
		if sources[i].ClaimName = claim.name; claim.named {
			sources[i].ClaimName += p.name
		}
		source := corev1.VolumeSource{PersistentVolumeClaim: &sources[i]}
		volumes = append(volumes, corev1.Volume{Name: sources[i].ClaimName, VolumeSource: source})
	}
	return volumes
}

// withoutAntiAffinity returns the Pod without its required anti-affinity. freed maps each shared object to its copy without it.
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
