package placement_test

import (
	"encoding/json"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/placement"
)

// wholePod has what a scheduler reads, and in each place something that it does not.
const wholePod = `{
	"metadata":{"name":"a","labels":{"app":"a"},"annotations":{"unread":""},"managedFields":[{"manager":"unread"}]},
	"spec":{"nodeName":"node-a","priority":7,"overhead":{"cpu":"1"},"nodeSelector":{"disk":"ssd"},"tolerations":[{"key":"gpu"}],
		"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"zone"}]}},
		"topologySpreadConstraints":[{"topologyKey":"zone"}],"resourceClaims":[{"name":"gpu"}],
		"volumes":[{"name":"data","persistentVolumeClaim":{"claimName":"data"}},{"name":"unread","configMap":{"name":"unread"}}],
		"initContainers":[{"name":"init","restartPolicy":"Always","resources":{"requests":{"cpu":"2"}},"env":[{"name":"unread"}]}],
		"containers":[{"name":"main","image":"main:1","ports":[{"hostPort":80}],"resources":{"requests":{"cpu":"3"}},"args":["unread"],
			"livenessProbe":{"exec":{"command":["unread"]}},"volumeMounts":[{"name":"unread"}]}]},
	"status":{"phase":"Running","containerStatuses":[{"name":"main","resources":{"requests":{"cpu":"4"}},"allocatedResources":{"cpu":"4"},
		"containerID":"unread"}]}
}`

const trimmedPod = `{
	"metadata":{"name":"a","labels":{"app":"a"}},
	"spec":{"nodeName":"node-a","priority":7,"overhead":{"cpu":"1"},"nodeSelector":{"disk":"ssd"},"tolerations":[{"key":"gpu"}],
		"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"zone"}]}},
		"topologySpreadConstraints":[{"topologyKey":"zone"}],"resourceClaims":[{"name":"gpu"}],
		"volumes":[{"name":"data","persistentVolumeClaim":{"claimName":"data"}}],
		"initContainers":[{"name":"init","restartPolicy":"Always","resources":{"requests":{"cpu":"2"}}}],
		"containers":[{"name":"main","image":"main:1","ports":[{"hostPort":80}],"resources":{"requests":{"cpu":"3"}}}]},
	"status":{"phase":"Running","containerStatuses":[{"name":"main","resources":{"requests":{"cpu":"4"}},"allocatedResources":{"cpu":"4"}}]}
}`

func podOf(t *testing.T, text string) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{}
	NewWithT(t).Expect(json.Unmarshal([]byte(text), pod)).To(Succeed())
	return pod
}

func TestTrimKeepsWhatASchedulerReads(t *testing.T) {
	pod := podOf(t, wholePod)
	placement.Trim(pod)
	NewWithT(t).Expect(pod).To(BeComparableTo(podOf(t, trimmedPod)))
}

func TestTrimLeavesPodsThatWait(t *testing.T) {
	for _, phase := range []corev1.PodPhase{corev1.PodPending, corev1.PodRunning} {
		pod := podOf(t, wholePod)
		pod.Status.Phase = phase
		if phase == corev1.PodRunning {
			pod.Spec.NodeName = ""
		}
		before := pod.DeepCopy()
		placement.Trim(pod)
		NewWithT(t).Expect(pod).To(BeComparableTo(before))
	}
}
