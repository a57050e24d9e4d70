package audit

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// restoreLabel is the label of Jobs and Pods that holds the name of their Restore.
const restoreLabel = kubeblocks.LabelRestore

// Pod is a Pod in the log.
type Pod struct {
	Namespace, Name string
	UID             types.UID
	// Restore is the name of the Restore that the Pod belongs to, empty for other Pods.
	Restore string
	// Job is the name of the Job that owns the Pod, JobUID its UID.
	Job    string
	JobUID types.UID
	// Bound says that it has a node, BoundAt since when. BoundAt is zero for a Pod that was created with a node.
	Bound   bool
	BoundAt metav1.MicroTime
}

// Job is a Job in the log.
type Job struct {
	Namespace, Name string
	UID             types.UID
	Restore         string
}

// history is what was created and bound up to some event of a log.
type history struct {
	pods []*Pod
	jobs []Job
}

// add adds the next event of the log.
func (h *history) add(event Event) {
	if event.Verb != "create" || !event.Succeeded() {
		return
	}
	switch event.Object.Resource + "/" + event.Object.Subresource {
	case "pods/":
		h.pods = append(h.pods, newPod(event.ResponseObject))
	case "pods/binding":
		h.bind(event)
	case "jobs/":
		created := event.ResponseObject.Metadata
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

// bind finds the newest Pod of the name, because a re-created database Pod keeps its name.
func (h *history) bind(event Event) {
	for i := len(h.pods) - 1; i >= 0; i-- {
		if pod := h.pods[i]; pod.Namespace == event.Object.Namespace && pod.Name == event.Object.Name {
			pod.Bound, pod.BoundAt = true, event.Completed
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

// ofRestore selects the Pods of one Restore. An earlier Restore may have had the same name, but the names of Jobs contain the first
// characters of the Restore's UID.
func ofRestore(namespace, name string, uid types.UID) func(*Pod) bool {
	const beginning = 8
	part := "-" + string(uid[:min(beginning, len(uid))]) + "-"
	return func(pod *Pod) bool {
		return pod.Namespace == namespace && pod.Restore == name && strings.Contains(pod.Job, part)
	}
}
