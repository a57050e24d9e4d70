package placement

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Subject is a Pod to explain.
type Subject struct {
	Pod *corev1.Pod
	// Kind is what the Pod is for: "restore Pod", "database Pod" or "Pod".
	Kind string
	// Rewritten is the Pod with the rules that Rehome would give it; nil where that changes nothing.
	Rewritten *corev1.Pod
	// Findings are those of a rewrite of the Pod's rules. Their paths are JSON Pointers into the Pod.
	Findings []rewrite.Finding
	// Edits turn the rules of Pod into those of Rewritten.
	Edits []rewrite.Edit
	// Locate returns where a rule of the Pod stands in the Cluster, and where in a Backup; nil for a Pod of no Cluster.
	Locate func(Rule) Location
}

// Location is where a rule comes from.
type Location struct {
	// Path is a JSON Pointer into the Cluster, or into the snapshot of the Backup.
	Path   string `json:"path,omitempty"`
	Backup string `json:"backup,omitempty"`
}

// Options say how much is asked.
type Options struct {
	// Schedulers are the names of the schedulers that the Scheduler answers for.
	Schedulers []string
	// MaxPairs limits how many pairs of causes are tried where no single one helps.
	MaxPairs int
}

const defaultMaxPairs = 28

// Explain says why Pods have no node. Those that wait for the same reasons are one Waiting.
func Explain(ctx context.Context, w *World, newScheduler NewScheduler, subjects []Subject, o Options) ([]Waiting, error) {
	if o.MaxPairs == 0 {
		o.MaxPairs = defaultMaxPairs
	}
	e := &explainer{ctx: ctx, world: w, new: newScheduler, options: o}
	subjects = slices.Clone(subjects) // look changes them
	var all []Waiting
	index := map[string]int{}
	for i := range subjects {
		one, key, err := e.look(&subjects[i])
		if err != nil {
			return nil, err
		}
		if at, ok := index[key]; ok {
			all[at].add(one)
			continue
		}
		if err := e.complete(&one, &subjects[i]); err != nil {
			return nil, err
		}
		index[key] = len(all)
		all = append(all, one)
	}
	for i := range all {
		if err := e.play(&all[i], subjects); err != nil {
			return nil, err
		}
		all[i].decide()
	}
	return all, nil
}

// explainer asks a Scheduler, which is made when the first question needs it.
type explainer struct {
	ctx       context.Context
	world     *World
	new       NewScheduler
	scheduler Scheduler
	options   Options
	matcher   *matcher
	nodes     map[string]*corev1.Node
	used      map[string]corev1.ResourceList
}

func (e *explainer) ready() error {
	if e.scheduler != nil {
		return nil
	}
	s, err := e.new(e.ctx, e.world)
	if err != nil {
		return err
	}
	e.scheduler, e.matcher = s, newMatcher(e.world)
	e.nodes = map[string]*corev1.Node{}
	for i := range e.world.Nodes {
		e.nodes[e.world.Nodes[i].Name] = &e.world.Nodes[i]
	}
	return nil
}

// look returns what can be said of a Pod without a comparison, and a key that is equal for Pods that wait alike. It drops from the
// Subject what nobody can judge.
func (e *explainer) look(s *Subject) (Waiting, string, error) {
	w := Waiting{
		Kind: s.Kind, Namespace: s.Pod.Namespace, Cluster: s.Pod.Labels[rewrite.LabelInstance], Component: s.Pod.Labels[labelComponent],
		Pods: []string{s.Pod.Name}, Since: waitsSince(s.Pod), Said: saidOf(s.Pod),
	}
	who := fmt.Sprintf("%s|%s|%s|%s|%s", w.Kind, w.Namespace, w.Cluster, w.Component, s.Pod.Spec.SchedulerName)
	if state := stateOf(s.Pod, e.world); state != nil {
		w.Cause, w.Next = state.cause, state.next
		return w, who + "|" + state.cause.Text, nil
	}
	if err := e.ready(); err != nil {
		return w, "", err
	}
	if w.provisions = provisioning(s.Pod, e.world); w.provisions != nil {
		who += "|" + w.provisions.cause.Text
	}
	e.dropUnknown(s, &w)
	verdicts, err := e.scheduler.Filter(e.ctx, s.Pod)
	if err != nil {
		w.Cause = Cause{Kind: CauseUnknown, Text: err.Error(), Found: FoundByPlugin}
		w.Next = fmt.Sprintf(nextDescribePod, s.Pod.Name, s.Pod.Namespace)
		return w, who + "|" + w.Cause.Text, e.ctx.Err()
	}
	w.verdicts, w.missingClass = verdicts, e.missingClass(s.Pod)
	w.compare(s.Pod, e.options.Schedulers)
	return w, fmt.Sprintf("%s|%v|%v|%s", who, w.Agrees, w.Unknown, signature(verdicts)), nil
}

// complete adds the rules, the collisions and the comparisons.
func (e *explainer) complete(w *Waiting, s *Subject) error {
	if w.verdicts == nil {
		return nil
	}
	blame, err := e.blame(s, w.verdicts)
	if err != nil {
		return err
	}
	w.Rules = blame.reports(s)
	w.nodes(e, s, blame)
	return e.compareWithout(w, s, blame)
}
