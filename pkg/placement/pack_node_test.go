package placement_test

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/placement"
)

func TestPackNodeKeepsWhatIsRead(t *testing.T) {
	packed := placement.NewPacker().PackNode(parsed[corev1.Node](t, `{
		"metadata":{"name":"node-a","uid":"1","labels":{"zone":"a"},"annotations":{"unread":""},"managedFields":[{"manager":"unread"}]},
		"spec":{"unschedulable":true,"taints":[{"key":"gpu","effect":"NoSchedule"}]},
		"status":{"capacity":{"cpu":"4"},"allocatable":{"cpu":"3"},"declaredFeatures":["f"],"images":[{"names":["main:1"],"sizeBytes":7}],
			"conditions":[{"type":"unread"}],"addresses":[{"address":"unread"}],"nodeInfo":{"machineID":"unread"}}}`))

	NewWithT(t).Expect(&packed).To(BeComparableTo(parsed[corev1.Node](t, `{
		"metadata":{"name":"node-a","uid":"1","labels":{"zone":"a"}},
		"spec":{"unschedulable":true,"taints":[{"key":"gpu","effect":"NoSchedule"}]},
		"status":{"capacity":{"cpu":"4"},"allocatable":{"cpu":"3"},"declaredFeatures":["f"],"images":[{"names":["main:1"],"sizeBytes":7}]}}`)))
}

func TestImagesOfWaitingPodsAreKept(t *testing.T) {
	w := &placement.World{
		Nodes: []corev1.Node{*parsed[corev1.Node](t, `{"status":{"images":[{"names":["main@sha256:1","main:1"]},{"names":["init:latest"]},{"names":["volume:1"]},
			{"names":["running:1"]},{"names":["main:2"]}]}}`)},
		Pods: placement.WholePods([]corev1.Pod{
			*parsed[corev1.Pod](t, `{"spec":{"initContainers":[{"image":"init"}],"containers":[{"image":"main:1"}],"volumes":[{"image":{"reference":"volume:1"}}]}}`),
			*parsed[corev1.Pod](t, `{"spec":{"nodeName":"node-a","containers":[{"image":"running:1"}]},"status":{"phase":"Running"}}`),
		}),
	}

	w.DropImages()

	NewWithT(t).Expect(w.Nodes[0].Status.Images).To(BeComparableTo(parsed[corev1.Node](t, `{"status":{"images":[{"names":["main@sha256:1","main:1"]},
		{"names":["init:latest"]},{"names":["volume:1"]}]}}`).Status.Images))
}
