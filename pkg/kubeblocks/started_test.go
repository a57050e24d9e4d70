package kubeblocks

import (
	"testing"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestStartedPart(t *testing.T) {
	now := metav1.Now()
	pending := corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending}}
	action := func(status RestoreActionStatus) *Restore {
		return &Restore{Status: RestoreStatus{Actions: RestoreActions{PrepareData: []RestoreAction{{ObjectKey: "Job/j", Status: status}}}}}
	}
	for name, c := range map[string]struct {
		restore *Restore
		job     batchv1.JobStatus
		pod     corev1.Pod
		started string
	}{
		"a Pod that waits for a node":      {&Restore{}, batchv1.JobStatus{}, pending, ""},
		"an action under way":              {action("Processing"), batchv1.JobStatus{Active: 1}, pending, ""},
		"an action that completed":         {action(RestoreActionCompleted), batchv1.JobStatus{}, pending, "Job/j has Completed"},
		"an action that failed":            {action(RestoreActionFailed), batchv1.JobStatus{}, pending, "Job/j has Failed"},
		"a Job with a Pod that succeeded":  {&Restore{}, batchv1.JobStatus{Succeeded: 1}, pending, "1 succeeded"},
		"a Job with a Pod that failed":     {&Restore{}, batchv1.JobStatus{Failed: 1}, pending, "1 failed"},
		"a bound Pod":                      {&Restore{}, batchv1.JobStatus{}, corev1.Pod{Spec: corev1.PodSpec{NodeName: "n1"}}, "bound"},
		"a Pod that a kubelet started":     {&Restore{}, batchv1.JobStatus{}, corev1.Pod{Status: corev1.PodStatus{StartTime: &now}}, "bound"},
		"a Pod whose containers have been": {&Restore{}, batchv1.JobStatus{}, corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{}}}}, "bound"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)

			started := StartedPart(c.restore, []batchv1.Job{{Status: c.job}}, []corev1.Pod{c.pod})

			if c.started == "" {
				g.Expect(started).To(BeEmpty())
			} else {
				g.Expect(started).To(ContainSubstring(c.started))
			}
		})
	}
}
