package controllers

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/feasibility"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// withRunning returns the World in which database Pods that run stay on their nodes, with the rules that only a restart could replace. It is
// nil where none runs. A Pod that runs makes no room for another.
func withRunning(w *feasibility.World, database []databasePod) *feasibility.World {
	result := *w
	result.Pods = slices.Clone(w.Pods)
	seats, withoutNodes := seatsOf(w.Pods), memoAffinity{}
	held := map[string]bool{}
	for _, running := range database {
		if running.Spec.NodeName == "" {
			continue
		}
		if i, ok := seats.take(running); ok {
			pod := &result.Pods[i]
			held[pod.Policy] = true
			// It stays, whatever its rules and the node's taints say by now. A refusal lists the claims that tie Pods, and this among them.
			pod.NodeSelector, pod.Tolerations = nil, []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
			pod.Stale.Affinity = withoutNodes.of(pod.Stale.Affinity)
			pod.Volumes = append(slices.Clip(pod.Volumes), feasibility.Volume{Claim: "Pod " + running.Name, Node: running.Spec.NodeName})
		}
	}
	if len(held) == 0 {
		return nil
	}
	for i := range result.Pods {
		if pod := &result.Pods[i]; held[pod.Policy] {
			pod.Rewritten = pod.Stale
		}
	}
	return &result
}

// memoAffinity holds affinities without their rules about nodes. Pods that share one share its copy.
type memoAffinity map[*corev1.Affinity]*corev1.Affinity

func (m memoAffinity) of(a *corev1.Affinity) *corev1.Affinity {
	if a == nil || a.NodeAffinity == nil {
		return a
	}
	if m[a] == nil {
		m[a] = &corev1.Affinity{PodAffinity: a.PodAffinity, PodAntiAffinity: a.PodAntiAffinity}
	}
	return m[a]
}

// seats are the Pods of a World that no real Pod has been found for. A World names a Pod without claims by itself, so that those of a
// component and an instance template stand for each other.
type seats map[string][]int

func seatsOf(pods []feasibility.Pod) seats {
	s := seats{}
	for i := range pods {
		key := pods[i].Name
		if len(pods[i].Volumes) == 0 {
			key = seatKey(pods[i].Labels[kubeblocks.LabelWorkload], pods[i].Labels[kubeblocks.LabelInstanceTemplate])
		}
		s[key] = append(s[key], i)
	}
	return s
}

// seatKey cannot be the name of a Pod.
func seatKey(component, template string) string { return component + "/" + template }

// take returns the index of the Pod of the World that is this one.
func (s seats) take(pod databasePod) (index int, found bool) {
	template := kubeblocks.TemplateOf(pod.Name, pod.Labels, pod.set.Name)
	for _, key := range []string{pod.Name, seatKey(pod.owner.Name, template)} {
		if free := s[key]; len(free) > 0 {
			s[key] = free[1:]
			return free[0], true
		}
	}
	return 0, false
}
