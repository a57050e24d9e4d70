package controllers

import (
	"sync"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// fairQueue lets Namespaces take turns, so that a Namespace with many Clusters delays another's by one Cluster, not by all of them.
// What has the low priority of an initial list comes last.
type fairQueue struct {
	priorityqueue.PriorityQueue[reconcile.Request]

	mu sync.Mutex
	// changed signals a change of the fields below.
	changed    *sync.Cond
	ready, low turns
	shutDown   bool
}

// newQueue is the NewQueue of a controller.
func newQueue(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueueOf {
	return fair(priorityqueue.New(name, func(o *priorityqueue.Opts[reconcile.Request]) { o.RateLimiter = limiter }))
}

func fair(queue priorityqueue.PriorityQueue[reconcile.Request]) *fairQueue {
	q := &fairQueue{PriorityQueue: queue, ready: turns{waiting: map[string][]queued{}}, low: turns{waiting: map[string][]queued{}}}
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
		q.changed.Signal()
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
	for len(q.ready.order)+len(q.low.order) == 0 && !q.shutDown {
		q.changed.Wait()
	}
	var next queued
	switch {
	case q.shutDown:
	case len(q.ready.order) > 0:
		next = q.ready.pop()
	default:
		next = q.low.pop()
	}
	return next.request, next.priority, q.shutDown
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

func (t *turns) pop() queued {
	namespace := t.order[0]
	item := t.waiting[namespace][0]
	t.order, t.waiting[namespace] = t.order[1:], t.waiting[namespace][1:]
	if len(t.waiting[namespace]) > 0 {
		t.order = append(t.order, namespace)
	} else {
		delete(t.waiting, namespace)
	}
	return item
}
