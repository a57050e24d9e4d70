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
	// NewSnapshot reads groups only from the Pods that it gets.
	s.snapshot = cache.NewSnapshot(grouped, nodes)
	// Within a session, Pods can be added and removed in any order. Its start copies all that is there.
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

// minAlike is how many Pods must be alike to share one object. Fewer get an object whenever it is read.
const minAlike = 8

// addPods adds Pods to the snapshot. Those that are alike are one to the plugins, which read no name of a Pod that runs.
func (s *scheduler) addPods(pods []*placement.Pod) error {
	p := podInfos{alike: map[placement.Alike]int{}, shared: map[placement.Alike]fwk.PodInfo{}, parsed: map[*corev1.Pod]fwk.PodInfo{}}
	for _, pod := range pods {
		if alike, ok := pod.Alike(); ok {
			p.alike[alike]++
		}
	}
	for _, pod := range pods {
		info := p.of(pod)
		if err := s.snapshot.AddPod(info, pod.NodeName()); err != nil {
			return err
		}
		if b, ok := info.(*brief); ok {
			b.object = nil
		}
	}
	return nil
}

// podInfos makes what the plugins read of Pods.
type podInfos struct {
	// alike counts Pods.
	alike  map[placement.Alike]int
	shared map[placement.Alike]fwk.PodInfo
	parsed map[*corev1.Pod]fwk.PodInfo
}

func (p *podInfos) of(pod *placement.Pod) fwk.PodInfo {
	alike, ok := pod.Alike()
	if info := p.shared[alike]; info != nil {
		return info
	}
	object, common := pod.Object(), pod.Shared()
	switch {
	case ok && p.alike[alike] >= minAlike:
		p.shared[alike] = newPodInfo(object)
		return p.shared[alike]
	case object == common:
		return newPodInfo(object)
	}
	if p.parsed[common] == nil {
		p.parsed[common] = newPodInfo(common)
	}
	return &brief{PodInfo: p.parsed[common], pod: pod, object: object}
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
