// Package placementtest holds a Scheduler for tests that do not link k8s.io/kubernetes.
package placementtest

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	resourcehelper "k8s.io/component-helpers/resource"
	schedulinghelper "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"

	"github.com/rehome-operator/rehome/pkg/placement"
)

// Scheduler knows taints, node selection, cpu, memory and the number of Pods, required rules about other Pods in their own namespace,
// and the places of bound volumes. It knows no spread constraints, namespaces of rules, scores or unbound volumes. Pick takes the node
// with the fewest Pods, the first of several.
type Scheduler struct {
	world *placement.World
	pods  []corev1.Pod
}

// New is a placement.NewScheduler.
func New(_ context.Context, w *placement.World) (placement.Scheduler, error) {
	s := &Scheduler{world: w}
	for i := range w.Pods {
		s.pods = append(s.pods, *w.Pods[i].Object())
	}
	return s, nil
}

// Filter implements placement.Scheduler.
func (s *Scheduler) Filter(_ context.Context, pod *corev1.Pod) ([]placement.Verdict, error) {
	verdicts := make([]placement.Verdict, 0, len(s.world.Nodes))
	for i := range s.world.Nodes {
		node := &s.world.Nodes[i]
		verdict := placement.Verdict{Node: node.Name}
		for _, filter := range []struct {
			plugin, reason string
			refuses        bool
		}{
			{"NodeUnschedulable", "node(s) were unschedulable", node.Spec.Unschedulable},
			{"TaintToleration", "node(s) had untolerated taint(s)", s.tainted(pod, node)},
			{"NodeAffinity", "node(s) didn't match Pod's node affinity/selector", !matchesNode(pod, node)},
			{"NodeResourcesFit", "Insufficient resources", !s.hasRoom(pod, node)},
			{"VolumeBinding", "node(s) had volume node affinity conflict", !s.hasVolumes(pod, node)},
			{"InterPodAffinity", "node(s) didn't satisfy the rules about Pods", !s.agrees(pod, node)},
		} {
			if filter.refuses {
				verdict.Refusals = append(verdict.Refusals, placement.Refusal{Plugin: filter.plugin, Reasons: []string{filter.reason}})
			}
		}
		verdicts = append(verdicts, verdict)
	}
	return verdicts, nil
}

// Pick implements placement.Scheduler.
func (s *Scheduler) Pick(ctx context.Context, pod *corev1.Pod) (string, error) {
	verdicts, err := s.Filter(ctx, pod)
	best, fewest := "", 0
	for _, v := range verdicts {
		if n := len(s.on(v.Node)); len(v.Refusals) == 0 && (best == "" || n < fewest) {
			best, fewest = v.Node, n
		}
	}
	return best, err
}

// Assume implements placement.Scheduler.
func (s *Scheduler) Assume(pod *corev1.Pod, node string) error {
	assumed := *pod.DeepCopy()
	assumed.Spec.NodeName = node
	s.pods = append(s.pods, assumed)
	return nil
}

// Forget implements placement.Scheduler.
func (s *Scheduler) Forget(pod *corev1.Pod) error {
	s.pods = slices.DeleteFunc(s.pods, func(p corev1.Pod) bool { return p.Namespace == pod.Namespace && p.Name == pod.Name })
	return nil
}

func (s *Scheduler) on(node string) []*corev1.Pod {
	var pods []*corev1.Pod
	for i := range s.pods {
		if s.pods[i].Spec.NodeName == node {
			pods = append(pods, &s.pods[i])
		}
	}
	return pods
}

func (s *Scheduler) tainted(pod *corev1.Pod, node *corev1.Node) bool {
	counts := func(t *corev1.Taint) bool {
		return t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute
	}
	_, tainted := schedulinghelper.FindMatchingUntoleratedTaint(klog.Background(), node.Spec.Taints, pod.Spec.Tolerations, counts, false)
	return tainted
}

func matchesNode(pod *corev1.Pod, node *corev1.Node) bool {
	matches, err := nodeaffinity.GetRequiredNodeAffinity(pod).Match(node)
	return err == nil && matches && (pod.Spec.NodeName == "" || pod.Spec.NodeName == node.Name)
}

func (s *Scheduler) hasRoom(pod *corev1.Pod, node *corev1.Node) bool {
	others := s.on(node.Name)
	if pods := node.Status.Allocatable.Pods(); int64(len(others)) >= pods.Value() {
		return false
	}
	need := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{})
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		left := node.Status.Allocatable[name].DeepCopy()
		for _, other := range others {
			left.Sub(resourcehelper.PodRequests(other, resourcehelper.PodResourcesOptions{})[name])
		}
		if quantity := need[name]; !quantity.IsZero() && quantity.Cmp(left) > 0 {
			return false
		}
	}
	return true
}

// hasVolumes reports whether the bound volumes of a Pod can be mounted on a node.
func (s *Scheduler) hasVolumes(pod *corev1.Pod, node *corev1.Node) bool {
	for _, volume := range pod.Spec.Volumes {
		if volume.PersistentVolumeClaim == nil {
			continue
		}
		for i := range s.world.Claims {
			claim := &s.world.Claims[i]
			if claim.Namespace == pod.Namespace && claim.Name == volume.PersistentVolumeClaim.ClaimName && !s.mounts(claim, node) {
				return false
			}
		}
	}
	return true
}

func (s *Scheduler) mounts(claim *corev1.PersistentVolumeClaim, node *corev1.Node) bool {
	for i := range s.world.Volumes {
		pv := &s.world.Volumes[i]
		if pv.Name == claim.Spec.VolumeName && pv.Spec.NodeAffinity != nil {
			selector, err := nodeaffinity.NewNodeSelector(pv.Spec.NodeAffinity.Required)
			return err == nil && selector.Match(node)
		}
	}
	return true
}

// agrees reports whether the rules of a Pod and those of the Pods that run let it run on a node.
func (s *Scheduler) agrees(pod *corev1.Pod, node *corev1.Node) bool {
	for _, term := range antiTerms(pod) {
		if len(s.beside(pod, &term, node)) > 0 {
			return false
		}
	}
	return s.attracted(pod, node) && !s.repelled(pod, node)
}

// attracted reports whether the Pods that a Pod needs run beside a node. The first Pod that a rule selects does not need another one.
func (s *Scheduler) attracted(pod *corev1.Pod, node *corev1.Node) bool {
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.PodAffinity == nil {
		return true
	}
	for _, term := range pod.Spec.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
		if len(s.beside(pod, &term, node)) == 0 && (!selects(&term, pod) || s.anywhere(pod, &term)) {
			return false
		}
	}
	return true
}

// repelled reports whether a rule of a Pod that runs keeps a Pod from a node.
func (s *Scheduler) repelled(pod *corev1.Pod, node *corev1.Node) bool {
	for i := range s.pods {
		for _, term := range antiTerms(&s.pods[i]) {
			at := s.node(s.pods[i].Spec.NodeName)
			if s.pods[i].Namespace == pod.Namespace && selects(&term, pod) && at != nil && sameDomain(at, node, term.TopologyKey) {
				return true
			}
		}
	}
	return false
}

func antiTerms(pod *corev1.Pod) []corev1.PodAffinityTerm {
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.PodAntiAffinity == nil {
		return nil
	}
	return pod.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
}

func selects(term *corev1.PodAffinityTerm, pod *corev1.Pod) bool {
	selector, err := metav1.LabelSelectorAsSelector(term.LabelSelector)
	return err == nil && selector.Matches(labels.Set(pod.Labels))
}

// beside lists the Pods that a term selects in the domain of a node.
func (s *Scheduler) beside(pod *corev1.Pod, term *corev1.PodAffinityTerm, node *corev1.Node) []*corev1.Pod {
	var found []*corev1.Pod
	for i := range s.pods {
		at := s.node(s.pods[i].Spec.NodeName)
		if s.pods[i].Namespace == pod.Namespace && at != nil && selects(term, &s.pods[i]) && sameDomain(at, node, term.TopologyKey) {
			found = append(found, &s.pods[i])
		}
	}
	return found
}

func (s *Scheduler) anywhere(pod *corev1.Pod, term *corev1.PodAffinityTerm) bool {
	return slices.ContainsFunc(s.pods, func(p corev1.Pod) bool {
		return p.Namespace == pod.Namespace && p.Spec.NodeName != "" && selects(term, &p)
	})
}

func sameDomain(a, b *corev1.Node, key string) bool {
	value, ok := a.Labels[key]
	return ok && b.Labels[key] == value
}

func (s *Scheduler) node(name string) *corev1.Node {
	for i := range s.world.Nodes {
		if s.world.Nodes[i].Name == name {
			return &s.world.Nodes[i]
		}
	}
	return nil
}
