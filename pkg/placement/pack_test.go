package placement_test

import (
	"encoding/json"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/placement"
)

// wholePod has what a scheduler reads, and in each place something that it does not.
const wholePod = `{
	"metadata":{"namespace":"default","name":"a","uid":"own","labels":{"app":"a"},"annotations":{"unread":""},
		"managedFields":[{"manager":"unread"}],"deletionTimestamp":"2001-01-01T00:00:00Z",
		"ownerReferences":[{"name":"unread"},{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"unread","uid":"unread","controller":true}]},
	"spec":{"nodeName":"node-a","priority":7,"priorityClassName":"high","overhead":{"cpu":"1"},"nodeSelector":{"unread":""},
		"tolerations":[{"key":"unread"}],"resources":{"requests":{"cpu":"9"}},
		"affinity":{"podAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":1,"podAffinityTerm":{"topologyKey":"zone"}}]},
			"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"zone"}]},
			"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":1,"preference":{}}]}},
		"topologySpreadConstraints":[{"topologyKey":"unread"}],"resourceClaims":[{"name":"gpu"}],
		"volumes":[{"name":"unread","persistentVolumeClaim":{"claimName":"data"}},{"name":"unread","configMap":{"name":"unread"}},
			{"name":"scratch","ephemeral":{"volumeClaimTemplate":{"spec":{"volumeName":"unread"}}}},
			{"name":"disk","gcePersistentDisk":{"pdName":"disk"}}],
		"initContainers":[{"name":"init","restartPolicy":"Always","resources":{"requests":{"cpu":"2"}},"env":[{"name":"unread"}]}],
		"containers":[{"name":"main","image":"unread","ports":[{"hostPort":80},{"containerPort":80}],
			"resources":{"requests":{"cpu":"3"},"limits":{"cpu":"4"}},"args":["unread"],
			"livenessProbe":{"exec":{"command":["unread"]}},"volumeMounts":[{"name":"unread"}]}]},
	"status":{"phase":"Running","podIP":"unread","allocatedResources":{"cpu":"5"},"resources":{"requests":{"cpu":"6"}},
		"conditions":[{"type":"Ready","reason":"unread"},{"type":"PodResizePending","reason":"Infeasible","message":"unread"}],
		"nodeAllocatableResourceClaimStatuses":[{"resourceClaimName":"gpu"}],
		"initContainerStatuses":[{"name":"init","allocatedResources":{"cpu":"7"}}],
		"containerStatuses":[{"name":"unread"},{"name":"main","resources":{"requests":{"cpu":"4"}},"allocatedResources":{"cpu":"4"},
			"containerID":"unread"}]}
}`

const packedPod = `{
	"metadata":{"namespace":"default","name":"a","uid":"own","labels":{"app":"a"},"deletionTimestamp":"1970-01-01T00:00:01Z",
		"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"","uid":"shared","controller":true}]},
	"spec":{"nodeName":"node-a","priorityClassName":"high","overhead":{"cpu":"1"},"resources":{"requests":{"cpu":"9"}},
		"affinity":{"podAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":1,"podAffinityTerm":{"topologyKey":"zone"}}]},
			"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"zone"}]}},
		"resourceClaims":[{"name":"gpu"}],
		"volumes":[{"name":"scratch","ephemeral":{}},{"name":"disk","gcePersistentDisk":{"pdName":"disk"}},
			{"name":"data","persistentVolumeClaim":{"claimName":"data"}}],
		"initContainers":[{"name":"init","restartPolicy":"Always","resources":{"requests":{"cpu":"2"}}}],
		"containers":[{"name":"main","ports":[{"hostPort":80}],"resources":{"requests":{"cpu":"3"},"limits":{"cpu":"4"}}}]},
	"status":{"phase":"Running","allocatedResources":{"cpu":"5"},"resources":{"requests":{"cpu":"6"}},
		"conditions":[{"type":"PodResizePending","reason":"Infeasible"}],
		"nodeAllocatableResourceClaimStatuses":[{"resourceClaimName":"gpu"}],
		"initContainerStatuses":[{"name":"init","allocatedResources":{"cpu":"7"}}],
		"containerStatuses":[{"name":"main","resources":{"requests":{"cpu":"4"}},"allocatedResources":{"cpu":"4"}}]}
}`

// parsed returns an object in JSON.
func parsed[T any](t *testing.T, text string) *T {
	t.Helper()
	object := new(T)
	NewWithT(t).Expect(json.Unmarshal([]byte(text), object)).To(Succeed())
	return object
}

func TestPackKeepsWhatIsRead(t *testing.T) {
	whole := parsed[corev1.Pod](t, wholePod)
	before := whole.DeepCopy()

	packed := placement.NewPacker().Pack(whole)

	g := NewWithT(t)
	g.Expect(packed.Object()).To(BeComparableTo(parsed[corev1.Pod](t, packedPod)))
	g.Expect(packed.Waits()).To(BeFalse())
	g.Expect(whole).To(BeComparableTo(before))
}

func TestPodsThatWaitStayWhole(t *testing.T) {
	for _, phase := range []corev1.PodPhase{corev1.PodPending, corev1.PodRunning} {
		pod := parsed[corev1.Pod](t, wholePod)
		pod.Status.Phase = phase
		if phase == corev1.PodRunning {
			pod.Spec.NodeName = ""
		}

		kept := placement.NewPacker().Pack(pod)

		NewWithT(t).Expect(kept.Object()).To(BeComparableTo(pod))
		NewWithT(t).Expect(kept.Waits()).To(BeTrue())
	}
}

// TestPodsOfGroupsStayWhole: the scheduler's plugins look for the Pods of a group by their UIDs.
func TestPodsOfGroupsStayWhole(t *testing.T) {
	pod := parsed[corev1.Pod](t, wholePod)
	pod.Spec.SchedulingGroup = &corev1.PodSchedulingGroup{}

	kept := placement.NewPacker().Pack(pod)

	NewWithT(t).Expect(kept.Object()).To(BeComparableTo(pod))
}

// likePod is a Pod of a Deployment.
func likePod(n int) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprintf("web-%d", n), Labels: map[string]string{"app": "web"}},
		Spec:       corev1.PodSpec{NodeName: fmt.Sprintf("node-%d", n), Containers: []corev1.Container{{Name: "main"}}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, PodIP: fmt.Sprintf("10.0.0.%d", n)},
	}
}

// areAlike reports whether a scheduler sees Pods as one.
func areAlike(a, b placement.Pod) bool {
	of, ok := a.Alike()
	others, too := b.Alike()
	return ok && too && of == others
}

func TestPodsThatDifferInNamesAndNodesAreAlike(t *testing.T) {
	g := NewWithT(t)
	packer := placement.NewPacker()

	one, other := packer.Pack(likePod(1)), packer.Pack(likePod(2))

	g.Expect(areAlike(one, other)).To(BeTrue())
	g.Expect(one.Shared()).To(BeIdenticalTo(other.Shared()))
	g.Expect(one.Name()).To(Equal("web-1"))
	g.Expect(other.NodeName()).To(Equal("node-2"))
	g.Expect(other.Object().Name).To(Equal("web-2"))
}

func TestPodsWithOtherLabelsOrClaimsShareTheRest(t *testing.T) {
	for name, change := range map[string]func(*corev1.Pod){
		"label":             func(p *corev1.Pod) { p.Labels["pod"] = "other" },
		"label of its name": func(p *corev1.Pod) { p.Labels["pod"] = p.Name },
		"claim of its name": func(p *corev1.Pod) {
			p.Spec.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data-" + p.Name},
			}}}
		},
		"claim": func(p *corev1.Pod) {
			p.Spec.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "other"},
			}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			packer := placement.NewPacker()
			one := packer.Pack(likePod(1))
			pod := likePod(2)
			change(pod)

			other := packer.Pack(pod)

			g.Expect(areAlike(one, other)).To(BeFalse())
			g.Expect(one.Shared()).To(BeIdenticalTo(other.Shared()))
			g.Expect(other.Object().Labels).To(Equal(pod.Labels))
			g.Expect(other.Get("app")).To(Equal("web"))
			g.Expect(other.Get("pod")).To(Equal(pod.Labels["pod"]))
			g.Expect(other.Has("other")).To(BeFalse())
			g.Expect(kubeblocks.ClaimsOf(&other.Object().Spec)).To(Equal(kubeblocks.ClaimsOf(&pod.Spec)))
		})
	}
}

func TestALabelIsNotTakenForAClaim(t *testing.T) {
	g := NewWithT(t)
	packer := placement.NewPacker()
	pack := func(pod string) *corev1.Pod {
		packed := packer.Pack(parsed[corev1.Pod](t, pod))
		return packed.Object()
	}
	// Without their lengths, the lists of both Pods are the same texts.
	a := pack(`{"metadata":{"name":"a","labels":{"named":"k"}},"spec":{"nodeName":"node-a"},"status":{"phase":"Running"}}`)
	b := pack(`{"metadata":{"name":"b","labels":{"k":"b","named":"b"}},"spec":{"nodeName":"node-a"},"status":{"phase":"Running"}}`)

	g.Expect(a.Labels).To(Equal(map[string]string{"named": "k"}))
	g.Expect(b.Labels).To(Equal(map[string]string{"k": "b", "named": "b"}))
}

// TestPodsWithEphemeralVolumesAreNotAlike: the claim of an ephemeral volume has the name of its Pod.
func TestPodsWithEphemeralVolumesAreNotAlike(t *testing.T) {
	packer := placement.NewPacker()
	pack := func(n int) placement.Pod {
		pod := likePod(n)
		pod.Spec.Volumes = []corev1.Volume{{Name: "scratch", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}}}
		return packer.Pack(pod)
	}
	NewWithT(t).Expect(areAlike(pack(1), pack(2))).To(BeFalse())
}

func TestPodsOfJobsKeepTheirJob(t *testing.T) {
	g := NewWithT(t)
	job := &metav1.ObjectMeta{Name: "job", UID: "uid"}
	pod := likePod(1)
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: "job", UID: "uid", Controller: ptr.To(true)}}

	packed := placement.NewPacker().Pack(pod)

	g.Expect(packed.IsControlledBy(job)).To(BeTrue())
	g.Expect(packed.IsControlledBy(&metav1.ObjectMeta{Name: "other"})).To(BeFalse())
}
