package controllers

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/feasibility"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// besideRunning refuses rewritten rules that keep a Pod off all nodes of its volume, because database Pods run there. Those make no room, and
// the proof of package feasibility does not know where they are.
func besideRunning(w *feasibility.World, database []databasePod, budget *feasibility.Budget) []remedy.RefusedRule {
	world, runs := withRunning(w, database)
	if len(runs) == 0 {
		return nil
	}
	occupancy := feasibility.NewOccupancy(world, budget)
	closed := closedDomains{occupancy: occupancy, runs: runs, known: map[*corev1.Affinity][]feasibility.Domain{}}
	var refused []remedy.RefusedRule
	for i := range world.Pods {
		pod := &world.Pods[i]
		if runs[pod] || !slices.ContainsFunc(pod.Volumes, isBound) || dependsOnLabels(pod.Rewritten) {
			continue
		}
		rewritten := closed.by(pod.Rewritten)
		var reason string
		switch {
		case closed.unknown:
			reason = fmt.Sprintf(tooMuchReason, tooMuchWork)
		case occupancy.FreeFor(pod, rewritten) || !occupancy.FreeFor(pod, closed.by(pod.Stale)):
			continue // a Pod that no node could take anyway waits for something else
		default:
			reason = fmt.Sprintf(runningEverywhere, pod.Name, describeDomains(rewritten))
		}
		for _, rule := range feasibility.Required(pod.Policy, pod.Rewritten) {
			if rule.Kind == feasibility.AntiAffinity {
				refused = append(refused, remedy.RefusedRule{Path: rule.Path(), Reason: reason})
			}
		}
	}
	return refused
}

// dependsOnLabels reports whether a rule selects other Pods for each Pod that has it. Such rules are left to the proof.
func dependsOnLabels(r feasibility.Rules) bool {
	return r.Affinity != nil && r.Affinity.PodAntiAffinity != nil &&
		slices.ContainsFunc(r.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution, func(t corev1.PodAffinityTerm) bool {
			return len(t.MatchLabelKeys)+len(t.MismatchLabelKeys) > 0
		})
}

// closedDomains answers which domains are closed to Pods by those that run. Pods that share rules share the answer.
type closedDomains struct {
	occupancy *feasibility.Occupancy
	runs      map[*feasibility.Pod]bool
	known     map[*corev1.Affinity][]feasibility.Domain
	// unknown says that the budget did not suffice for an answer.
	unknown bool
}

func (c *closedDomains) by(rules feasibility.Rules) []feasibility.Domain {
	domains, ok := c.known[rules.Affinity]
	if ok {
		return domains
	}
	domains, ok = c.occupancy.Occupied(rules, func(p *feasibility.Pod) bool { return c.runs[p] })
	c.unknown = c.unknown || !ok
	c.known[rules.Affinity] = domains
	return domains
}

// withRunning returns a World in which a volume ties each database Pod that runs to its node, and those Pods.
func withRunning(w *feasibility.World, database []databasePod) (*feasibility.World, map[*feasibility.Pod]bool) {
	result := *w
	result.Pods = slices.Clone(w.Pods)
	seats, runs := seatsOf(w.Pods), map[*feasibility.Pod]bool{}
	for _, running := range database {
		if running.Spec.NodeName == "" {
			continue
		}
		if i, ok := seats.take(running); ok {
			pod := &result.Pods[i]
			pod.Volumes = append(slices.Clip(pod.Volumes), feasibility.Volume{Node: running.Spec.NodeName})
			runs[pod] = true
		}
	}
	return &result, runs
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
