package scheduler

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/dynamic-resource-allocation/resourceslice/tracker"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/latest"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	schedulercache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/dynamicresources"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodevolumelimits"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/metrics"
	"k8s.io/kubernetes/pkg/scheduler/util/assumecache"

	"github.com/rehome-operator/rehome/pkg/placement"
)

// handle is what the plugins are made with.
type handle struct {
	informers informers.SharedInformerFactory
	options   []frameworkruntime.Option
}

// registerMetrics makes the metrics that plugins record.
var registerMetrics = sync.OnceFunc(metrics.Register)

// newHandle fills the indexers of informers that are never started, so the client is never used.
func newHandle(ctx context.Context, w *placement.World, snapshot *schedulercache.Snapshot) (*handle, error) {
	registerMetrics()
	ctx = klog.NewContext(ctx, logr.Discard())
	client, err := kubernetes.NewForConfig(&rest.Config{Host: "localhost"})
	if err != nil {
		return nil, err
	}
	h := &handle{informers: informers.NewSharedInformerFactory(client, 0)}
	if err := h.fill(w); err != nil {
		return nil, err
	}
	slices, err := tracker.StartTracker(ctx, tracker.Options{SliceInformer: h.informers.Resource().V1().ResourceSlices(), KubeClient: client})
	if err != nil {
		return nil, err
	}
	claims := assumecache.NewAssumeCache(logr.Discard(), h.informers.Resource().V1().ResourceClaims().Informer(), "ResourceClaim", "", nil)
	h.options = []frameworkruntime.Option{
		frameworkruntime.WithClientSet(client),
		frameworkruntime.WithInformerFactory(h.informers),
		frameworkruntime.WithSnapshotSharedLister(snapshot),
		frameworkruntime.WithSharedDRAManager(dynamicresources.NewDRAManager(ctx, claims, slices, h.informers)),
		frameworkruntime.WithSharedCSIManager(nodevolumelimits.NewCSIManager(h.informers.Storage().V1().CSINodes().Lister())),
		frameworkruntime.WithLogger(logr.Discard()),
	}
	return h, nil
}

// fill adds the objects of a World to the indexers. VolumeBinding reads nodes from the snapshot, and Pods only when it binds.
func (h *handle) fill(w *placement.World) error {
	core, storage := h.informers.Core().V1(), h.informers.Storage().V1()
	for _, err := range []error{
		addAll(core.Namespaces().Informer(), w.Namespaces),
		addAll(core.Nodes().Informer(), w.Nodes),
		addAll(core.PersistentVolumeClaims().Informer(), w.Claims),
		addAll(core.PersistentVolumes().Informer(), w.Volumes),
		addAll(storage.StorageClasses().Informer(), w.Classes),
		addAll(storage.CSINodes().Informer(), w.CSINodes),
		addAll(storage.CSIDrivers().Informer(), w.CSIDrivers),
		addAll(storage.CSIStorageCapacities().Informer(), w.CSICapacity),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

func addAll[T any](informer cache.SharedIndexInformer, objects []T) error {
	for i := range objects {
		if err := informer.GetIndexer().Add(&objects[i]); err != nil {
			return err
		}
	}
	return nil
}

// profile is the plugins of one profile, in the order in which kube-scheduler asks them.
type profile struct {
	framework interface {
		RunPreScorePlugins(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo) *fwk.Status
		RunScorePlugins(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo) ([]fwk.NodePluginScores, *fwk.Status)
	}
	preFilters []fwk.PreFilterPlugin
	filters    []fwk.FilterPlugin
}

func newProfile(ctx context.Context, settings *config.KubeSchedulerProfile, h *handle) (*profile, error) {
	made := map[string]fwk.Plugin{}
	ctx = klog.NewContext(ctx, logr.Discard())
	f, err := frameworkruntime.NewFramework(ctx, recording(plugins.NewInTreeRegistry(), made), settings, h.options...)
	if err != nil {
		return nil, err
	}
	p := &profile{framework: f}
	enabled := f.ListPlugins()
	for _, plugin := range enabled.PreFilter.Enabled {
		p.preFilters = append(p.preFilters, made[plugin.Name].(fwk.PreFilterPlugin))
	}
	for _, plugin := range enabled.Filter.Enabled {
		p.filters = append(p.filters, made[plugin.Name].(fwk.FilterPlugin))
	}
	return p, nil
}

// recording returns a registry that also keeps the plugins that it makes: the framework does not show them.
func recording(registry frameworkruntime.Registry, made map[string]fwk.Plugin) frameworkruntime.Registry {
	all := make(frameworkruntime.Registry, len(registry))
	for name, factory := range registry {
		all[name] = func(ctx context.Context, args runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
			plugin, err := factory(ctx, args, h)
			made[name] = plugin
			return plugin, err
		}
	}
	return all
}

func defaults() (*config.KubeSchedulerConfiguration, error) { return latest.Default() }

// readFile reads a kube-scheduler's configuration. Plugins that are not Kubernetes' own cannot be asked, and are an error.
func readFile(file string) (*config.KubeSchedulerConfiguration, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	object, kind, err := scheme.Codecs.UniversalDecoder().Decode(data, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	settings, ok := object.(*config.KubeSchedulerConfiguration)
	if !ok {
		return nil, fmt.Errorf("%s: not a KubeSchedulerConfiguration but %s", file, kind)
	}
	if err := knownPlugins(settings); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return settings, nil
}

// knownPlugins refuses plugins that are not in this version of kube-scheduler: their verdicts would be missing.
func knownPlugins(settings *config.KubeSchedulerConfiguration) error {
	registry := plugins.NewInTreeRegistry()
	for i := range settings.Profiles {
		all := settings.Profiles[i].Plugins
		if all == nil {
			continue
		}
		for _, set := range []config.PluginSet{all.MultiPoint, all.PreFilter, all.Filter} {
			for _, plugin := range set.Enabled {
				if _, ok := registry[plugin.Name]; !ok {
					return fmt.Errorf("the plugin %s is not Kubernetes' own, so it cannot be asked", plugin.Name)
				}
			}
		}
	}
	return nil
}
