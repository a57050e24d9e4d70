package kubeblocks

import (
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Work is what a Restore has made so far.
type Work struct {
	Jobs []batchv1.Job
	Pods []corev1.Pod
	// Unbound holds the names of claims that no volume was ever chosen for: see NeverMounted.
	Unbound map[string]bool
}

// StartedPart names the first part of a Restore that ever started, or returns an empty string when nothing did.
func (w Work) StartedPart(r *Restore) string {
	for i := range w.Jobs {
		if started := w.StartedJob(r, &w.Jobs[i]); started != "" {
			return started
		}
	}
	for _, action := range r.Status.Actions.PrepareData {
		if ended(action) {
			return fmt.Sprintf("%s has %s", action.ObjectKey, action.Status)
		}
	}
	return firstBound(w.Pods)
}

// StartedJob names what of a Job of the Restore ever started, or returns an empty string when nothing did: no action of it
// ended, it counts no Pod that succeeded or failed, and none of its Pods was ever bound to a node. A Job whose Pods need a
// claim that was never bound has not started either, whatever it counts: somebody deleted a Pod that waited.
func (w Work) StartedJob(r *Restore, job *batchv1.Job) string {
	for _, action := range r.Status.Actions.PrepareData {
		if ended(action) && action.ObjectKey == "Job/"+job.Name {
			return fmt.Sprintf("%s has %s", action.ObjectKey, action.Status)
		}
	}
	if bound := firstBound(w.PodsOf(job)); bound != "" {
		return bound
	}
	counted := job.Status.Succeeded > 0 || job.Status.Failed > 0
	if counted && (job.Status.Succeeded > 0 || !w.needsUnbound(job)) {
		return fmt.Sprintf("Job %s counts %d succeeded and %d failed Pods", job.Name, job.Status.Succeeded, job.Status.Failed)
	}
	return ""
}

// Undecided names the first part of a Restore on which the scheduler has yet to decide, or returns an empty string: a Job that
// has no Pod yet, or a Pod that is neither bound nor turned down. It can be bound at any moment.
func (w Work) Undecided() string {
	for i := range w.Jobs {
		if undecided := w.UndecidedJob(&w.Jobs[i]); undecided != "" {
			return undecided
		}
	}
	return firstUndecided(w.Pods)
}

// UndecidedJob is Undecided for one Job.
func (w Work) UndecidedJob(job *batchv1.Job) string {
	pods := w.PodsOf(job)
	if len(pods) == 0 && job.DeletionTimestamp.IsZero() {
		return "Job " + job.Name + " has no Pod yet"
	}
	return firstUndecided(pods)
}

func firstUndecided(pods []corev1.Pod) string {
	for i := range pods {
		if !WasBound(&pods[i]) && pods[i].DeletionTimestamp.IsZero() && Unschedulable(&pods[i]) == "" {
			return "the scheduler has yet to look at Pod " + pods[i].Name
		}
	}
	return ""
}

func ended(a RestoreAction) bool {
	return a.Status == RestoreActionCompleted || a.Status == RestoreActionFailed
}

// PodsOf lists the Pods of a Job.
func (w Work) PodsOf(job *batchv1.Job) []corev1.Pod {
	return slices.DeleteFunc(slices.Clone(w.Pods), func(p corev1.Pod) bool { return !metav1.IsControlledBy(&p, job) })
}

func (w Work) needsUnbound(job *batchv1.Job) bool {
	return slices.ContainsFunc(ClaimsOf(&job.Spec.Template.Spec), func(claim string) bool { return w.Unbound[claim] })
}

func firstBound(pods []corev1.Pod) string {
	for i := range pods {
		if WasBound(&pods[i]) {
			return fmt.Sprintf("Pod %s was bound to a node", pods[i].Name)
		}
	}
	return ""
}

// WasBound reports whether a Pod was ever bound to a node.
func WasBound(p *corev1.Pod) bool {
	return p.Spec.NodeName != "" || p.Status.StartTime != nil || len(p.Status.ContainerStatuses) > 0
}

// ClaimsOf lists the claims that a Pod mounts.
func ClaimsOf(spec *corev1.PodSpec) []string {
	var claims []string
	for _, volume := range spec.Volumes {
		if volume.PersistentVolumeClaim != nil {
			claims = append(claims, volume.PersistentVolumeClaim.ClaimName)
		}
	}
	return claims
}

// annotationSelectedNode, on a claim, names the node that the scheduler chose for the first Pod that mounts it.
const annotationSelectedNode = "volume.kubernetes.io/selected-node"

// NeverMounted reports whether no Pod that mounts the claim can ever have been bound to a node: the scheduler binds a Pod
// only after all its claims, and a claim that lost its volume is in phase Lost.
func NeverMounted(c *corev1.PersistentVolumeClaim) bool {
	return c.Status.Phase == corev1.ClaimPending && c.Spec.VolumeName == "" && SelectedNode(c) == ""
}

// SelectedNode returns the node that the scheduler has chosen for the claim; empty where it has not, or need not.
func SelectedNode(c *corev1.PersistentVolumeClaim) string {
	return c.Annotations[annotationSelectedNode]
}

// Unschedulable returns why the scheduler found no node for a Pod, or an empty string.
func Unschedulable(p *corev1.Pod) string {
	if p.Spec.NodeName != "" {
		return ""
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return c.Message
		}
	}
	return ""
}
