package placement

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// reasonKeptOut is InterPodAffinity's reason for rules of running Pods.
const reasonKeptOut = "node(s) didn't satisfy existing pods anti-affinity rules"

// Message returns what kube-scheduler writes for these verdicts, without what it says of preemption. It is empty where a node fits.
func Message(verdicts []Verdict) string {
	text := fmt.Sprintf("0/%d nodes are available:", len(verdicts))
	if len(verdicts) == 0 {
		return "no nodes available to schedule pods"
	}
	if first := verdicts[0].Refusals; len(first) > 0 && first[0].AllNodes {
		return text + " " + strings.Join(first[0].Reasons, ", ") + "."
	}
	counts := map[string]int{}
	for i := range verdicts {
		if len(verdicts[i].Refusals) == 0 {
			return ""
		}
		for _, reason := range verdicts[i].Refusals[0].Reasons {
			counts[reason]++
		}
	}
	reasons := make([]string, 0, len(counts))
	for reason, n := range counts {
		reasons = append(reasons, fmt.Sprintf("%d %s", n, reason))
	}
	slices.Sort(reasons)
	return text + " " + strings.Join(reasons, ", ") + "."
}

// Agrees reports whether a scheduler's message is an expected one. What it says of preemption follows it.
func Agrees(said, expected string) bool {
	rest, ok := strings.CutPrefix(said, expected)
	return ok && expected != "" && (rest == "" || rest[0] == ' ')
}

// saidOf returns the message of the scheduler, or an empty string.
func saidOf(pod *corev1.Pod) string {
	if c := scheduledCondition(pod); c != nil && c.Status == corev1.ConditionFalse {
		return c.Message
	}
	return ""
}

func scheduledCondition(pod *corev1.Pod) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == corev1.PodScheduled {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

func waitsSince(pod *corev1.Pod) *metav1.Time {
	if pod.CreationTimestamp.IsZero() {
		return nil
	}
	return pod.CreationTimestamp.DeepCopy()
}

// compare compares the verdicts with what the Pod's own scheduler says.
func (w *Waiting) compare(pod *corev1.Pod, asked []string) {
	name := pod.Spec.SchedulerName
	if name != "" && len(asked) > 0 && !slices.Contains(asked, name) {
		w.Scheduler = name
	}
	w.Expected = Message(w.verdicts)
	w.Agrees = Agrees(w.Said, w.Expected)
}

// signature is equal for verdicts that are equal.
func signature(verdicts []Verdict) string {
	var b strings.Builder
	for i := range verdicts {
		for _, r := range verdicts[i].Refusals {
			fmt.Fprint(&b, r.Plugin, r.Reasons)
		}
		b.WriteByte('|')
	}
	return b.String()
}
