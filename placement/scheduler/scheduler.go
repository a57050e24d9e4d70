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

// FromFile returns a NewScheduler with the profiles of a kube-scheduler's configuration file, and their names.
func FromFile(file string) (placement.NewScheduler, []string, error) {
	settings, err := readFile(file)
	if err != nil {
		return nil, nil, err
	}
	var names []string
	for i := range settings.Profiles {
		names = append(names, settings.Profiles[i].SchedulerName)
	}
	return func(ctx context.Context, w *placement.World) (placement.Scheduler, error) {
		return newScheduler(ctx, w, settings)
	}, names, nil
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

func (s *scheduler) profileOf(pod *corev1.Pod) *profile {
	if p := s.profiles[pod.Spec.SchedulerName]; p != nil {
		return p
	}
	return s.standard
}
