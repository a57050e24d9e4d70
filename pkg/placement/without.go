package placement

import (
	"errors"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// lever is something that can be taken away in thought.
type lever struct {
	kind  CauseKind
	name  string
	class rewrite.Class
	apply func(*corev1.Pod) *corev1.Pod
	// others takes the rules of running Pods away instead.
	others bool
}

// levers lists what refuses nodes and can be taken away.
func (e *explainer) levers(s *Subject, b *blame, verdicts []Verdict) []lever {
	var all []lever
	for _, own := range b.own {
		kind, class := CauseRule, classOf(s, own.rule.Path)
		if class == rewrite.SourceIdentity {
			kind = CauseStaleRule
		}
		all = append(all, lever{kind: kind, name: own.rule.describe(b.component), class: class, apply: func(pod *corev1.Pod) *corev1.Pod {
			return withRules(pod, func(path string) bool { return path != own.rule.Path })
		}})
	}
	if len(b.others) > 0 {
		all = append(all, lever{kind: CauseKeptOut, name: textRulesOfOthers, others: true})
	}
	for _, l := range []struct {
		lever
		plugins []string
	}{
		{
			lever{kind: CauseNodes, name: textNodeSelection, class: classOf(s, "/spec/nodeSelector"), apply: anyNode},
			[]string{pluginNodeAffinity, pluginNodeName},
		},
		{lever{kind: CauseTaints, name: textTaints, apply: tolerant}, []string{pluginTaints, pluginUnschedulable}},
		{lever{kind: CauseResources, name: textRequests, apply: undemanding}, []string{pluginResources}},
		{
			lever{kind: CauseVolumes, name: textVolumes, apply: withoutVolumes},
			[]string{pluginVolumeBinding, pluginVolumeZone, pluginVolumeLimits, pluginVolumeRestrict},
		},
		{lever{kind: CausePorts, name: textPorts, apply: withoutPorts}, []string{pluginPorts}},
	} {
		if refuses(verdicts, l.plugins...) {
			all = append(all, l.lever)
		}
	}
	return all
}

func anyNode(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.Spec.NodeSelector = nil
	if pod.Spec.Affinity != nil && pod.Spec.Affinity.NodeAffinity != nil {
		pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution = nil
	}
	return pod
}

func tolerant(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	return pod
}

func undemanding(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.Spec.Resources, pod.Spec.Overhead = nil, nil
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			containers[i].Resources = corev1.ResourceRequirements{}
		}
	}
	return pod
}

func withoutVolumes(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.Spec.Volumes = nil
	return pod
}

func withoutPorts(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			containers[i].Ports = nil
		}
	}
	return pod
}

// compareWithout asks what would help: each cause alone, Rehome's rewrite, and pairs where no single one does.
func (e *explainer) compareWithout(w *Waiting, s *Subject, b *blame) error {
	w.subject = s
	if len(fitting(w.verdicts)) > 0 {
		return nil
	}
	c := comparer{e: e, pod: s.Pod, blame: b}
	levers := e.levers(s, b, w.verdicts)
	for _, l := range levers {
		one, err := c.without(l)
		if err != nil {
			return err
		}
		w.Without = append(w.Without, one)
	}
	if s.Rewritten != nil {
		verdicts, err := e.scheduler.Filter(e.ctx, s.Rewritten)
		if err != nil {
			return err
		}
		w.With = newComparison(CauseStaleRule, nil, verdicts)
	}
	if !slices.ContainsFunc(w.Without, func(c Comparison) bool { return c.Fits > 0 }) {
		return c.pairs(w, levers)
	}
	return nil
}

// comparer asks about one Pod.
type comparer struct {
	e     *explainer
	pod   *corev1.Pod
	blame *blame
	// free is a Scheduler for a World without the rules of running Pods that keep the Pod away.
	free Scheduler
}

func (c *comparer) without(levers ...lever) (Comparison, error) {
	scheduler := c.e.scheduler
	one := Comparison{Kind: levers[0].kind, class: levers[0].class}
	if len(levers) > 1 {
		one.Kind, one.class = CauseSeveral, ""
	}
	var names []string
	for _, l := range levers {
		names = append(names, l.name)
		if l.others {
			var err error
			if scheduler, err = c.withoutOthers(); err != nil {
				return one, err
			}
		}
	}
	verdicts, err := scheduler.Filter(c.e.ctx, c.together(levers))
	if err != nil {
		return one, err
	}
	made := newComparison(one.Kind, names, verdicts)
	made.class = one.class
	return *made, nil
}

// together applies several levers. Those of rules come last to first, so that the indexes before them stay.
func (c *comparer) together(levers []lever) *corev1.Pod {
	pod := c.pod
	for i := len(levers) - 1; i >= 0; i-- {
		if !levers[i].others {
			pod = levers[i].apply(pod)
		}
	}
	return pod
}

func newComparison(kind CauseKind, of []string, verdicts []Verdict) *Comparison {
	nodes := fitting(verdicts)
	return &Comparison{Kind: kind, Of: of, Fits: len(nodes), Nodes: firstOf(nodes), Found: FoundByComparison, all: nodes}
}

func (c *comparer) pairs(w *Waiting, levers []lever) error {
	tried := 0
	for i := range levers {
		for j := i + 1; j < len(levers); j++ {
			if tried++; tried > c.e.options.MaxPairs {
				return nil
			}
			pair, err := c.without(levers[i], levers[j])
			if err != nil {
				return err
			}
			if pair.Fits > 0 {
				w.Without = append(w.Without, pair)
			}
		}
	}
	return nil
}

// withoutOthers returns a Scheduler for a World in which the running Pods that keep the Pod away have no such rules.
func (c *comparer) withoutOthers() (Scheduler, error) {
	if c.free != nil {
		return c.free, nil
	}
	keepers := c.blame.keeperPods()
	world := *c.e.world
	world.Pods = slices.Clone(world.Pods)
	freed := map[*corev1.Pod]*corev1.Pod{}
	for i := range world.Pods {
		if pod := &world.Pods[i]; keepers[pod.Namespace()+"/"+pod.Name()] {
			world.Pods[i] = pod.withoutAntiAffinity(freed)
		}
	}
	var err error
	c.free, err = c.e.new(c.e.ctx, &world)
	return c.free, err
}

// maxPlayed is how many Pods are placed one after the other.
const maxPlayed = 200

// play lets the Pods of a Waiting find nodes one after the other, as Rehome would write their rules.
func (e *explainer) play(w *Waiting, subjects []Subject) (err error) {
	if w.verdicts == nil || len(w.Pods) < 2 || len(w.Pods) > maxPlayed || w.With == nil {
		return nil
	}
	w.Placed = &Placed{Rewritten: true, Pods: len(w.Pods)}
	var assumed []*corev1.Pod
	defer func() {
		for _, pod := range assumed {
			err = errors.Join(err, e.scheduler.Forget(pod))
		}
	}()
	for i := range subjects {
		pod := subjects[i].asRewritten()
		if pod.Namespace != w.Namespace || !slices.Contains(w.Pods, pod.Name) {
			continue
		}
		node, err := e.place(pod)
		if err != nil {
			return err
		}
		if node != "" {
			assumed = append(assumed, pod)
			w.Placed.add(node)
		}
	}
	return nil
}

// asRewritten returns the Pod with the rules that it should have.
func (s *Subject) asRewritten() *corev1.Pod {
	if s.Rewritten != nil {
		return s.Rewritten
	}
	return s.Pod
}

// place assumes that a Pod runs on the node that the scheduler would choose, or returns an empty string.
func (e *explainer) place(pod *corev1.Pod) (string, error) {
	node, err := e.scheduler.Pick(e.ctx, pod)
	if err != nil || node == "" {
		return "", err
	}
	return node, e.scheduler.Assume(pod, node)
}

func (p *Placed) add(node string) {
	p.Found++
	if len(p.Nodes) < maxNames && !slices.Contains(p.Nodes, node) {
		p.Nodes = append(p.Nodes, node)
	}
}
