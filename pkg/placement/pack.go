package placement

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Packer packs Pods one after the other, as they are read: a large cluster has very many, and most of them are alike.
type Packer struct {
	objects map[[sha256.Size]byte]*corev1.Pod
	owns    map[[sha256.Size]byte]*own
	texts   map[string]string
	buffer  []byte
}

// NewPacker returns a Packer that has packed nothing.
func NewPacker() *Packer {
	return &Packer{
		objects: map[[sha256.Size]byte]*corev1.Pod{}, owns: map[[sha256.Size]byte]*own{}, texts: map[string]string{},
	}
}

// Pack returns a Pod of a World. One that waits, or that belongs to a group, stays whole. Of the others it keeps what a scheduler and this
// package read. The Pod itself can be discarded.
func (p *Packer) Pack(pod *corev1.Pod) Pod {
	if Waits(pod) || pod.Spec.SchedulingGroup != nil {
		whole := *pod
		return Pod{object: &whole}
	}
	shared := whatIsRead(pod)
	return Pod{object: p.object(shared), own: p.ownOf(pod), name: p.text(pod.Name), node: p.text(pod.Spec.NodeName)}
}

// object returns one copy of equal objects.
func (p *Packer) object(pod *corev1.Pod) *corev1.Pod {
	size := pod.Size()
	p.buffer = slices.Grow(p.buffer[:0], size)[:size]
	if _, err := pod.MarshalToSizedBuffer(p.buffer); err != nil {
		return pod
	}
	hash := sha256.Sum256(p.buffer)
	if p.objects[hash] == nil {
		p.objects[hash] = pod
	}
	return p.objects[hash]
}

// text returns one copy of equal texts.
func (p *Packer) text(s string) string {
	if known, ok := p.texts[s]; ok {
		return known
	}
	p.texts[s] = s
	return s
}

// ownOf returns what a Pod has of its own. Pods that differ only in their names share it.
func (p *Packer) ownOf(pod *corev1.Pod) *own {
	named := namedLabels(pod)
	claims, isEphemeral := claimsOfPod(pod)
	p.buffer = p.buffer[:0]
	// Without the length of each list, a label could be taken for a claim.
	p.count(len(pod.Labels) - len(named))
	for _, key := range slices.Sorted(maps.Keys(pod.Labels)) {
		if !slices.Contains(named, key) {
			p.write(key, pod.Labels[key])
		}
	}
	p.count(len(named))
	p.write(named...)
	p.count(len(claims))
	for _, claim := range claims {
		p.write(claim.name, strconv.FormatBool(claim.named))
	}
	next := own{named: named, claims: claims}
	if isEphemeral {
		next.uid = pod.UID
		p.write(pod.Name, string(pod.UID))
	}
	hash := sha256.Sum256(p.buffer)
	if p.owns[hash] == nil {
		next.labels = make(map[string]string, len(pod.Labels)-len(named))
		for key, value := range pod.Labels {
			if !slices.Contains(named, key) {
				next.labels[p.text(key)] = p.text(value)
			}
		}
		p.owns[hash] = &next
	}
	return p.owns[hash]
}

// count adds a length to what is hashed.
func (p *Packer) count(n int) { p.buffer = binary.AppendUvarint(p.buffer, uint64(n)) }

// write adds texts to what is hashed, each with its length.
func (p *Packer) write(texts ...string) {
	for _, text := range texts {
		p.count(len(text))
		p.buffer = append(p.buffer, text...)
	}
}

// namedLabels lists the keys of the labels that hold the Pod's name, as workloads set them.
func namedLabels(pod *corev1.Pod) []string {
	var named []string
	for key, value := range pod.Labels {
		if value == pod.Name {
			named = append(named, key)
		}
	}
	slices.Sort(named)
	return named
}

// claimsOfPod lists the claims of a Pod, and reports whether it has ephemeral volumes: their claims have the Pod's name and UID.
func claimsOfPod(pod *corev1.Pod) (claims []claim, isEphemeral bool) {
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		isEphemeral = isEphemeral || v.Ephemeral != nil
		if v.PersistentVolumeClaim == nil {
			continue
		}
		prefix, named := strings.CutSuffix(v.PersistentVolumeClaim.ClaimName, pod.Name)
		claims = append(claims, claim{prefix, named})
	}
	return claims, isEphemeral
}

// sharedUID is the UID of all packed Pods that have one. The scheduler's plugins look only for the UID of the Pod that they schedule.
const sharedUID types.UID = "shared"

// deleted is the time of deletion of all packed Pods that have one. The scheduler's plugins read only whether there is one.
var deleted = metav1.Unix(1, 0)

// whatIsRead returns what many Pods have in common, as far as a scheduler or this package reads it. Of a Pod that runs, the scheduler's
// plugins read the rules about other Pods, the requests, the host ports and the volumes.
func whatIsRead(pod *corev1.Pod) *corev1.Pod {
	shared := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace}}
	if pod.UID != "" {
		shared.UID = sharedUID
	}
	if !pod.DeletionTimestamp.IsZero() {
		shared.DeletionTimestamp = &deleted
	}
	if owner := metav1.GetControllerOfNoCopy(pod); owner != nil {
		shared.OwnerReferences = []metav1.OwnerReference{controllerOf(owner)}
	}
	from, to := &pod.Spec, &shared.Spec
	if a := from.Affinity; a != nil && (a.PodAffinity != nil || a.PodAntiAffinity != nil) {
		to.Affinity = &corev1.Affinity{PodAffinity: a.PodAffinity, PodAntiAffinity: a.PodAntiAffinity}
	}
	to.Overhead, to.Resources, to.ResourceClaims, to.PriorityClassName = from.Overhead, from.Resources, from.ResourceClaims, from.PriorityClassName
	to.InitContainers, to.Containers = containersOf(from.InitContainers), containersOf(from.Containers)
	to.Volumes = sharedVolumes(from.Volumes)
	readStatus(&pod.Status, &shared.Status)
	return shared
}

// controllerOf keeps the kind of a Pod's controller, and the UID of a Job.
func controllerOf(owner *metav1.OwnerReference) metav1.OwnerReference {
	kept := metav1.OwnerReference{APIVersion: owner.APIVersion, Kind: owner.Kind, Controller: owner.Controller, UID: owner.UID}
	if owner.Kind != "Job" && owner.UID != "" {
		kept.UID = sharedUID
	}
	return kept
}

// containersOf keeps what containers request and limit, and their host ports.
func containersOf(containers []corev1.Container) []corev1.Container {
	if len(containers) == 0 {
		return nil
	}
	kept := make([]corev1.Container, len(containers))
	for i := range containers {
		c := &containers[i]
		kept[i] = corev1.Container{Name: c.Name, Resources: c.Resources, RestartPolicy: c.RestartPolicy}
		for _, port := range c.Ports {
			if port.HostPort > 0 {
				kept[i].Ports = append(kept[i].Ports, port)
			}
		}
	}
	return kept
}

// sharedVolumes keeps the volumes that a scheduler reads, without those of claims, which each Pod has of its own. Of an ephemeral volume it
// keeps only the name.
func sharedVolumes(volumes []corev1.Volume) []corev1.Volume {
	var kept []corev1.Volume
	for i := range volumes {
		switch v := &volumes[i]; {
		case v.PersistentVolumeClaim != nil, isLocal(v):
		case v.Ephemeral != nil:
			kept = append(kept, corev1.Volume{Name: v.Name, VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}})
		default:
			kept = append(kept, *v)
		}
	}
	return kept
}

// isLocal reports whether the kubelet makes a volume from what every node has. A scheduler ignores it.
func isLocal(v *corev1.Volume) bool {
	return v.EmptyDir != nil || v.ConfigMap != nil || v.Secret != nil || v.Projected != nil || v.DownwardAPI != nil
}

// readStatus keeps the phase, and the resources that the Pod has. They count, too, until a resize is done.
func readStatus(from, to *corev1.PodStatus) {
	to.Phase, to.AllocatedResources, to.Resources = from.Phase, from.AllocatedResources, from.Resources
	to.NodeAllocatableResourceClaimStatuses = from.NodeAllocatableResourceClaimStatuses
	for i := range from.Conditions {
		if c := &from.Conditions[i]; c.Type == corev1.PodResizePending {
			to.Conditions = append(to.Conditions, corev1.PodCondition{Type: c.Type, Reason: c.Reason})
		}
	}
	to.InitContainerStatuses = statusesOf(from.InitContainerStatuses)
	to.ContainerStatuses = statusesOf(from.ContainerStatuses)
}

func statusesOf(statuses []corev1.ContainerStatus) []corev1.ContainerStatus {
	var kept []corev1.ContainerStatus
	for i := range statuses {
		if s := &statuses[i]; s.Resources != nil || s.AllocatedResources != nil {
			kept = append(kept, corev1.ContainerStatus{Name: s.Name, Resources: s.Resources, AllocatedResources: s.AllocatedResources})
		}
	}
	return kept
}
