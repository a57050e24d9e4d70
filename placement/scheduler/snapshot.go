package scheduler

import (
	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/rehome-operator/rehome/pkg/placement"
)

// show makes the snapshot of a World. Pods on nodes that are not in it do not count, as in kube-scheduler.
func (s *scheduler) show(w *placement.World) error {
	nodes := make([]*corev1.Node, len(w.Nodes))
	known := make(map[string]bool, len(w.Nodes))
	for i := range w.Nodes {
		nodes[i] = &w.Nodes[i]
		known[w.Nodes[i].Name] = true
	}
	var grouped []*corev1.Pod
	pods := make([]*placement.Pod, 0, len(w.Pods))
	for i := range w.Pods {
		switch pod := &w.Pods[i]; {
		case !known[pod.NodeName()] || hasEnded(pod.Shared()):
		case pod.Shared().Spec.SchedulingGroup != nil:
			grouped = append(grouped, pod.Object())
		default:
			pods = append(pods, pod)
		}
	}
	// The state of groups is made of the first Pods only.
	s.snapshot = cache.NewSnapshot(grouped, nodes)
	// Within a session, Pods can be added and removed in any order. What is added before it begins is held twice.
	if err := s.snapshot.StartMutations(); err != nil {
		return err
	}
	if err := s.addPods(pods); err != nil {
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

func hasEnded(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// minAlike is the number of Pods that are alike from which on they have one object. Fewer have objects that are created when they are read.
const minAlike = 8

// addPods adds Pods to the snapshot. Those that are alike are one to the plugins, which read no name of a Pod that runs.
func (s *scheduler) addPods(pods []*placement.Pod) error {
	alike := map[placement.Alike]int{}
	for _, pod := range pods {
		alike[pod.Alike()]++
	}
	infos := map[placement.Alike]fwk.PodInfo{}
	parsed := map[*corev1.Pod]fwk.PodInfo{}
	for _, pod := range pods {
		info := infos[pod.Alike()]
		var briefly *brief
		if info == nil {
			shared := pod.Shared()
			object := pod.Object()
			if alike[pod.Alike()] >= minAlike || object == shared {
				info = newPodInfo(object)
				infos[pod.Alike()] = info
			} else {
				if parsed[shared] == nil {
					parsed[shared] = newPodInfo(shared)
				}
				briefly = &brief{PodInfo: parsed[shared], pod: pod, object: object}
				info = briefly
			}
		}
		if err := s.snapshot.AddPod(info, pod.NodeName()); err != nil {
			return err
		}
		if briefly != nil {
			briefly.object = nil
		}
	}
	return nil
}

// newPodInfo parses the rules of a Pod. kube-scheduler ignores those that are invalid, too.
func newPodInfo(pod *corev1.Pod) fwk.PodInfo {
	info, _ := framework.NewPodInfo(pod)
	return info
}

// brief is a Pod whose object exists only while it is read. Its rules and requests are shared.
type brief struct {
	fwk.PodInfo
	pod *placement.Pod
	// object is set while the Pod is added, which reads it several times.
	object *corev1.Pod
}

// GetPod implements fwk.PodInfo.
func (b *brief) GetPod() *corev1.Pod {
	if b.object != nil {
		return b.object
	}
	return b.pod.Object()
}
