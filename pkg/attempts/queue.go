package attempts

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// The queue is kept in memory only: it spreads the times at which Clusters retry. After a restart every Cluster is enqueued again.

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

// Position returns how many Clusters are before one in the queue, or would be if it was enqueued now.
func (l *Log) Position(cluster types.NamespacedName) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.queue, cluster); i >= 0 {
		return i
	}
	return len(l.queue)
}
