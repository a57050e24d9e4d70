package kubeblocks

import (
	"fmt"
	"runtime"
	"testing"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// nameless is a Restore without a name: all Jobs and Pods without a label count as its own.
var nameless = &Restore{}

func TestStartedPartNamesWhatStarted(t *testing.T) {
	now := metav1.Now()
	pending := corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending}}
	action := func(key string, status RestoreActionStatus) *Restore {
		return &Restore{Status: RestoreStatus{Actions: RestoreActions{PrepareData: []RestoreAction{{ObjectKey: key, Status: status}}}}}
	}
	for name, c := range map[string]struct {
		restore *Restore
		job     batchv1.JobStatus
		pod     corev1.Pod
		unbound bool
		started string
	}{
		"a Pod that waits for a node":     {&Restore{}, batchv1.JobStatus{}, pending, false, ""},
		"an action under way":             {action("Job/j", "Processing"), batchv1.JobStatus{Active: 1}, pending, false, ""},
		"an action that completed":        {action("Job/j", RestoreActionCompleted), batchv1.JobStatus{}, pending, false, "Job/j is Completed"},
		"an action that failed":           {action("Job/j", RestoreActionFailed), batchv1.JobStatus{}, pending, false, "Job/j is Failed"},
		"a Job with a Pod that succeeded": {&Restore{}, batchv1.JobStatus{Succeeded: 1}, pending, false, "1 succeeded"},
		"a Job with a Pod that failed":    {&Restore{}, batchv1.JobStatus{Failed: 1}, pending, false, "1 failed"},
		"a Pod that succeeded and is not counted yet": {&Restore{}, batchv1.JobStatus{
			UncountedTerminatedPods: &batchv1.UncountedTerminatedPods{Succeeded: []types.UID{"p"}}}, pending, true, "1 succeeded"},
		"a Pod that failed and is not counted yet": {&Restore{}, batchv1.JobStatus{
			UncountedTerminatedPods: &batchv1.UncountedTerminatedPods{Failed: []types.UID{"p"}}}, pending, false, "1 failed"},
		"a bound Pod":                   {&Restore{}, batchv1.JobStatus{}, corev1.Pod{Spec: corev1.PodSpec{NodeName: "n1"}}, false, "bound"},
		"a Pod that a kubelet started":  {&Restore{}, batchv1.JobStatus{}, corev1.Pod{Status: corev1.PodStatus{StartTime: &now}}, false, "bound"},
		"a Pod with container statuses": {&Restore{}, batchv1.JobStatus{}, corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{}}}}, false, "bound"},

		"a failed Pod, and a claim that was never bound":    {&Restore{}, batchv1.JobStatus{Failed: 1}, pending, true, ""},
		"a succeeded Pod, and a claim that was never bound": {&Restore{}, batchv1.JobStatus{Succeeded: 1}, pending, true, "1 succeeded"},
		"a bound Pod, and a claim that was never bound":     {&Restore{}, batchv1.JobStatus{Failed: 1}, corev1.Pod{Spec: corev1.PodSpec{NodeName: "n1"}}, true, "bound"},
		"a failed action, and a claim that was never bound": {action("Job/j", RestoreActionFailed), batchv1.JobStatus{Failed: 1}, pending, true, "Failed"},
		"an action that completed, and whose Job is gone":   {action("Job/gone", RestoreActionCompleted), batchv1.JobStatus{}, pending, false, "Job/gone is Completed"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			job := batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "j", UID: "j1"}, Status: c.job}
			job.Spec.Template.Spec.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"},
			}}}
			isController := true
			c.pod.OwnerReferences = []metav1.OwnerReference{{UID: "j1", Controller: &isController}}
			work := WorkOf(nameless, []batchv1.Job{job}, []corev1.Pod{c.pod})
			work.Unbound = map[string]bool{"data": c.unbound}

			started := work.StartedPart(c.restore)

			if c.started == "" {
				g.Expect(started).To(BeEmpty())
			} else {
				g.Expect(started).To(ContainSubstring(c.started))
			}
		})
	}
}

func TestBoundPodWithoutAJobMeansThatTheRestoreStarted(t *testing.T) {
	g := NewWithT(t)
	work := WorkOf(nameless, nil, []corev1.Pod{{Spec: corev1.PodSpec{NodeName: "n1"}}})

	g.Expect(work.StartedPart(&Restore{})).To(ContainSubstring("bound"))
}

func TestStartedJobIgnoresOtherJobs(t *testing.T) {
	g := NewWithT(t)
	isController := true
	work := WorkOf(nameless,
		[]batchv1.Job{{ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "a1"}}, {ObjectMeta: metav1.ObjectMeta{Name: "b", UID: "b1"}}},
		[]corev1.Pod{{
			ObjectMeta: metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{{UID: "a1", Controller: &isController}}},
			Spec:       corev1.PodSpec{NodeName: "n1"},
		}})

	g.Expect(work.StartedJob(&Restore{}, &work.Jobs[0])).NotTo(BeEmpty())
	g.Expect(work.StartedJob(&Restore{}, &work.Jobs[1])).To(BeEmpty())
}

func TestNeverMountedIsTrueForAPendingClaimWithoutVolumeAndNode(t *testing.T) {
	claim := func(phase corev1.PersistentVolumeClaimPhase, volume, node string) *corev1.PersistentVolumeClaim {
		c := &corev1.PersistentVolumeClaim{Status: corev1.PersistentVolumeClaimStatus{Phase: phase}}
		c.Spec.VolumeName = volume
		if node != "" {
			c.Annotations = map[string]string{annotationSelectedNode: node}
		}
		return c
	}
	g := NewWithT(t)

	g.Expect(NeverMounted(claim(corev1.ClaimPending, "", ""))).To(BeTrue())
	g.Expect(NeverMounted(claim(corev1.ClaimPending, "", "n1"))).To(BeFalse(), "the scheduler chose a node")
	g.Expect(NeverMounted(claim(corev1.ClaimPending, "v1", ""))).To(BeFalse(), "a volume is being bound")
	g.Expect(NeverMounted(claim(corev1.ClaimBound, "v1", ""))).To(BeFalse())
	g.Expect(NeverMounted(claim(corev1.ClaimLost, "v1", ""))).To(BeFalse())
	g.Expect(NeverMounted(&corev1.PersistentVolumeClaim{})).To(BeFalse(), "its phase is not set yet")
}

func TestUndecidedNamesWhatTheSchedulerHasNotDecidedOn(t *testing.T) {
	isController := true
	pod := func(change func(*corev1.Pod)) []corev1.Pod {
		p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", OwnerReferences: []metav1.OwnerReference{{UID: "j1", Controller: &isController}}}}
		change(&p)
		return []corev1.Pod{p}
	}
	unschedulable := func(p *corev1.Pod) {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "no"}}
	}
	gated := func(p *corev1.Pod) {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonSchedulingGated, Message: "no"}}
	}
	for name, c := range map[string]struct {
		pods []corev1.Pod
		want string
	}{
		"a Job without a Pod":       {nil, "Job j has no Pod yet"},
		"a Pod without a condition": {pod(func(*corev1.Pod) {}), "Pod p"},
		"a gated Pod":               {pod(gated), "Pod p"},
		"an unschedulable Pod":      {pod(unschedulable), ""},
		"a nominated Pod": {pod(func(p *corev1.Pod) {
			unschedulable(p)
			p.Status.NominatedNodeName = "n1"
		}), "to bind Pod p to node n1"},
		"a bound Pod": {pod(func(p *corev1.Pod) { p.Spec.NodeName = "n1" }), ""},
	} {
		t.Run(name, func(t *testing.T) {
			work := WorkOf(nameless, []batchv1.Job{{ObjectMeta: metav1.ObjectMeta{Name: "j", UID: "j1"}}}, c.pods)

			if c.want == "" {
				NewWithT(t).Expect(work.Undecided()).To(BeEmpty())
			} else {
				NewWithT(t).Expect(work.Undecided()).To(ContainSubstring(c.want))
			}
		})
	}
	NewWithT(t).Expect(Work{}.Undecided()).To(ContainSubstring("not created Jobs yet"), "KubeBlocks can be creating them")
}

func TestWorkOfARestoreIsWhatItControlsAndWhatHasItsLabel(t *testing.T) {
	g := NewWithT(t)
	restore := &Restore{ObjectMeta: metav1.ObjectMeta{Name: "r", UID: "r1"}}
	controlledBy := func(uid types.UID) []metav1.OwnerReference {
		return []metav1.OwnerReference{{UID: uid, Controller: ptr.To(true)}}
	}
	labelled := map[string]string{LabelRestore: "r"}
	jobs := []batchv1.Job{
		{ObjectMeta: metav1.ObjectMeta{Name: "own", OwnerReferences: controlledBy("r1"), UID: "j1"}},
		{ObjectMeta: metav1.ObjectMeta{Name: "labelled", Labels: labelled, OwnerReferences: controlledBy("other")}},
		{ObjectMeta: metav1.ObjectMeta{Name: "foreign", Labels: map[string]string{LabelRestore: "other"}, UID: "j3"}},
	}
	pods := []corev1.Pod{
		{ObjectMeta: metav1.ObjectMeta{Name: "of own", OwnerReferences: controlledBy("j1")}},
		{ObjectMeta: metav1.ObjectMeta{Name: "labelled", Labels: labelled}},
		{ObjectMeta: metav1.ObjectMeta{Name: "of foreign", OwnerReferences: controlledBy("j3")}},
	}

	work := WorkOf(restore, jobs, pods)

	g.Expect(work.Jobs).To(HaveExactElements(HaveField("Name", "own"), HaveField("Name", "labelled")), "a label is enough to count what started")
	g.Expect(work.Pods).To(HaveExactElements(HaveField("Name", "of own"), HaveField("Name", "labelled")))
	g.Expect(Owns(restore, &jobs[0])).To(BeTrue())
	g.Expect(Owns(restore, &jobs[1])).To(BeFalse(), "and yet it is not Rehome's to delete")
}

func TestWorkOfManyJobsIsAsLargeAsItsJobsAndPods(t *testing.T) {
	const many, each = 1000, 32 << 10
	g := NewWithT(t)
	restore := &Restore{ObjectMeta: metav1.ObjectMeta{Name: "r", UID: "r1"}}
	controlledBy := func(uid types.UID) []metav1.OwnerReference {
		return []metav1.OwnerReference{{UID: uid, Controller: ptr.To(true)}}
	}
	jobs, pods := make([]batchv1.Job, many), make([]corev1.Pod, many)
	for i := range jobs {
		jobs[i].UID, jobs[i].OwnerReferences = types.UID(fmt.Sprintf("j%d", i)), controlledBy("r1")
		pods[i].OwnerReferences = controlledBy(jobs[i].UID)
	}
	observe := func() {
		work := WorkOf(restore, jobs, pods)
		g.Expect(work.StartedPart(restore)).To(BeEmpty())
		g.Expect(work.Undecided()).NotTo(BeEmpty())
		for i := range jobs {
			g.Expect(work.StartedJob(restore, &jobs[i])).To(BeEmpty())
			g.Expect(work.UndecidedJob(&jobs[i])).NotTo(BeEmpty())
			g.Expect(work.PodsOf(&jobs[i])).To(HaveLen(1))
		}
	}

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	observe()
	runtime.ReadMemStats(&after)

	g.Expect(after.TotalAlloc - before.TotalAlloc).To(BeNumerically("<", many*each))
}
