// Package attempts holds the remediation attempts of all Clusters, and the limits that apply to them together: a token bucket
// with a queue, and a breaker. It has a lock of its own and no client. Its clock is the time of the attempts that it is given.
package attempts

import (
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
)

// Key identifies what an attempt remediates.
type Key struct {
	// Kind and Name are those of the remediated object, in the Namespace of its Cluster.
	Kind string `json:"kind"`
	Name string `json:"name"`
	// UIDs are those of the objects that the attempt re-creates.
	UIDs []types.UID `json:"uids"`
}

// SameTarget reports whether two keys are about the same object, whatever its UID.
func (k Key) SameTarget(other Key) bool { return k.Kind == other.Kind && k.Name == other.Name }

// Attempt is one attempt.
type Attempt struct {
	Namespace string
	Key       Key
	Time      metav1.Time
}

func (a Attempt) equal(b Attempt) bool {
	return a.Namespace == b.Namespace && a.Key.SameTarget(b.Key) && slices.Equal(a.Key.UIDs, b.Key.UIDs) && a.Time.Equal(&b.Time)
}

// Log is the attempts of all Clusters by time. It is a copy of the Clusters' histories: a process loads them once and then
// reserves each attempt here before it writes it there. Only the leader writes.
type Log struct {
	// decideMu is held from reading the log until the attempts that were decided on are reserved. Without it, two Clusters that
	// decide at the same moment would both take the last token.
	decideMu sync.Mutex

	mu       sync.Mutex
	loaded   bool
	attempts []Attempt
	queue    []types.NamespacedName
}

// Exclusively calls decide while no other Cluster decides.
func (l *Log) Exclusively(decide func() error) error {
	l.decideMu.Lock()
	defer l.decideMu.Unlock()
	return decide()
}

// All returns the attempts in order of time. The first call loads them; an error of load is returned, and the next call loads
// again.
func (l *Log) All(load func() ([]Attempt, error)) ([]Attempt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.loaded {
		loaded, err := load()
		if err != nil {
			return nil, err
		}
		l.attempts = loaded
		slices.SortStableFunc(l.attempts, byTime)
		l.loaded = true
	}
	return slices.Clone(l.attempts), nil
}

// Reserve adds an attempt that is about to be written, and drops those that limit nothing any more at its time.
func (l *Log) Reserve(a Attempt, limits configv1alpha1.Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.prune(a.Time, limits)
	i, _ := slices.BinarySearchFunc(l.attempts, a, byTime) // several Clusters are reconciled at once, so times may come out of order
	l.attempts = slices.Insert(l.attempts, i, a)
}

// Release removes an attempt that was reserved and then not written.
func (l *Log) Release(a Attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempts = slices.DeleteFunc(l.attempts, a.equal)
}

func byTime(a, b Attempt) int { return a.Time.Compare(b.Time.Time) }

// prune drops attempts from the front: the bucket is full again after them, and the breaker has closed.
func (l *Log) prune(now metav1.Time, limits configv1alpha1.Limits) {
	oldest := now.Add(-memory(limits))
	kept := slices.IndexFunc(l.attempts, func(a Attempt) bool { return !a.Time.Time.Before(oldest) })
	if kept < 0 {
		kept = len(l.attempts)
	}
	l.attempts = slices.Delete(l.attempts, 0, kept)
}
