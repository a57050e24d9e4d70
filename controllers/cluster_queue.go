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
	// waiting is the priority of each Cluster in the turns. processing has the Clusters that are being reconciled: with what they are
	// queued for afterwards, or nil.
	waiting    map[reconcile.Request]int
	processing map[reconcile.Request]*queued
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
	q := &fairQueue{
		PriorityQueue: queue, running: map[string]int{}, free: workers,
		waiting: map[reconcile.Request]int{}, processing: map[reconcile.Request]*queued{},
	}
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
		// What is added from now on comes out of the priority queue again.
		q.PriorityQueue.Done(request)
		q.add(queued{request, priority})
		q.changed.Broadcast()
		q.mu.Unlock()
	}
}

// add adds a Cluster to the turns, unless it waits there. One that is being reconciled is added when that is done.
func (q *fairQueue) add(item queued) {
	if _, processing := q.processing[item.request]; processing {
		q.processing[item.request] = &item
		return
	}
	if before, waiting := q.waiting[item.request]; waiting && (before >= 0 || item.priority < 0) {
		return
	}
	q.waiting[item.request] = item.priority
	if item.priority < 0 {
		q.low.push(item)
	} else {
		q.ready.push(item)
	}
}

// next removes the Cluster whose turn it is.
func (q *fairQueue) next() (queued, bool) {
	for _, t := range []*turns{&q.ready, &q.low} {
		for item, ok := t.pop(q.mayRun); ok; item, ok = t.pop(q.mayRun) {
			// A Cluster that got a higher priority meanwhile waits twice.
			if priority, waiting := q.waiting[item.request]; waiting && priority == item.priority {
				return item, true
			}
		}
	}
	return queued{}, false
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
		if next, ok := q.next(); ok {
			delete(q.waiting, next.request)
			q.processing[next.request] = nil
			q.running[next.request.Namespace]++
			q.free--
			return next.request, next.priority, false
		}
		q.changed.Wait()
	}
	return reconcile.Request{}, 0, true
}

// Len implements workqueue.TypedInterface: how many Clusters wait to be reconciled.
func (q *fairQueue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	again := 0
	for _, item := range q.processing {
		if item != nil {
			again++
		}
	}
	return q.PriorityQueue.Len() + len(q.waiting) + again
}

func (q *fairQueue) mayRun(namespace string) bool { return q.running[namespace] < q.free }

// Done implements workqueue.TypedInterface.
func (q *fairQueue) Done(request reconcile.Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	again := q.processing[request]
	delete(q.processing, request)
	if again != nil {
		q.add(*again)
	}
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
