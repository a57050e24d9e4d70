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

// scheduler is as much of kube-scheduler as reads the rules about other Pods. It is made once: a plugin asks the stage for the
// nodes and Pods whenever it judges, so that a new scenario needs a new snapshot only. It is not safe for concurrent use.
type scheduler struct {
	stage   *stage
	plugins []plugin
}

// plugin is what the scheduler asks of each of the two plugins.
type plugin interface {
	fwk.PreFilterPlugin
	fwk.FilterPlugin
	fwk.PreScorePlugin
	fwk.ScorePlugin
}

// stage shows the plugins the snapshot of the scenario that is on.
type stage struct{ fwk.SharedLister }

// newScheduler returns a scheduler with the defaults of kube-scheduler, for which the given namespaces exist.
func newScheduler(namespaces []*corev1.Namespace) (*scheduler, error) {
	metrics.Register() // The plugins count into it.
	ctx := context.Background()
	s := &scheduler{stage: &stage{SharedLister: cache.NewEmptySnapshot()}}
	handle, err := newHandle(ctx, s.stage, namespaces)
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

// newHandle returns what the plugins reach the scheduler by. Its informers never start: nothing in a scenario changes the
// namespaces, and a cache that is filled by hand needs no wait.
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

// opinion is what the scheduler makes of one node for one Pod.
type opinion struct {
	node string
	// refusal says why the Pod does not fit; it is empty where it fits.
	refusal string
	// score is what the plugins give the node, before they are normalised over all nodes and weighted. A node that is refused
	// has one as well: the laws hold for it, too.
	score [2]int64
}

func (o opinion) String() string {
	verdict := "fits"
	if o.refusal != "" {
		verdict = "refused (" + o.refusal + ")"
	}
	return fmt.Sprintf("%s: %s, affinity scores %d, spread %d", o.node, verdict, o.score[0], o.score[1])
}

// judge returns the opinions of every node, by name, on a Pod beside those that are placed.
func (s *scheduler) judge(nodes []*corev1.Node, placed []*corev1.Pod, pod *corev1.Pod) ([]opinion, error) {
	s.stage.SharedLister = cache.NewSnapshot(placed, nodes)
	infos, err := s.stage.NodeInfos().List()
	if err != nil {
		return nil, err
	}
	opinions := make([]opinion, len(infos))
	for i, info := range infos {
		opinions[i].node = info.Node().Name
	}
	for i, p := range s.plugins {
		cycle := framework.NewCycleState()
		if err := filter(p, cycle, pod, infos, opinions); err != nil {
			return nil, err
		}
		if err := score(p, i, cycle, pod, infos, opinions); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(opinions, func(a, b opinion) int { return cmp.Compare(a.node, b.node) })
	return opinions, nil
}

// filter adds to the opinions which nodes a plugin refuses.
func filter(p plugin, cycle fwk.CycleState, pod *corev1.Pod, infos []fwk.NodeInfo, opinions []opinion) error {
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
			opinions[i].refusal += p.Name() + ": " + status.Message() + "; "
		}
	}
	return nil
}

// score adds to the opinions the score that a plugin, the n-th, gives every node.
func score(p plugin, n int, cycle fwk.CycleState, pod *corev1.Pod, infos []fwk.NodeInfo, opinions []opinion) error {
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
		opinions[i].score[n] = score
	}
	return nil
}
