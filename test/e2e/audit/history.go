package audit

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// restoreLabel names, on Jobs and Pods, the Restore they belong to.
const restoreLabel = "dataprotection.kubeblocks.io/restore"

// Pod is a Pod as the log tells of it.
type Pod struct {
	Namespace, Name string
	UID             types.UID
	// Restore is the name of the Restore that the Pod belongs to, empty for other Pods.
	Restore string
	// Job is the name of the Job that owns the Pod, JobUID its UID.
	Job    string
	JobUID types.UID
	// Bound says that it was given a node, BoundAt when, as far as that was a request of its own.
	Bound   bool
	BoundAt metav1.MicroTime
}

// Job is a Job as the log tells of it.
type Job struct {
	Namespace, Name string
	UID             types.UID
	Restore         string
}

// history is what was created and bound until some point of a log.
type history struct {
	pods []*Pod
	jobs []Job
}

// add takes in one more event of the log.
func (h *history) add(event Event) {
	if event.Verb != "create" || !event.Succeeded() {
		return
	}
	switch event.Object.Resource + "/" + event.Object.Subresource {
	case "pods/":
		h.pods = append(h.pods, newPod(event.Answered))
	case "pods/binding":
		h.bind(event)
	case "jobs/":
		created := event.Answered.Metadata
		h.jobs = append(h.jobs, Job{created.Namespace, created.Name, created.UID, created.Labels[restoreLabel]})
	}
}

func newPod(created Object) *Pod {
	pod := &Pod{
		Namespace: created.Metadata.Namespace,
		Name:      created.Metadata.Name,
		UID:       created.Metadata.UID,
		Restore:   created.Metadata.Labels[restoreLabel],
		Bound:     created.Spec.NodeName != "",
	}
	for _, owner := range created.Metadata.OwnerReferences {
		if owner.Kind == "Job" {
			pod.Job, pod.JobUID = owner.Name, owner.UID
		}
	}
	return pod
}

// bind finds the Pod by its name, newest first, because a database Pod gets the name of the one before it.
func (h *history) bind(event Event) {
	for i := len(h.pods) - 1; i >= 0; i-- {
		if pod := h.pods[i]; pod.Namespace == event.Object.Namespace && pod.Name == event.Object.Name {
			pod.Bound, pod.BoundAt = true, event.Ended
			return
		}
	}
}

func (h *history) pod(uid types.UID) *Pod {
	for _, pod := range h.pods {
		if pod.UID == uid {
			return pod
		}
	}
	return nil
}

// boundPod returns a Pod that satisfies which and was bound, or nil.
func (h *history) boundPod(which func(*Pod) bool) *Pod {
	for _, pod := range h.pods {
		if pod.Bound && which(pod) {
			return pod
		}
	}
	return nil
}

// ofRestore tells the Pods of one Restore from those of another that had the same name before: the names of their Jobs hold
// the beginning of the Restore's UID.
func ofRestore(namespace, name string, uid types.UID) func(*Pod) bool {
	const beginning = 8
	part := "-" + string(uid[:min(beginning, len(uid))]) + "-"
	return func(pod *Pod) bool {
		return pod.Namespace == namespace && pod.Restore == name && strings.Contains(pod.Job, part)
	}
}
