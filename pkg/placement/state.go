package placement

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// state is a Pod for which the question for a node does not arise.
type state struct {
	cause Cause
	next  string
}

// stateOf returns why a Pod waits where that is not the search for a node; nil where it is.
func stateOf(pod *corev1.Pod, w *World) *state {
	describe := fmt.Sprintf(nextDescribePod, pod.Name, pod.Namespace)
	switch {
	case !pod.DeletionTimestamp.IsZero():
		return &state{Cause{Kind: CauseElsewhere, Text: textDeleting, Found: FoundByObjects}, describe}
	case pod.Spec.NodeName != "":
		return runs(pod, describe)
	case len(pod.Spec.SchedulingGates) > 0:
		var names []string
		for _, gate := range pod.Spec.SchedulingGates {
			names = append(names, gate.Name)
		}
		return &state{Cause{Kind: CauseElsewhere, Text: fmt.Sprintf(textGated, strings.Join(names, ", ")), Found: FoundByObjects}, describe}
	case pod.Status.NominatedNodeName != "":
		return &state{Cause{Kind: CauseUndecided, Text: fmt.Sprintf(textNominated, pod.Status.NominatedNodeName), Found: FoundByObjects}, nextWait}
	}
	if scheduledCondition(pod) == nil {
		return provisioning(pod, w)
	}
	return nil
}

// runs says what a Pod with a node waits for.
func runs(pod *corev1.Pod, describe string) *state {
	reason := kubeblocks.WaitingFor(pod)
	if reason == "" {
		for _, c := range pod.Status.InitContainerStatuses {
			if c.State.Waiting != nil && c.State.Waiting.Reason != "" && c.State.Waiting.Reason != "PodInitializing" {
				reason = c.State.Waiting.Reason
			}
		}
	}
	text := fmt.Sprintf(textHasNode, pod.Spec.NodeName)
	if reason != "" {
		text += fmt.Sprintf(textWaitsFor, reason)
	}
	return &state{Cause{Kind: CauseElsewhere, Text: text, Found: FoundByObjects}, describe}
}

// provisioning returns the state of a Pod with a claim that waits for its volume on a node that the scheduler chose; nil without one.
func provisioning(pod *corev1.Pod, w *World) *state {
	for _, name := range claimsOf(pod) {
		c := w.claim(pod.Namespace, name)
		if c != nil && c.Spec.VolumeName == "" && kubeblocks.SelectedNode(c) != "" {
			text := fmt.Sprintf(textProvisioning, name, kubeblocks.SelectedNode(c))
			return &state{Cause{Kind: CauseVolumes, Text: text, Found: FoundByObjects}, fmt.Sprintf(nextDescribeClaim, name, pod.Namespace)}
		}
	}
	return nil
}

// Waits reports whether a Pod waits: it has no node, or it has one and does not get on.
func Waits(pod *corev1.Pod) bool {
	switch {
	case pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed:
		return false
	case pod.Spec.NodeName == "":
		return true
	}
	return kubeblocks.WaitingFor(pod) != "" || pod.Status.Phase == corev1.PodPending
}
