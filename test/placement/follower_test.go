package placement

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/placement"
	"github.com/rehome-operator/rehome/placement/scheduler"
	"github.com/rehome-operator/rehome/test/placement/worlds"
)

// follower makes Schedulers that let kube-scheduler choose among the nodes that fit. It creates each Pod of a restore when its turn
// comes, and provisions its volumes. Nodes with equal scores are chosen at random, so that two schedulers can take different ways.
type follower struct {
	*env
	would *placement.WouldBe
	// created are the Pods that kube-scheduler knows.
	created     map[string]bool
	differences []string
	decisions   int
	// worse are the nodes that kube-scheduler chose although others have a better score.
	worse []string
}

// followed is a Scheduler of a follower.
type followed struct {
	placement.Scheduler
	f       *follower
	started bool
}

// new is a placement.NewScheduler.
func (f *follower) new(ctx context.Context, w *placement.World) (placement.Scheduler, error) {
	inner, err := scheduler.New(ctx, w)
	return &followed{Scheduler: inner, f: f}, err
}

// Pick implements placement.Scheduler.
func (s *followed) Pick(ctx context.Context, pod *corev1.Pod) (string, error) {
	if !s.started {
		s.started = true
		if err := s.f.start(ctx, pod); err != nil {
			return "", err
		}
	}
	verdicts, err := s.Filter(ctx, pod)
	if err != nil {
		return "", err
	}
	node, err := s.f.follow(ctx, pod, verdicts)
	if err != nil || node == "" {
		return "", errors.Join(err, s.f.forget(ctx, pod))
	}
	best, err := s.Scheduler.(interface {
		Best(context.Context, *corev1.Pod) ([]string, error)
	}).Best(ctx, pod)
	if err == nil && !slices.Contains(best, node) {
		s.f.worse = append(s.f.worse, fmt.Sprintf("Pod %s: kube-scheduler chose %s, the best are %v", pod.Name, node, best))
	}
	return node, err
}

// start begins a stage: the restore Pods have ended before the first database Pod exists.
func (f *follower) start(ctx context.Context, first *corev1.Pod) error {
	if len(f.would.Restore) > 0 && first.Labels[kubeblocks.LabelRestore] == "" {
		return f.deletePods(ctx)
	}
	if err := f.reset(ctx); err != nil {
		return err
	}
	for i := range f.would.Claims {
		claim := f.would.Claims[i].DeepCopy()
		claim.UID = ""
		if _, err := f.client.CoreV1().PersistentVolumeClaims(claim.Namespace).Create(ctx, claim, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// follow returns what kube-scheduler decides on a Pod. A refusal counts once the Scheduler refuses all nodes, too, because it can be old.
func (f *follower) follow(ctx context.Context, pod *corev1.Pod, verdicts []placement.Verdict) (string, error) {
	if err := f.ask(ctx, pod); err != nil {
		return "", err
	}
	f.decisions++
	var node, last string
	err := wait.PollUntilContextTimeout(ctx, 10*time.Millisecond, decisionTime, true, func(ctx context.Context) (done bool, err error) {
		stored, err := f.pod(ctx, pod)
		if err != nil {
			return false, err
		}
		if node = stored.Spec.NodeName; node != "" {
			return true, nil
		}
		if err := f.provision(ctx, pod); err != nil {
			return false, err
		}
		last = refusal(stored)
		return last != "" && placement.Agrees(last, placement.Message(verdicts)), nil
	})
	switch {
	case wait.Interrupted(err):
		expected := placement.Message(verdicts)
		f.differences = append(f.differences, fmt.Sprintf("Pod %s: kube-scheduler says %q, expected %q", pod.Name, last, expected))
		return "", nil
	case err != nil:
		return "", err
	case node != "" && fitsOn(verdicts, node) != "":
		f.differences = append(f.differences, fmt.Sprintf("Pod %s: %s", pod.Name, fitsOn(verdicts, node)))
	}
	return node, nil
}

// refusal returns the message of a Pod that fits nowhere.
func refusal(pod *corev1.Pod) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return c.Message
		}
	}
	return ""
}

// forget deletes a Pod that was refused, until its turn comes again. kube-scheduler could place it meanwhile, which the Scheduler would not
// know; and it does not decide again when a node has become fuller, so that its words would be old.
func (f *follower) forget(ctx context.Context, pod *corev1.Pod) error {
	err := f.deleteCreated(ctx, pod)
	delete(f.created, pod.Name)
	return err
}

// ask creates a Pod.
func (f *follower) ask(ctx context.Context, pod *corev1.Pod) error {
	wanted := pod.DeepCopy()
	wanted.UID = ""
	wanted.Spec.TerminationGracePeriodSeconds = new(int64)
	for i := range wanted.Spec.Containers {
		wanted.Spec.Containers[i].Image = "main"
	}
	_, err := f.createPod(ctx, wanted)
	f.created[pod.Name] = err == nil
	return err
}

// provision creates the volumes that kube-scheduler waits for, in the zone of the node that it chose.
func (f *follower) provision(ctx context.Context, pod *corev1.Pod) error {
	for _, name := range kubeblocks.ClaimsOf(&pod.Spec) {
		claim, err := f.client.CoreV1().PersistentVolumeClaims(pod.Namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		selected := kubeblocks.SelectedNode(claim)
		if selected == "" || claim.Spec.VolumeName != "" {
			continue
		}
		node, err := f.client.CoreV1().Nodes().Get(ctx, selected, metav1.GetOptions{})
		if err != nil {
			return err
		}
		volume := worlds.Provisioned(claim, node)
		_, err = f.client.CoreV1().PersistentVolumes().Create(ctx, volume, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	return nil
}

// reset deletes the Pods and claims of the restore.
func (f *follower) reset(ctx context.Context) error {
	if err := f.deletePods(ctx); err != nil {
		return err
	}
	for i := range f.would.Claims {
		claims := f.client.CoreV1().PersistentVolumeClaims(f.would.Claims[i].Namespace)
		name := f.would.Claims[i].Name
		if err := claims.Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
		if err := gone(ctx, func() error { _, err := claims.Get(ctx, name, metav1.GetOptions{}); return err }); err != nil {
			return fmt.Errorf("claim %s: %w", name, err)
		}
	}
	return nil
}

// deletePods deletes all Pods of the restore, and waits until they are gone.
func (f *follower) deletePods(ctx context.Context) error {
	for i := range f.would.Restore {
		if err := f.deleteCreated(ctx, &f.would.Restore[i]); err != nil {
			return err
		}
	}
	for i := range f.would.Database {
		if err := f.deleteCreated(ctx, &f.would.Database[i]); err != nil {
			return err
		}
	}
	f.created = map[string]bool{}
	return nil
}

func (f *follower) deleteCreated(ctx context.Context, pod *corev1.Pod) error {
	if !f.created[pod.Name] {
		return nil
	}
	if err := f.deletePod(ctx, pod); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	return gone(ctx, func() error { _, err := f.pod(ctx, pod); return err })
}

// gone waits until an object is not found.
func gone(ctx context.Context, get func() error) error {
	return wait.PollUntilContextTimeout(ctx, 10*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) {
		err := get()
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		return false, err
	})
}

// createCSINodes says of each node that its volumes are tied to its zone.
func (e *env) createCSINodes(ctx context.Context) error {
	nodes, err := e.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, n := range worlds.CSINodes(nodes.Items) {
		if _, err := e.client.StorageV1().CSINodes().Create(ctx, &n, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}
