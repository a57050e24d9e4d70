package controllers

import (
	"slices"
	"sync"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// fairQueue lets Namespaces take turns, so that a Namespace with many Clusters, or slow ones, does not delay another's. A Namespace gets
// no more workers than it leaves free: one gets half of them, two get a third each, and one more Namespace finds a worker. What has the
// low priority of an initial list comes last.
type fairQueue struct {
	priorityqueue.PriorityQueue[reconcile.Request]

	mu sync.Mutex
	// changed signals a change of the fields below.
	changed    *sync.Cond
	ready, low turns
	// running counts the Clusters that are being reconciled, by Namespace; free are the idle workers.
	running  map[string]int
	free     int
	shutDown bool
}

// newQueue is the NewQueue of a controller.
func newQueue(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueueOf {
	return fair(priorityqueue.New(name, func(o *priorityqueue.Opts[reconcile.Request]) { o.RateLimiter = limiter }))
}

func fair(queue priorityqueue.PriorityQueue[reconcile.Request]) *fairQueue {
	q := &fairQueue{PriorityQueue: queue, running: map[string]int{}, free: workers}
	q.ready.waiting, q.low.waiting = map[string][]queued{}, map[string][]queued{}
	q.changed = sync.NewCond(&q.mu)
	go q.sort()
	return q
}

// sort moves what is ready in the priority queue to the turns, until the queue shuts down.
func (q *fairQueue) sort() {
	for {
		request, priority, shutDown := q.PriorityQueue.GetWithPriority()
		q.mu.Lock()
		if shutDown {
			q.shutDown = true
			q.changed.Broadcast()
			q.mu.Unlock()
			return
		}
		if priority < 0 {
			q.low.push(queued{request, priority})
		} else {
			q.ready.push(queued{request, priority})
		}
		q.changed.Broadcast()
		q.mu.Unlock()
	}
}

// Get implements workqueue.TypedInterface.
func (q *fairQueue) Get() (request reconcile.Request, shutDown bool) {
	request, _, shutDown = q.GetWithPriority()
	return request, shutDown
}

// GetWithPriority implements priorityqueue.PriorityQueue.
func (q *fairQueue) GetWithPriority() (request reconcile.Request, priority int, shutDown bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.shutDown {
		for _, t := range []*turns{&q.ready, &q.low} {
			if next, ok := t.pop(q.mayRun); ok {
				q.running[next.request.Namespace]++
				q.free--
				return next.request, next.priority, false
			}
		}
		q.changed.Wait()
	}
	return reconcile.Request{}, 0, true
}

func (q *fairQueue) mayRun(namespace string) bool { return q.running[namespace] < q.free }

// Done implements workqueue.TypedInterface.
func (q *fairQueue) Done(request reconcile.Request) {
	q.PriorityQueue.Done(request)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running[request.Namespace]--; q.running[request.Namespace] == 0 {
		delete(q.running, request.Namespace)
	}
	q.free++
	q.changed.Broadcast()
}

type queued struct {
	request  reconcile.Request
	priority int
}

// turns holds what is ready, by Namespace.
type turns struct {
	// order lists the Namespaces, the next first.
	order   []string
	waiting map[string][]queued
}

func (t *turns) push(item queued) {
	namespace := item.request.Namespace
	if len(t.waiting[namespace]) == 0 {
		t.order = append(t.order, namespace)
	}
	t.waiting[namespace] = append(t.waiting[namespace], item)
}

// pop removes the next item of the first Namespace that may run, and puts that Namespace last.
func (t *turns) pop(mayRun func(namespace string) bool) (queued, bool) {
	i := slices.IndexFunc(t.order, mayRun)
	if i < 0 {
		return queued{}, false
	}
	namespace := t.order[i]
	item := t.waiting[namespace][0]
	t.order, t.waiting[namespace] = slices.Delete(t.order, i, i+1), t.waiting[namespace][1:]
	if len(t.waiting[namespace]) > 0 {
		t.order = append(t.order, namespace)
	} else {
		delete(t.waiting, namespace)
	}
	return item, true
}
