package attempts

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// The queue is kept in memory only: it spreads the times at which Clusters retry. After a restart every Cluster is enqueued again.
// Namespaces take turns, so that a Namespace with many Clusters does not delay another's first.

// Enqueue appends a Cluster that waits for a token, unless it is in the queue.
func (l *Log) Enqueue(cluster types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.queue, cluster) {
		l.queue = append(l.queue, cluster)
	}
}

// Dequeue removes a Cluster that no longer waits for a token.
func (l *Log) Dequeue(cluster types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = slices.DeleteFunc(l.queue, func(other types.NamespacedName) bool { return other == cluster })
}

// Position returns how many Clusters are before one in the queue, or would be if it was enqueued now: of its own Namespace, and of
// all. Of all, those are before it that have as many or fewer of their own Namespace before them, in the order of arrival.
func (l *Log) Position(cluster types.NamespacedName) (own, all int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.queue
	at := slices.Index(queue, cluster)
	if at < 0 {
		queue, at = append(slices.Clone(queue), cluster), len(queue)
	}
	turns, turn := make([]int, len(queue)), map[string]int{}
	for i, c := range queue {
		turns[i] = turn[c.Namespace]
		turn[c.Namespace]++
	}
	for i := range queue {
		if turns[i] < turns[at] || turns[i] == turns[at] && i < at {
			all++
		}
	}
	return turns[at], all
}
