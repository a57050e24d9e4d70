package unblock

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// tracker watches the restore Pods of a Namespace. Its times are when it received an event, so they share one clock.
type tracker struct {
	lock     sync.Mutex
	restores map[string]*progress // By Cluster.
	// podsPerRestore is the number of Pods of each restore.
	podsPerRestore int
	// changed is closed and replaced when a restore becomes stuck or scheduled.
	changed chan struct{}
}

type progress struct {
	unschedulable, bound map[types.UID]bool
	// stuck is when the last of its Pods became unschedulable, scheduled when the last was bound. Zero before that.
	stuck, scheduled time.Time
}

func newTracker(clusters []string, podsPerRestore int) *tracker {
	t := &tracker{restores: map[string]*progress{}, podsPerRestore: podsPerRestore, changed: make(chan struct{})}
	for _, name := range clusters {
		t.restores[name] = &progress{unschedulable: map[types.UID]bool{}, bound: map[types.UID]bool{}}
	}
	return t
}

// startTracker watches the restores of the given Clusters until the context ends.
func startTracker(
	ctx context.Context, config *rest.Config, namespace string, clusters []string, podsPerRestore int,
) (*tracker, error) {
	config = rest.CopyConfig(config)
	config.ContentType = runtime.ContentTypeProtobuf
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	pods := clientset.CoreV1().Pods(namespace)
	selector := metav1.ListOptions{LabelSelector: kubeblocks.LabelRestore}
	list, err := pods.List(ctx, selector)
	if err != nil {
		return nil, fmt.Errorf("list restore Pods: %w", err)
	}
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, list.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.LabelSelector = selector.LabelSelector
			return pods.Watch(ctx, options)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("watch restore Pods: %w", err)
	}
	t := newTracker(clusters, podsPerRestore)
	go func() {
		for event := range watcher.ResultChan() {
			if pod, ok := event.Object.(*corev1.Pod); ok {
				t.observe(pod, time.Now())
			}
		}
	}()
	return t, nil
}

func (t *tracker) observe(pod *corev1.Pod, now time.Time) {
	t.lock.Lock()
	defer t.lock.Unlock()
	p := t.restores[pod.Labels[kubeblocks.LabelInstance]]
	if p == nil {
		return // It belongs to another round.
	}
	switch {
	case pod.Spec.NodeName != "":
		t.record(p.bound, pod.UID, &p.scheduled, now)
	case kubeblocks.Unschedulable(pod) != "":
		t.record(p.unschedulable, pod.UID, &p.stuck, now)
	}
}

// record records a Pod, and the time when it is the last of its restore.
func (t *tracker) record(pods map[types.UID]bool, pod types.UID, done *time.Time, now time.Time) {
	pods[pod] = true
	if len(pods) < t.podsPerRestore || !done.IsZero() {
		return
	}
	*done = now
	close(t.changed)
	t.changed = make(chan struct{})
}

// wait waits until all restores are in a state. The error of a timeout says how many are not.
func (t *tracker) wait(ctx context.Context, timeout time.Duration, state string, reached func(*progress) bool) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		missing, changed := t.count(reached)
		if missing == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait until %d restores are %s, %d are not: %w", len(t.restores), state, missing, ctx.Err())
		}
	}
}

// count returns how many restores are not in a state, and a channel that is closed when the count may change.
func (t *tracker) count(reached func(*progress) bool) (missing int, changed <-chan struct{}) {
	t.lock.Lock()
	defer t.lock.Unlock()
	for _, p := range t.restores {
		if !reached(p) {
			missing++
		}
	}
	return missing, t.changed
}

func isStuck(p *progress) bool     { return !p.stuck.IsZero() }
func isScheduled(p *progress) bool { return !p.scheduled.IsZero() }
