package controllers

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// observeAwaited fills in what can still be bound by the Cluster's stale rules, where a rewrite of them is due: a rewrite is decided by where
// the volumes are, and these have none yet.
func (r *ClusterReconciler) observeAwaited(ctx context.Context, s *scope) error {
	if s.world == nil || len(s.observation.Live.Edits) == 0 {
		return nil
	}
	database, err := r.liveDatabase(ctx, s)
	if err != nil {
		return err
	}
	a := newAwaited(&s.observation, s.world.claims)
	a.restorePods(s.restores)
	a.databasePods(database)
	if !a.begun && !slices.ContainsFunc(s.world.claims, hasPlace) {
		a.missingComponents(s)
	}
	a.missingPods(s)
	return nil
}

// awaited collects what is awaited into an observation.
type awaited struct {
	observation *remedy.Observation
	// running holds the names of the Components that have database Pods, decided those of the claims whose Pods have a node, or have
	// none in the scheduler's words.
	running, decided map[string]bool
	// selected holds the names of the claims for which the scheduler has selected a node, and no volume exists yet.
	selected map[string]bool
	// begun says that there is such a Pod.
	begun bool
}

func newAwaited(o *remedy.Observation, claims []corev1.PersistentVolumeClaim) *awaited {
	a := &awaited{observation: o, running: map[string]bool{}, decided: map[string]bool{}, selected: map[string]bool{}}
	for i := range claims {
		a.selected[claims[i].Name] = claims[i].Spec.VolumeName == "" && kubeblocks.SelectedNode(&claims[i]) != ""
	}
	return a
}

func (a *awaited) await(awaited remedy.Awaited) {
	a.observation.Awaited = append(a.observation.Awaited, awaited)
}

// restorePods looks at the Pods of unfinished Restores.
func (a *awaited) restorePods(restores []restoreScope) {
	for i := range restores {
		restore := &restores[i]
		a.pods(restore.observed.Component, restore.observed.Pods)
		if restore.undecidedPod != "" && len(restore.observed.Stale) > 0 {
			a.await(remedy.Awaited{Component: restore.observed.Component, Exists: true, Text: restore.undecidedPod})
		}
	}
}

// databasePods looks at the database Pods. Those that are undecided are in the observation already. For some, the scheduler has selected
// a node, and KubeBlocks 1.2 restores their volumes there, for hours.
func (a *awaited) databasePods(pods []databasePod) {
	for _, pod := range pods {
		a.running[pod.owner.Name] = true
		isSelected := func(claim string) bool { return a.selected[claim] }
		if kubeblocks.UndecidedPod(pod.Pod) != "" && !slices.ContainsFunc(kubeblocks.ClaimsOf(&pod.Spec), isSelected) {
			a.observation.Unplaced = append(a.observation.Unplaced, pod.scope())
		}
		a.pods(kubeblocks.ShortName(pod.owner.Labels), []remedy.Pod{podOf(pod.Pod)})
	}
}

func (a *awaited) pods(component string, pods []remedy.Pod) {
	for i := range pods {
		if pods[i].Unschedulable != "" && !slices.Contains(a.observation.Unschedulable, component) {
			a.observation.Unschedulable = append(a.observation.Unschedulable, component)
		}
		decided := pods[i].Node != "" || pods[i].Unschedulable != ""
		a.begun = a.begun || decided
		for _, claim := range pods[i].Claims {
			a.decided[claim] = a.decided[claim] || decided
		}
	}
}

// missingComponents looks at the Components that KubeBlocks has yet to create. Once the scheduler has decided on a Pod of the Cluster,
// KubeBlocks has created the first of them, and reads the Cluster again before it creates others.
func (a *awaited) missingComponents(s *scope) {
	created := map[string]bool{}
	for i := range s.components {
		created[kubeblocks.ShortName(s.components[i].Labels)] = true
	}
	for _, name := range s.cluster.Components() {
		if !created[name] {
			a.await(remedy.Awaited{Component: name, Text: fmt.Sprintf(componentAwaited, name)})
		}
	}
}

// missingPods looks at the Pods that KubeBlocks has yet to create for Components with stale rules.
func (a *awaited) missingPods(s *scope) {
	stale := map[string]bool{}
	for i := range s.components {
		stale[s.components[i].Name] = s.observation.Components[i].Stale
	}
	claimed := map[string]bool{}
	for i := range s.world.pods {
		if pod := &s.world.pods[i]; len(pod.Claims) > 0 {
			claimed[pod.Labels[kubeblocks.LabelWorkload]] = true
		}
	}
	for i := range s.world.pods {
		pod := &s.world.pods[i]
		component := pod.Labels[kubeblocks.LabelWorkload]
		withoutVolumes := a.running[component] && !claimed[component]
		if stale[component] && !withoutVolumes && !a.settled(pod) {
			a.await(remedy.Awaited{Component: kubeblocks.ShortName(pod.Labels), Text: fmt.Sprintf(podAwaited, component)})
			stale[component] = false // one says enough
		}
	}
}

// settled reports whether every volume of a database Pod has a place, or a Pod on which the scheduler has decided.
func (a *awaited) settled(pod *kubeblocks.DatabasePod) bool {
	open := func(claim *corev1.PersistentVolumeClaim) bool { return !hasPlace(*claim) && !a.decided[claim.Name] }
	return len(pod.Claims) > 0 && !slices.ContainsFunc(pod.Claims, open)
}

// hasPlace reports whether a claim has a volume, or a node that is selected for it.
func hasPlace(claim corev1.PersistentVolumeClaim) bool {
	return claim.Spec.VolumeName != "" || kubeblocks.SelectedNode(&claim) != ""
}
