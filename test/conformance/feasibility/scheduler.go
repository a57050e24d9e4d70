package feasibility

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/interpodaffinity"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodeaffinity"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodeunschedulable"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/podtopologyspread"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/tainttoleration"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumebinding"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/metrics"
)

// scheduler is the filters of kube-scheduler that a decision has to agree with. It is not safe for concurrent use.
type scheduler struct {
	snapshot *snapshot
	// alone judge a Pod and a node, together also the Pods that are placed.
	alone, together []fwk.FilterPlugin
}

// snapshot shows the plugins the Pods and nodes of the moment.
type snapshot struct{ fwk.SharedLister }

// newScheduler returns the plugins with the defaults of kube-scheduler. Its caches hold the storage of all worlds.
func newScheduler(ctx context.Context, s *storage) (*scheduler, error) {
	metrics.Register() // The plugins count into it.
	kube := &scheduler{snapshot: &snapshot{cache.NewEmptySnapshot()}}
	client := fake.NewClientset(append(s.objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: namespaceLabels}})...)
	factory := informers.NewSharedInformerFactory(client, 0)
	handle, err := frameworkruntime.NewFramework(ctx, nil, nil, frameworkruntime.WithSnapshotSharedLister(kube.snapshot),
		frameworkruntime.WithInformerFactory(factory), frameworkruntime.WithClientSet(client), frameworkruntime.WithParallelism(1))
	if err != nil {
		return nil, err
	}
	if err := kube.addPlugins(ctx, handle); err != nil {
		return nil, err
	}
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return nil, fmt.Errorf("%v are not in the cache", kind)
		}
	}
	return kube, nil
}

func (s *scheduler) addPlugins(ctx context.Context, handle fwk.Handle) error {
	gates := feature.NewSchedulerFeaturesFromGates(utilfeature.DefaultFeatureGate)
	add := func(to *[]fwk.FilterPlugin, factory func(context.Context, runtime.Object, fwk.Handle, feature.Features) (fwk.Plugin, error), args runtime.Object) error {
		plugin, err := factory(ctx, args, handle, gates)
		if err == nil {
			*to = append(*to, plugin.(fwk.FilterPlugin))
		}
		return err
	}
	// The shape is for scores, which nobody asks for.
	volumes := &config.VolumeBindingArgs{BindTimeoutSeconds: 600, Shape: []config.UtilizationShapePoint{{Utilization: 100, Score: 1}}}
	for _, err := range []error{
		add(&s.alone, nodeunschedulable.New, nil),
		add(&s.alone, tainttoleration.New, nil),
		add(&s.alone, nodeaffinity.New, &config.NodeAffinityArgs{}),
		add(&s.alone, volumebinding.New, volumes),
		add(&s.together, interpodaffinity.New, &config.InterPodAffinityArgs{HardPodAffinityWeight: 1}),
		add(&s.together, podtopologyspread.New, &config.PodTopologySpreadArgs{DefaultingType: config.ListDefaulting}),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// homes returns the nodes that a Pod could be on, as far as other Pods do not matter.
func (s *scheduler) homes(ctx context.Context, pod *corev1.Pod, nodes []*corev1.Node) (map[string]bool, error) {
	s.snapshot.SharedLister = cache.NewSnapshot(nil, nodes)
	open := map[string]bool{}
	for _, node := range nodes {
		open[node.Name] = true
	}
	return open, s.filter(ctx, s.alone, pod, open)
}

// open returns those of the homes of a Pod that are open to it, beside the Pods of a snapshot.
func (s *scheduler) open(ctx context.Context, pod *corev1.Pod, homes map[string]bool, shown fwk.SharedLister) (map[string]bool, error) {
	s.snapshot.SharedLister = shown
	open := maps.Clone(homes)
	return open, s.filter(ctx, s.together, pod, open)
}

// filter takes away the nodes that plugins refuse.
func (s *scheduler) filter(ctx context.Context, plugins []fwk.FilterPlugin, pod *corev1.Pod, open map[string]bool) error {
	infos, err := s.snapshot.NodeInfos().List()
	if err != nil {
		return err
	}
	for _, plugin := range plugins {
		cycle := framework.NewCycleState()
		if before, ok := plugin.(fwk.PreFilterPlugin); ok {
			_, status := before.PreFilter(ctx, cycle, pod, infos)
			if status.IsSkip() {
				continue
			}
			if !status.IsSuccess() {
				return fmt.Errorf("%s: %w", plugin.Name(), status.AsError())
			}
		}
		for _, info := range infos {
			status := plugin.Filter(ctx, cycle, pod, info)
			if status.Code() == fwk.Error {
				return fmt.Errorf("%s: %w", plugin.Name(), status.AsError())
			}
			open[info.Node().Name] = open[info.Node().Name] && status.IsSuccess()
		}
	}
	return nil
}
