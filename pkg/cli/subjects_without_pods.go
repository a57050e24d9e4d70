package cli

import (
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/placement"
)

// withoutPods explains the Jobs of restores that have no Pod: a quota forbids it, or the controller has yet to create it.
func (f *facts) withoutPods(q question) []placement.Waiting {
	var all []placement.Waiting
	for i := range f.jobs {
		job := &f.jobs[i]
		if q.kind == "pod" || !q.selects(job.Namespace, job.Name, labels.Set(job.Labels)) || job.Labels[kubeblocks.LabelRestore] == "" || !isIdle(job) {
			continue
		}
		hasPod := func(p placement.Pod) bool { return p.IsControlledBy(job) }
		if slices.ContainsFunc(f.world.Pods, hasPod) {
			continue
		}
		w := placement.Waiting{
			Kind: "restore Job", Namespace: job.Namespace, Cluster: job.Labels[kubeblocks.LabelInstance], Pods: []string{job.Name},
			Since: job.CreationTimestamp.DeepCopy(),
			Cause: placement.Cause{Kind: placement.CauseElsewhere, Text: fmt.Sprintf(textJobWithout, job.Name), Found: placement.FoundByObjects},
			Next:  fmt.Sprintf("kubectl describe job %s -n %s", job.Name, job.Namespace),
		}
		f.overQuota(&w, &job.Spec.Template.Spec)
		all = append(all, w)
	}
	return all
}

// isIdle reports whether a Job has no Pod and did not end.
func isIdle(job *batchv1.Job) bool {
	return job.Status.Active == 0 && job.Status.Succeeded == 0 && job.Status.Failed == 0 && job.DeletionTimestamp.IsZero()
}

// settled are the phases of Clusters that wait for nothing. A Cluster without a phase was read from a file that a user wrote.
var settled = []string{"", "Running", "Stopped", "Stopping", "Deleting"}

// notRunning explains the Clusters that do not run although nothing of them waits: their Pods can be missing.
func (f *facts) notRunning(q question, waiting []placement.Waiting) []placement.Waiting {
	var all []placement.Waiting
	for i := range f.clusters {
		c := &f.clusters[i]
		isOf := func(w placement.Waiting) bool { return w.Namespace == c.Namespace && w.Cluster == c.Name }
		own := labels.Set{kubeblocks.LabelInstance: c.Name, kubeblocks.LabelManagedBy: "kubeblocks"}
		isAsked := q.kind == "" || q.kind == "cluster"
		if !isAsked || !q.selects(c.Namespace, "", own) || slices.Contains(settled, c.Status.Phase) || slices.ContainsFunc(waiting, isOf) {
			continue
		}
		w := placement.Waiting{
			Kind: "Cluster", Namespace: c.Namespace, Cluster: c.Name, Pods: []string{c.Name}, Since: c.CreationTimestamp.DeepCopy(),
			Cause: placement.Cause{
				Kind: placement.CauseElsewhere, Text: fmt.Sprintf(textNoPodWaits, c.Status.Phase), Found: placement.FoundByObjects,
			},
			Next: fmt.Sprintf("kubectl describe cluster.apps.kubeblocks.io %s -n %s", c.Name, c.Namespace),
		}
		f.overQuota(&w, f.specLike(c))
		all = append(all, w)
	}
	return all
}

// specLike returns the spec of a Pod of a Cluster, or an empty one, which still counts as a Pod.
func (f *facts) specLike(c *kubeblocks.Cluster) *corev1.PodSpec {
	for i := range f.world.Pods {
		if p := &f.world.Pods[i]; p.Namespace() == c.Namespace && p.Get(kubeblocks.LabelInstance) == c.Name {
			return &p.Shared().Spec
		}
	}
	return &corev1.PodSpec{}
}

// overQuota makes a quota the cause if it forbids a Pod.
func (f *facts) overQuota(w *placement.Waiting, spec *corev1.PodSpec) {
	if text := placement.OverQuota(f.world, w.Namespace, spec); text != "" {
		w.Cause = placement.Cause{Kind: placement.CauseQuota, Text: text, Found: placement.FoundByObjects}
		w.Next = "kubectl describe resourcequota -n " + w.Namespace
	}
}
