package scheduler

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/backend/cache"

	"github.com/rehome-operator/rehome/pkg/placement"
)

// scheduler answers for one World.
type scheduler struct {
	snapshot *cache.Snapshot
	storage  *storage
	// infos are the nodes in the order of the World.
	infos []fwk.NodeInfo
	// profiles are by the name of a scheduler. standard answers for Pods of schedulers that are unknown.
	profiles map[string]*profile
	standard *profile
	assumed  map[string]assumption
}

// New returns a Scheduler with the default profile of this version of kube-scheduler.
func New(ctx context.Context, w *placement.World) (placement.Scheduler, error) {
	settings, err := defaults()
	if err != nil {
		return nil, err
	}
	return newScheduler(ctx, w, settings)
}

// FromFile returns a NewScheduler with the profiles of a kube-scheduler's configuration file.
func FromFile(file string) (placement.NewScheduler, error) {
	settings, err := readFile(file)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, w *placement.World) (placement.Scheduler, error) {
		return newScheduler(ctx, w, settings)
	}, nil
}

func newScheduler(ctx context.Context, w *placement.World, settings *config.KubeSchedulerConfiguration) (*scheduler, error) {
	s := &scheduler{profiles: map[string]*profile{}, assumed: map[string]assumption{}}
	if err := s.show(w); err != nil {
		return nil, err
	}
	handle, err := newHandle(ctx, w, s.snapshot)
	if err != nil {
		return nil, err
	}
	s.storage = newStorage(handle.informers, w)
	for i := range settings.Profiles {
		p, err := newProfile(ctx, &settings.Profiles[i], handle)
		if err != nil {
			return nil, err
		}
		s.profiles[settings.Profiles[i].SchedulerName] = p
		if s.standard == nil {
			s.standard = p
		}
	}
	if s.standard == nil {
		return nil, fmt.Errorf("the scheduler's configuration has no profile")
	}
	return s, nil
}

// show makes the snapshot of a World. Pods on nodes that are not in it do not count, as in kube-scheduler.
func (s *scheduler) show(w *placement.World) error {
	nodes := make([]*corev1.Node, len(w.Nodes))
	known := make(map[string]bool, len(w.Nodes))
	for i := range w.Nodes {
		nodes[i] = &w.Nodes[i]
		known[w.Nodes[i].Name] = true
	}
	var pods []*corev1.Pod
	for i := range w.Pods {
		if pod := &w.Pods[i]; known[pod.Spec.NodeName] && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
			pods = append(pods, pod)
		}
	}
	s.snapshot = cache.NewSnapshot(pods, nodes)
	// Within a session, Pods can be added and removed in any order.
	if err := s.snapshot.StartMutations(); err != nil {
		return err
	}
	s.infos = make([]fwk.NodeInfo, len(nodes))
	for i, node := range nodes {
		info, err := s.snapshot.Get(node.Name)
		if err != nil {
			return err
		}
		s.infos[i] = info
	}
	return nil
}

func (s *scheduler) profileOf(pod *corev1.Pod) *profile {
	if p := s.profiles[pod.Spec.SchedulerName]; p != nil {
		return p
	}
	return s.standard
}
