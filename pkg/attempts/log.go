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
	// Namespace and Cluster are those of the Cluster that the attempt is for.
	Namespace, Cluster string
	Key                Key
	Time               metav1.Time
	// Recorded says that the attempt was read from a Cluster's history, which its owner can write. It counts for the Cluster's own
	// Namespace only.
	Recorded bool
}

// maxRecorded is how many recorded attempts of a Namespace count.
const maxRecorded = 64

// recorded prepares attempts that were read from histories: of each Namespace the newest count, and times in the future are now.
func recorded(all []Attempt, now metav1.Time) []Attempt {
	count := map[string]int{}
	var kept []Attempt
	for i := range all {
		all[i].Recorded = true
		if all[i].Time.After(now.Time) {
			all[i].Time = now
		}
	}
	slices.SortStableFunc(all, byTime)
	for _, a := range slices.Backward(all) {
		if count[a.Namespace]++; count[a.Namespace] <= maxRecorded {
			kept = append(kept, a)
		}
	}
	slices.Reverse(kept)
	return kept
}

// Of returns the attempts of a Namespace, and those of all Namespaces that this process made. Both are in order of time.
func Of(namespace string, attempts []Attempt) (own, all []Attempt) {
	for _, a := range attempts {
		if a.Namespace == namespace {
			own = append(own, a)
		}
		if !a.Recorded {
			all = append(all, a)
		}
	}
	return own, all
}

// In says of each attempt whether it is of the Namespace.
func In(namespace string, attempts []Attempt) []bool {
	in := make([]bool, 0, len(attempts))
	for _, a := range attempts {
		in = append(in, a.Namespace == namespace)
	}
	return in
}

// Times lists the times of attempts.
func Times(attempts []Attempt) []metav1.Time {
	times := make([]metav1.Time, 0, len(attempts))
	for _, a := range attempts {
		times = append(times, a.Time)
	}
	return times
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

// All returns the attempts in order of time. The first call loads what the Clusters' histories hold; an error of load is returned,
// and the next call loads again.
func (l *Log) All(now metav1.Time, load func() ([]Attempt, error)) ([]Attempt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.loaded {
		loaded, err := load()
		if err != nil {
			return nil, err
		}
		l.attempts = recorded(loaded, now)
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
