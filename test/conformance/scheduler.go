package conformance

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/interpodaffinity"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/podtopologyspread"
	"k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/metrics"
)

// scheduler holds kube-scheduler's plugins for rules about other Pods. Plugins read nodes and Pods from the lister on every call, so a
// new scenario only replaces the snapshot. It is not safe for concurrent use.
type scheduler struct {
	lister  *snapshotLister
	plugins []plugin
}

type plugin interface {
	fwk.PreFilterPlugin
	fwk.FilterPlugin
	fwk.PreScorePlugin
	fwk.ScorePlugin
}

// snapshotLister holds the snapshot of the current scenario.
type snapshotLister struct{ fwk.SharedLister }

// newScheduler returns a scheduler with kube-scheduler's defaults, in a cluster with the given namespaces.
func newScheduler(namespaces []*corev1.Namespace) (*scheduler, error) {
	metrics.Register() // The plugins record metrics.
	ctx := context.Background()
	s := &scheduler{lister: &snapshotLister{SharedLister: cache.NewEmptySnapshot()}}
	handle, err := newHandle(ctx, s.lister, namespaces)
	if err != nil {
		return nil, err
	}
	gates := feature.NewSchedulerFeaturesFromGates(utilfeature.DefaultFeatureGate)
	affinity, err := interpodaffinity.New(ctx, &config.InterPodAffinityArgs{HardPodAffinityWeight: 1}, handle, gates)
	if err != nil {
		return nil, err
	}
	// The default constraints spread by Services and StatefulSets, which no scenario has.
	spread, err := podtopologyspread.New(ctx, &config.PodTopologySpreadArgs{DefaultingType: config.ListDefaulting}, handle, gates)
	if err != nil {
		return nil, err
	}
	s.plugins = []plugin{affinity.(plugin), spread.(plugin)}
	return s, nil
}

// newHandle returns the plugins' handle. Its informers never start: the namespaces never change, and their cache is filled here.
func newHandle(ctx context.Context, pods fwk.SharedLister, namespaces []*corev1.Namespace) (fwk.Handle, error) {
	factory := informers.NewSharedInformerFactory(fake.NewClientset(), 0)
	for _, namespace := range namespaces {
		if err := factory.Core().V1().Namespaces().Informer().GetIndexer().Add(namespace); err != nil {
			return nil, err
		}
	}
	return runtime.NewFramework(ctx, nil, nil,
		runtime.WithSnapshotSharedLister(pods), runtime.WithInformerFactory(factory), runtime.WithParallelism(1))
}

// nodeResult is the scheduler's result for one Pod on one node.
type nodeResult struct {
	node string
	// rejection is empty when the Pod fits.
	rejection string
	// scores are the plugins', before normalisation and weights. A rejected node has scores too, because the laws cover them.
	scores [2]int64
}

func (r nodeResult) String() string {
	filter := "fits"
	if r.rejection != "" {
		filter = "rejected (" + r.rejection + ")"
	}
	return fmt.Sprintf("%s: %s, affinity scores %d, spread %d", r.node, filter, r.scores[0], r.scores[1])
}

// evaluate returns the results for a Pod on every node, sorted by node name, beside Pods that are scheduled already.
func (s *scheduler) evaluate(nodes []*corev1.Node, scheduled []*corev1.Pod, pod *corev1.Pod) ([]nodeResult, error) {
	s.lister.SharedLister = cache.NewSnapshot(scheduled, nodes)
	infos, err := s.lister.NodeInfos().List()
	if err != nil {
		return nil, err
	}
	results := make([]nodeResult, len(infos))
	for i, info := range infos {
		results[i].node = info.Node().Name
	}
	for i, p := range s.plugins {
		cycle := framework.NewCycleState()
		if err := filter(p, cycle, pod, infos, results); err != nil {
			return nil, err
		}
		if err := score(p, i, cycle, pod, infos, results); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(results, func(a, b nodeResult) int { return cmp.Compare(a.node, b.node) })
	return results, nil
}

// filter adds a plugin's rejections to the results.
func filter(p plugin, cycle fwk.CycleState, pod *corev1.Pod, infos []fwk.NodeInfo, results []nodeResult) error {
	_, status := p.PreFilter(context.Background(), cycle, pod, infos)
	if status.IsSkip() {
		return nil
	}
	if !status.IsSuccess() {
		return status.AsError()
	}
	for i, info := range infos {
		status := p.Filter(context.Background(), cycle, pod, info)
		if status.Code() == fwk.Error {
			return status.AsError()
		}
		if !status.IsSuccess() {
			results[i].rejection += p.Name() + ": " + status.Message() + "; "
		}
	}
	return nil
}

// score adds the scores of the n-th plugin to the results.
func score(p plugin, n int, cycle fwk.CycleState, pod *corev1.Pod, infos []fwk.NodeInfo, results []nodeResult) error {
	status := p.PreScore(context.Background(), cycle, pod, infos)
	if status.IsSkip() {
		return nil
	}
	if !status.IsSuccess() {
		return status.AsError()
	}
	for i, info := range infos {
		score, status := p.Score(context.Background(), cycle, pod, info)
		if !status.IsSuccess() {
			return status.AsError()
		}
		results[i].scores[n] = score
	}
	return nil
}
