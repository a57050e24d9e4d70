package kubeblocks

import (
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Work is the Jobs and Pods of a Restore: those that it controls, and those that are labelled with its name. KubeBlocks deletes
// the Jobs of a Restore by that label. Only WorkOf makes one.
type Work struct {
	Jobs []batchv1.Job
	Pods []corev1.Pod
	// Unbound holds the names of claims that never had a volume, see NeverMounted.
	Unbound map[string]bool
	// controlled holds the Pods by the UID of what controls them.
	controlled map[types.UID][]corev1.Pod
}

// Owns reports whether a Restore controls a Job. Anybody's Jobs can have its label.
func Owns(r *Restore, job *batchv1.Job) bool { return metav1.IsControlledBy(job, r) }

// WorkOf returns the part of the Jobs and Pods of a cluster that belongs to a Restore.
func WorkOf(r *Restore, jobs []batchv1.Job, pods []corev1.Pod) Work {
	w := Work{controlled: map[types.UID][]corev1.Pod{}}
	own := map[types.UID]bool{}
	for i := range jobs {
		if Owns(r, &jobs[i]) || jobs[i].Labels[LabelRestore] == r.Name {
			w.Jobs = append(w.Jobs, jobs[i])
			own[jobs[i].UID] = true
		}
	}
	for i := range pods {
		controller := metav1.GetControllerOfNoCopy(&pods[i])
		if pods[i].Labels[LabelRestore] == r.Name || controller != nil && own[controller.UID] {
			w.add(&pods[i], controller)
		}
	}
	return w
}

// add adds a Pod and what controls it, which is nil where nothing does.
func (w *Work) add(p *corev1.Pod, controller *metav1.OwnerReference) {
	w.Pods = append(w.Pods, *p)
	if controller != nil {
		w.controlled[controller.UID] = append(w.controlled[controller.UID], *p)
	}
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
			return fmt.Sprintf(textActionEnded, action.ObjectKey, action.Status)
		}
	}
	return firstBound(w.Pods)
}

// StartedJob names the part of a Job of the Restore that ever started, or returns an empty string when nothing did. Then none
// of its actions ended, it counts no succeeded or failed Pod, and none of its Pods was ever bound to a node. A failed Pod
// does not count if the Pods need a claim that was never bound: it was deleted while Pending. A Pod that ended is uncounted
// until the Job controller has removed its finalizer.
func (w Work) StartedJob(r *Restore, job *batchv1.Job) string {
	for _, action := range r.Status.Actions.PrepareData {
		if ended(action) && action.ObjectKey == "Job/"+job.Name {
			return fmt.Sprintf(textActionEnded, action.ObjectKey, action.Status)
		}
	}
	if bound := firstBound(w.PodsOf(job)); bound != "" {
		return bound
	}
	succeeded, failed := endedPods(job)
	if succeeded > 0 || failed > 0 && !w.needsUnbound(job) {
		return fmt.Sprintf(textJobCounts, job.Name, succeeded, failed)
	}
	return ""
}

// HasFailed reports whether a Pod of a Job failed.
func HasFailed(job *batchv1.Job) bool {
	_, failed := endedPods(job)
	return failed > 0
}

// endedPods returns how many Pods of a Job succeeded and failed, counted or not.
func endedPods(job *batchv1.Job) (succeeded, failed int) {
	succeeded, failed = int(job.Status.Succeeded), int(job.Status.Failed)
	if uncounted := job.Status.UncountedTerminatedPods; uncounted != nil {
		succeeded, failed = succeeded+len(uncounted.Succeeded), failed+len(uncounted.Failed)
	}
	return succeeded, failed
}

// Undecided names the first part of a Restore without a scheduling decision, or returns an empty string. That is a Job without
// Pods, or a Pod that is neither bound nor unschedulable. It can be bound at any moment. While there are no Jobs, KubeBlocks can
// be creating them.
func (w Work) Undecided() string {
	if len(w.Jobs) == 0 {
		return textNoJob
	}
	for i := range w.Jobs {
		if undecided := w.UndecidedJob(&w.Jobs[i]); undecided != "" {
			return undecided
		}
	}
	return firstUndecided(w.Pods)
}

// UndecidedPod names a Pod of a Restore that can be bound at any moment, or returns an empty string.
func (w Work) UndecidedPod() string { return firstUndecided(w.Pods) }

// UndecidedJob is Undecided for one Job.
func (w Work) UndecidedJob(job *batchv1.Job) string {
	pods := w.PodsOf(job)
	if len(pods) == 0 && job.DeletionTimestamp.IsZero() {
		return fmt.Sprintf(textNoPod, job.Name)
	}
	return firstUndecided(pods)
}

func firstUndecided(pods []corev1.Pod) string {
	for i := range pods {
		if text := UndecidedPod(&pods[i]); text != "" {
			return text
		}
	}
	return ""
}

// UndecidedPod says why a Pod can be bound at any moment, or returns an empty string. For a nominated Pod the scheduler evicts
// others; its condition says Unschedulable until then.
func UndecidedPod(p *corev1.Pod) string {
	switch {
	case WasBound(p) || !p.DeletionTimestamp.IsZero():
		return ""
	case p.Status.NominatedNodeName != "":
		return fmt.Sprintf(textNominated, p.Name, p.Status.NominatedNodeName)
	case Unschedulable(p) == "":
		return fmt.Sprintf(textNotScheduled, p.Name)
	default:
		return ""
	}
}

func ended(a RestoreAction) bool {
	return a.Status == RestoreActionCompleted || a.Status == RestoreActionFailed
}

// PodsOf lists the Pods of a Job. They are not copied.
func (w Work) PodsOf(job *batchv1.Job) []corev1.Pod { return w.controlled[job.UID] }

func (w Work) needsUnbound(job *batchv1.Job) bool {
	return slices.ContainsFunc(ClaimsOf(&job.Spec.Template.Spec), func(claim string) bool { return w.Unbound[claim] })
}

func firstBound(pods []corev1.Pod) string {
	for i := range pods {
		if WasBound(&pods[i]) {
			return fmt.Sprintf(textPodBound, pods[i].Name)
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

// annotationSelectedNode, on a claim, names the node that the scheduler chose for the first Pod with the claim.
const annotationSelectedNode = "volume.kubernetes.io/selected-node"

// NeverMounted reports whether no Pod with the claim was ever bound to a node. The scheduler binds a Pod only after its claims,
// and a claim that lost its volume is in phase Lost.
func NeverMounted(c *corev1.PersistentVolumeClaim) bool {
	return c.Status.Phase == corev1.ClaimPending && c.Spec.VolumeName == "" && SelectedNode(c) == ""
}

// SelectedNode returns the node that the scheduler chose for the claim, or an empty string.
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
