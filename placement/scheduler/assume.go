package scheduler

import (
	"fmt"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// assumption is a Pod that is assumed to run.
type assumption struct {
	pod    *corev1.Pod
	claims []bound
}

func keyOf(pod *corev1.Pod) string { return pod.Namespace + "/" + pod.Name }

// Assume implements placement.Scheduler.
func (s *scheduler) Assume(pod *corev1.Pod, node string) error {
	if _, ok := s.assumed[keyOf(pod)]; ok {
		return fmt.Errorf("the Pod %s is assumed already", keyOf(pod))
	}
	info, err := s.snapshot.Get(node)
	if err != nil {
		return err
	}
	running := pod.DeepCopy()
	running.Spec.NodeName = node
	if running.UID == "" {
		running.UID = types.UID(keyOf(pod)) // Pods are removed by UID.
	}
	podInfo, err := framework.NewPodInfo(running)
	if err != nil {
		return err
	}
	if err := s.snapshot.AddPod(podInfo, node); err != nil {
		return err
	}
	claims, err := s.storage.bind(running, info.Node())
	if err != nil {
		return err
	}
	s.assumed[keyOf(pod)] = assumption{pod: running, claims: claims}
	return nil
}

// Forget implements placement.Scheduler.
func (s *scheduler) Forget(pod *corev1.Pod) error {
	a, ok := s.assumed[keyOf(pod)]
	if !ok {
		return fmt.Errorf("the Pod %s is not assumed", keyOf(pod))
	}
	delete(s.assumed, keyOf(pod))
	if err := s.storage.release(a.claims); err != nil {
		return err
	}
	return s.snapshot.RemovePod(logr.Discard(), a.pod, a.pod.Spec.NodeName)
}
