package stuck

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

// tracker watches the restore Pods of a Namespace. All its times are those at which it learnt of something, by one clock.
type tracker struct {
	lock     sync.Mutex
	restores map[string]*progress // by Cluster
	// pods is how many each restore has.
	pods int
	// changed is closed, and made anew, when a restore got somewhere.
	changed chan struct{}
}

// progress is how far a restore has come.
type progress struct {
	turnedDown, bound map[types.UID]bool
	// stuck is when the last of its Pods was turned down, scheduled when the last was bound; zero before.
	stuck, scheduled time.Time
}

func newTracker(clusters []string, pods int) *tracker {
	t := &tracker{restores: map[string]*progress{}, pods: pods, changed: make(chan struct{})}
	for _, name := range clusters {
		t.restores[name] = &progress{turnedDown: map[types.UID]bool{}, bound: map[types.UID]bool{}}
	}
	return t
}

// track watches the restores of the Clusters with these names, each of so many Pods, until the context ends.
func track(ctx context.Context, config *rest.Config, namespace string, clusters []string, pods int) (*tracker, error) {
	config = rest.CopyConfig(config)
	config.ContentType = runtime.ContentTypeProtobuf
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	inNamespace := clientset.CoreV1().Pods(namespace)
	selector := metav1.ListOptions{LabelSelector: kubeblocks.LabelRestore}
	there, err := inNamespace.List(ctx, selector)
	if err != nil {
		return nil, fmt.Errorf("list restore Pods: %w", err)
	}
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, there.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.LabelSelector = selector.LabelSelector
			return inNamespace.Watch(ctx, options)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("watch restore Pods: %w", err)
	}
	t := newTracker(clusters, pods)
	go func() {
		for event := range watcher.ResultChan() {
			if pod, ok := event.Object.(*corev1.Pod); ok {
				t.see(pod, time.Now())
			}
		}
	}()
	return t, nil
}

func (t *tracker) see(pod *corev1.Pod, now time.Time) {
	t.lock.Lock()
	defer t.lock.Unlock()
	p := t.restores[pod.Labels[kubeblocks.LabelInstance]]
	if p == nil {
		return // of another round
	}
	switch {
	case pod.Spec.NodeName != "":
		t.mark(p.bound, pod.UID, &p.scheduled, now)
	case kubeblocks.Unschedulable(pod) != "":
		t.mark(p.turnedDown, pod.UID, &p.stuck, now)
	}
}

// mark notes a Pod, and the time when it is the last of its restore.
func (t *tracker) mark(pods map[types.UID]bool, pod types.UID, done *time.Time, now time.Time) {
	pods[pod] = true
	if len(pods) < t.pods || !done.IsZero() {
		return
	}
	*done = now
	close(t.changed)
	t.changed = make(chan struct{})
}

// await returns when all restores have got somewhere. The error says how many have not by the timeout.
func (t *tracker) await(ctx context.Context, timeout time.Duration, where string, got func(*progress) bool) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		missing, changed := t.count(got)
		if missing == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait until %d restores are %s, %d are not: %w", len(t.restores), where, missing, ctx.Err())
		}
	}
}

// count returns how many restores have not got somewhere, and what tells that this may have changed.
func (t *tracker) count(got func(*progress) bool) (missing int, changed <-chan struct{}) {
	t.lock.Lock()
	defer t.lock.Unlock()
	for _, p := range t.restores {
		if !got(p) {
			missing++
		}
	}
	return missing, t.changed
}

func isStuck(p *progress) bool     { return !p.stuck.IsZero() }
func isScheduled(p *progress) bool { return !p.scheduled.IsZero() }
