package placement

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"
)

// Order is the order in which Pods are placed. A scheduler takes one Pod after another and moves none, so that the order decides.
type Order string

// The orders.
const (
	// AsCreated is the order in which KubeBlocks creates Pods.
	AsCreated Order = "as created"
	// MostConstrained places the Pod with the fewest nodes first.
	MostConstrained Order = "the Pod with the fewest nodes first"
)

// Play is how the Pods of a restore find nodes, from the first restore Pod on.
type Play struct {
	Order Order
	// Restore and Database are the two stages. Database is empty while a restore Pod waits: KubeBlocks creates no database Pods then.
	Restore, Database Stage
	// Unknown names the volumes whose place is known only once they exist.
	Unknown []string
	// atOnce is as in volumes.
	atOnce bool
}

// Stage is how the Pods of one stage find nodes.
type Stage struct {
	Placed  []OnNode
	Waiting []Unplaced
}

// OnNode is a Pod with the node that it gets.
type OnNode struct {
	Pod  *corev1.Pod
	Node string
}

// Unplaced is a Pod that fits on no node, and why: the first ones have Verdicts.
type Unplaced struct {
	Pod      *corev1.Pod
	Verdicts []Verdict
}

// Fits reports whether all Pods found a node.
func (p Play) Fits() bool { return len(p.Restore.Waiting)+len(p.Database.Waiting) == 0 }

// Last returns the last stage that was reached.
func (p Play) Last() Stage {
	if len(p.Restore.Waiting) > 0 {
		return p.Restore
	}
	return p.Database
}

// placed counts all Pods that found a node.
func (p Play) placed() int { return len(p.Restore.Placed) + len(p.Database.Placed) }

// player places Pods in a World.
type player struct {
	newScheduler NewScheduler
	world        *World
	// pinned ties a volume with an unknown place to the node where it is first mounted. Otherwise the volume can be anywhere.
	pinned bool
	// budget is nil for as many decisions as are needed.
	budget *budget
}

// PlayRestore places the Pods of a restore in a World. A volume with an unknown place can be anywhere.
func PlayRestore(ctx context.Context, newScheduler NewScheduler, w *World, would *WouldBe) (Play, error) {
	p := player{newScheduler: newScheduler, world: w}
	return p.play(ctx, would)
}

// play places the Pods of a restore in the first order in which they all fit, or else in the one in which most do.
func (p *player) play(ctx context.Context, would *WouldBe) (Play, error) {
	best, err := p.inOrder(ctx, would, AsCreated)
	if err != nil || best.Fits() {
		return best, err
	}
	other, err := p.inOrder(ctx, would, MostConstrained)
	if err == nil && (other.Fits() || other.placed() > best.placed()) {
		best = other
	}
	return best, err
}

func (p *player) inOrder(ctx context.Context, would *WouldBe, order Order) (Play, error) {
	v := newVolumes(p.world, would.Claims, p.pinned)
	play := Play{Order: order}
	var err error
	if len(would.Restore) > 0 {
		if play.Restore, err = p.stage(ctx, v.world, would.Restore, order); err != nil {
			return play, err
		}
		v.provision(play.Restore.Placed)
	}
	if len(play.Restore.Waiting) == 0 {
		play.Database, err = p.stage(ctx, v.world, would.Database, order)
	}
	play.Unknown, play.atOnce = v.unknown, v.atOnce
	return play, err
}

// stage places Pods that exist at the same time. Those that wait are tried again after the others, as a scheduler does, if that can help.
func (p *player) stage(ctx context.Context, w *World, pods []corev1.Pod, order Order) (Stage, error) {
	s, err := p.newScheduler(ctx, w)
	if err != nil {
		return Stage{}, err
	}
	queue, err := p.queue(ctx, s, w, pods, order)
	if err != nil {
		return Stage{}, err
	}
	var stage Stage
	for progress := true; progress && len(queue) > 0; {
		progress = false
		var waiting []*corev1.Pod
		for _, pod := range queue {
			if err := p.budget.spend(len(w.Nodes)); err != nil {
				return Stage{}, err
			}
			node, err := s.Pick(ctx, pod)
			if err != nil {
				return Stage{}, fmt.Errorf(problemPod, pod.Name, err)
			}
			if node == "" {
				waiting = append(waiting, pod)
				continue
			}
			if err := s.Assume(pod, node); err != nil {
				return Stage{}, fmt.Errorf(problemPod, pod.Name, err)
			}
			stage.Placed = append(stage.Placed, OnNode{pod, node})
			progress = true
		}
		queue = waiting
		progress = progress && slices.ContainsFunc(waiting, canBeHelped)
	}
	stage.Waiting, err = reasonsOf(ctx, s, queue)
	return stage, err
}

// reasonsOf returns Pods that wait, the first ones with the reasons.
func reasonsOf(ctx context.Context, s Scheduler, queue []*corev1.Pod) ([]Unplaced, error) {
	var waiting []Unplaced
	for i, pod := range queue {
		if i >= maxExplained {
			waiting = append(waiting, Unplaced{Pod: pod})
			continue
		}
		verdicts, err := s.Filter(ctx, pod)
		if err != nil {
			return nil, fmt.Errorf(problemPod, pod.Name, err)
		}
		waiting = append(waiting, Unplaced{pod, verdicts})
	}
	return waiting, nil
}

// canBeHelped reports whether a Pod that waits can get a node because another Pod got one: to run beside it, or to be spread evenly.
func canBeHelped(pod *corev1.Pod) bool {
	return slices.ContainsFunc(rulesOf(pod), func(r Rule) bool { return r.Kind != AntiAffinity })
}

// queue returns the Pods in an order.
func (p *player) queue(ctx context.Context, s Scheduler, w *World, pods []corev1.Pod, order Order) ([]*corev1.Pod, error) {
	queue := make([]*corev1.Pod, 0, len(pods))
	nodes := map[*corev1.Pod]int{}
	for i := range pods {
		queue = append(queue, &pods[i])
		if order == AsCreated {
			continue
		}
		if err := p.budget.spend(len(w.Nodes)); err != nil {
			return nil, err
		}
		verdicts, err := s.Filter(ctx, &pods[i])
		if err != nil {
			return nil, fmt.Errorf(problemPod, pods[i].Name, err)
		}
		nodes[&pods[i]] = countFits(verdicts)
	}
	if order == MostConstrained {
		slices.SortStableFunc(queue, func(a, b *corev1.Pod) int {
			return cmp.Or(nodes[a]-nodes[b], -compareRequests(a, b))
		})
	}
	return queue, nil
}

func countFits(verdicts []Verdict) int {
	fits := 0
	for _, v := range verdicts {
		if len(v.Refusals) == 0 {
			fits++
		}
	}
	return fits
}

// compareRequests orders Pods by the memory, then by the CPU that they request.
func compareRequests(a, b *corev1.Pod) int {
	x, y := requestsOf(a), requestsOf(b)
	return cmp.Or(x.Memory().Cmp(*y.Memory()), x.Cpu().Cmp(*y.Cpu()))
}

// requestsOf returns what a Pod requests, with all of its containers.
func requestsOf(pod *corev1.Pod) corev1.ResourceList {
	return resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{})
}
