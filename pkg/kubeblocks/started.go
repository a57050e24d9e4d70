package kubeblocks

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// StartedPart names the first part of a Restore that ever started, or returns an empty string when nothing did: no action
// of it ended, none of its Jobs counts a Pod that succeeded or failed, and none of its Pods was ever bound to a node.
func StartedPart(r *Restore, jobs []batchv1.Job, pods []corev1.Pod) string {
	for _, action := range r.Status.Actions.PrepareData {
		if action.Status == RestoreActionCompleted || action.Status == RestoreActionFailed {
			return fmt.Sprintf("%s has %s", action.ObjectKey, action.Status)
		}
	}
	for _, job := range jobs {
		if job.Status.Succeeded > 0 || job.Status.Failed > 0 {
			return fmt.Sprintf("Job %s counts %d succeeded and %d failed Pods", job.Name, job.Status.Succeeded, job.Status.Failed)
		}
	}
	for _, pod := range pods {
		if pod.Spec.NodeName != "" || pod.Status.StartTime != nil || len(pod.Status.ContainerStatuses) > 0 {
			return fmt.Sprintf("Pod %s was bound to a node", pod.Name)
		}
	}
	return ""
}
