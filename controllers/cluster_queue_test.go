package controllers

import (
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func clusterIn(namespace string, i int) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: strconv.Itoa(i)}}
}

// filledQueue returns a queue with 100 Clusters of each of two Namespaces, and behind them one of a third.
func filledQueue(t *testing.T, priority int) *fairQueue {
	t.Helper()
	g := NewWithT(t)
	limiter := workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](1, 1)
	q := newQueue(t.Name(), limiter).(*fairQueue)
	t.Cleanup(q.ShutDown)
	for i := range 100 {
		q.AddWithOpts(priorityqueue.AddOpts{Priority: &priority}, clusterIn("tenant-1", i), clusterIn("tenant-2", i))
	}
	q.Add(clusterIn("honest", 0))
	g.Eventually(q.sorted, time.Minute).Should(Equal(201))
	return q
}

// sorted counts the Clusters that have left the priority queue and wait.
func (q *fairQueue) sorted() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

func TestNamespacesTakeTurnsInTheWorkqueue(t *testing.T) {
	g := NewWithT(t)
	q := filledQueue(t, 0)
	var first []string
	for range 4 {
		request, _ := q.Get()
		first = append(first, request.Namespace)
		q.Done(request)
	}
	g.Expect(first).To(Equal([]string{"tenant-1", "tenant-2", "honest", "tenant-1"}))
	request, _ := q.Get()
	g.Expect(request).To(Equal(clusterIn("tenant-2", 1)), "a Namespace's own Clusters keep their order")
}

func TestNamespaceLeavesWorkersFree(t *testing.T) {
	g := NewWithT(t)
	q := filledQueue(t, 0)
	started := map[string]int{}
	blocked := make(chan reconcile.Request)
	for range 6 {
		request, _ := q.Get()
		started[request.Namespace]++
	}
	g.Expect(started).To(Equal(map[string]int{"tenant-1": 3, "tenant-2": 2, "honest": 1}))
	go func() {
		request, _ := q.Get()
		blocked <- request
	}()
	q.Add(clusterIn("another", 0))
	g.Expect(<-blocked).To(Equal(clusterIn("another", 0)), "the tenants wait")
	go func() {
		request, _ := q.Get()
		blocked <- request
	}()
	q.Done(clusterIn("another", 0))
	q.Done(clusterIn("honest", 0))
	q.Done(clusterIn("tenant-1", 0))
	g.Expect(<-blocked).To(HaveField("Namespace", HavePrefix("tenant")))
}

func TestInitialListsComeLast(t *testing.T) {
	g := NewWithT(t)
	q := filledQueue(t, handler.LowPriority)
	request, priority, _ := q.GetWithPriority()
	g.Expect(request).To(Equal(clusterIn("honest", 0)))
	g.Expect(priority).To(BeZero())
	_, priority, _ = q.GetWithPriority()
	g.Expect(priority).To(Equal(handler.LowPriority), "the controller adds it again with its priority")
}

func TestClusterThatChangesWhileItWaitsIsReconciledOnce(t *testing.T) {
	g := NewWithT(t)
	q := filledQueue(t, handler.LowPriority)
	q.Add(clusterIn("tenant-1", 0)) // now with a higher priority
	q.Add(clusterIn("tenant-1", 0))
	g.Eventually(q.PriorityQueue.Len, time.Minute).Should(BeZero())
	seen := map[reconcile.Request]int{}
	for range 201 {
		request, _ := q.Get()
		seen[request]++
		q.Done(request)
	}
	g.Expect(seen).To(HaveLen(201))
	g.Expect(q.Len()).To(BeZero())
}

func TestClusterIsInTheQueueOnceUntilItIsDone(t *testing.T) {
	g := NewWithT(t)
	q := fair(priorityqueue.New[reconcile.Request](t.Name()))
	q.Add(clusterIn("shop", 0))
	request, _ := q.Get()
	q.Add(request)
	q.Add(request)
	g.Eventually(q.Len, time.Minute).Should(Equal(1), "it waits until it is done")
	g.Expect(q.sorted()).To(BeZero())
	q.Done(request)
	again, _ := q.Get()
	g.Expect(again).To(Equal(request))
	q.Done(again)
	g.Expect(q.Len()).To(BeZero())
	q.ShutDown()
	_, shutDown := q.Get()
	g.Expect(shutDown).To(BeTrue())
}
