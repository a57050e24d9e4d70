package scheduler

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/rehome-operator/rehome/pkg/placement"
)

// workers is how many nodes are filtered at once.
const workers = 8

// pass is one Pod's way through the plugins.
type pass struct {
	*profile
	pod   *corev1.Pod
	cycle fwk.CycleState
	// skipped are the filters that have nothing to say, or that refused the Pod already.
	skipped sets.Set[string]
	// refused are the refusals of the Pod itself.
	refused []placement.Refusal
	// limits are the plugins that named the only nodes that do, and only those nodes.
	limits []string
	only   sets.Set[string]
}

// Filter implements placement.Scheduler.
func (s *scheduler) Filter(ctx context.Context, pod *corev1.Pod) ([]placement.Verdict, error) {
	_, verdicts, err := s.filter(ctx, pod)
	return verdicts, err
}

func (s *scheduler) filter(ctx context.Context, pod *corev1.Pod) (*pass, []placement.Verdict, error) {
	ctx = klog.NewContext(ctx, logr.Discard())
	p := &pass{profile: s.profileOf(pod), pod: pod, cycle: framework.NewCycleState(), skipped: sets.New[string]()}
	if err := p.preFilter(ctx, s.infos); err != nil {
		return nil, nil, err
	}
	p.cycle.SetSkipFilterPlugins(p.skipped)
	verdicts := make([]placement.Verdict, len(s.infos))
	var failed error
	var once sync.Once
	workqueue.ParallelizeUntil(ctx, workers, len(s.infos), func(i int) {
		refusals, err := p.filter(ctx, s.infos[i])
		if err != nil {
			once.Do(func() { failed = err })
		}
		verdicts[i] = placement.Verdict{Node: s.infos[i].Node().Name, Refusals: refusals}
	}, workqueue.WithChunkSize(max(1, len(s.infos)/workers/4)))
	if failed == nil {
		failed = ctx.Err()
	}
	shareRefusals(verdicts)
	return p, verdicts, failed
}

// maxShared is how many different refusals are remembered, so that nodes that all differ cost no time.
const maxShared = 16

// shareRefusals lets nodes with equal refusals have one list of them: the verdicts on many nodes for many Pods are held at once.
func shareRefusals(verdicts []placement.Verdict) {
	var known [][]placement.Refusal
	for i := range verdicts {
		refusals := verdicts[i].Refusals
		if len(refusals) == 0 {
			continue
		}
		at := slices.IndexFunc(known, func(k []placement.Refusal) bool { return slices.EqualFunc(k, refusals, equalRefusals) })
		switch {
		case at >= 0:
			verdicts[i].Refusals = known[at]
		case len(known) < maxShared:
			known = append(known, refusals)
		}
	}
}

func equalRefusals(a, b placement.Refusal) bool {
	return a.Plugin == b.Plugin && a.Unresolvable == b.Unresolvable && a.AllNodes == b.AllNodes && slices.Equal(a.Reasons, b.Reasons)
}

// preFilter asks the plugins about the Pod itself. kube-scheduler stops at the first refusal that no eviction could change.
func (p *pass) preFilter(ctx context.Context, infos []fwk.NodeInfo) error {
	for _, plugin := range p.preFilters {
		result, status := plugin.PreFilter(ctx, p.cycle, p.pod, infos)
		switch {
		case status.IsSkip():
			p.skipped.Insert(plugin.Name())
		case status.IsSuccess():
			if !result.AllNodes() {
				p.limit(plugin.Name(), result.NodeNames)
			}
		case status.IsRejected():
			p.skipped.Insert(plugin.Name())
			p.refuse(refusal(plugin.Name(), status))
		case len(p.refused) == 0:
			return fmt.Errorf("running PreFilter plugin %q: %w", plugin.Name(), status.AsError())
		default:
			p.skipped.Insert(plugin.Name())
		}
	}
	return nil
}

// refuse adds a refusal of the Pod itself. The first of those that no eviction could change is the one that is reported, else the last.
func (p *pass) refuse(r placement.Refusal) {
	r.AllNodes = true
	if len(p.refused) > 0 && p.refused[0].Unresolvable {
		p.refused = append(p.refused, r)
		return
	}
	p.refused = slices.Insert(p.refused, 0, r)
}

// limit remembers that a plugin names the only nodes that do. Where none is left, that is a refusal of the Pod.
func (p *pass) limit(plugin string, nodes sets.Set[string]) {
	p.limits = append(p.limits, plugin)
	slices.Sort(p.limits)
	if p.only == nil {
		p.only = nodes.Clone()
	} else {
		p.only = p.only.Intersection(nodes)
	}
	if len(p.only) > 0 {
		return
	}
	reason := fmt.Sprintf("node(s) didn't satisfy plugin %v", p.limits[0])
	if len(p.limits) > 1 {
		reason = fmt.Sprintf("node(s) didn't satisfy plugin(s) %v simultaneously", p.limits)
	}
	p.refuse(placement.Refusal{Plugin: strings.Join(p.limits, ", "), Reasons: []string{reason}, Unresolvable: true})
}

// filter asks the plugins about a node. An error after a refusal is ignored: kube-scheduler would not have asked.
func (p *pass) filter(ctx context.Context, info fwk.NodeInfo) ([]placement.Refusal, error) {
	refusals := slices.Clone(p.refused)
	outside := p.only != nil && !p.only.Has(info.Node().Name)
	if outside && len(p.only) > 0 {
		refusals = append(refusals, placement.Refusal{
			Plugin: strings.Join(p.limits, ", "), Unresolvable: true,
			Reasons: []string{fmt.Sprintf("node(s) didn't satisfy plugin(s) %v", p.limits)},
		})
	}
	for _, plugin := range p.filters {
		if p.skipped.Has(plugin.Name()) || outside && slices.Contains(p.limits, plugin.Name()) {
			continue
		}
		status := plugin.Filter(ctx, p.cycle, p.pod, info)
		switch {
		case status.IsSuccess():
		case status.IsRejected():
			refusals = append(refusals, refusal(plugin.Name(), status))
		case len(refusals) == 0:
			return nil, fmt.Errorf("running %q filter plugin: %w", plugin.Name(), status.AsError())
		}
	}
	return refusals, nil
}

func refusal(plugin string, status *fwk.Status) placement.Refusal {
	return placement.Refusal{
		Plugin: plugin, Reasons: slices.Clone(status.Reasons()), Unresolvable: status.Code() == fwk.UnschedulableAndUnresolvable,
	}
}

// Pick implements placement.Scheduler. kube-scheduler takes one of several nodes with the best score at random; here each Pod takes the next
// one, so that the answer is always the same, and Pods do not all come on the first.
func (s *scheduler) Pick(ctx context.Context, pod *corev1.Pod) (string, error) {
	best, err := s.Best(ctx, pod)
	if err != nil || len(best) == 0 {
		return "", err
	}
	return best[len(s.assumed)%len(best)], nil
}

// Best returns the nodes with the best score among those that fit.
func (s *scheduler) Best(ctx context.Context, pod *corev1.Pod) ([]string, error) {
	p, verdicts, err := s.filter(ctx, pod)
	if err != nil {
		return nil, err
	}
	var fit []fwk.NodeInfo
	for i := range verdicts {
		if len(verdicts[i].Refusals) == 0 {
			fit = append(fit, s.infos[i])
		}
	}
	switch len(fit) {
	case 0:
		return nil, nil
	case 1:
		return []string{fit[0].Node().Name}, nil
	}
	ctx = klog.NewContext(ctx, logr.Discard())
	if status := p.framework.RunPreScorePlugins(ctx, p.cycle, pod, fit); !status.IsSuccess() {
		return nil, status.AsError()
	}
	scores, status := p.framework.RunScorePlugins(ctx, p.cycle, pod, fit)
	if !status.IsSuccess() {
		return nil, status.AsError()
	}
	highest := slices.MaxFunc(scores, func(a, b fwk.NodePluginScores) int { return cmp.Compare(a.TotalScore, b.TotalScore) }).TotalScore
	best := make([]string, 0, len(scores))
	for i := range scores {
		if scores[i].TotalScore == highest {
			best = append(best, scores[i].Name)
		}
	}
	return best, nil
}
