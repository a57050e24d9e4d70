package remedy

import (
	"encoding/json"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Ledger is what Rehome did to a Cluster and its Restores. It is kept in an annotation of the Cluster, so that a restart or a
// new leader goes on where the last one was. A backup of the Cluster takes the annotation along: UID tells whose it is.
type Ledger struct {
	UID types.UID `json:"uid"`
	// Rewrites counts the rewrites of the Cluster by component; the empty name is that of the cluster's own policy.
	Rewrites map[string]int `json:"rewrites,omitempty"`
	// Contention is nil unless somebody else kept undoing the rewrites.
	Contention *Contention `json:"contention,omitempty"`
	// Attempts holds the attempts by Charge.Key, the oldest first.
	Attempts map[string][]Attempt `json:"attempts,omitempty"`
}

// Contention says who undid Rehome's rewrites.
type Contention struct {
	// Generation of the Cluster at which Rehome gave in. With another one it tries again.
	Generation int64 `json:"generation"`
	// Manager is the field manager of the last write that undid a rewrite; empty when it cannot be told.
	Manager string `json:"manager,omitempty"`
}

// Attempt is one remediation.
type Attempt struct {
	// Action is the name of the action, as its Deed has it.
	Action string      `json:"action,omitempty"`
	Of     []types.UID `json:"of"`
	At     metav1.Time `json:"at"`
}

// ReadLedger reads the ledger of the Cluster with the given UID. One that cannot be read, or that came along in a backup of
// another Cluster, is empty.
func ReadLedger(annotation string, uid types.UID) Ledger {
	var l Ledger
	if err := json.Unmarshal([]byte(annotation), &l); err != nil || l.UID != uid {
		return Ledger{UID: uid}
	}
	return l
}

// String returns the ledger as its annotation.
func (l Ledger) String() string {
	data, err := json.Marshal(l)
	if err != nil {
		panic(err) // there is nothing in a ledger that JSON cannot hold
	}
	return string(data)
}

// With returns the ledger with one more attempt in it, by the action of that name.
func (l Ledger) With(c Charge, action string, now metav1.Time) Ledger {
	attempts := maps.Clone(l.Attempts)
	if attempts == nil {
		attempts = map[string][]Attempt{}
	}
	attempts[c.Key] = append(slices.Clone(attempts[c.Key]), Attempt{Action: action, Of: c.Of, At: now})
	l.Attempts = attempts
	return l
}

// underway reports whether the last attempt is about these objects: it was counted, and then something kept it from being
// carried out.
func (l Ledger) underway(c Charge) bool {
	attempts := l.Attempts[c.Key]
	if len(attempts) == 0 {
		return false
	}
	last := attempts[len(attempts)-1]
	return !slices.ContainsFunc(c.Of, func(uid types.UID) bool { return !slices.Contains(last.Of, uid) })
}

// contended returns who undid the rewrites, or nil. It ends with the generation at which Rehome gave in.
func (l Ledger) contended(generation int64) *Contention {
	if l.Contention == nil || l.Contention.Generation != generation {
		return nil
	}
	return l.Contention
}

// mostReverts is how often a rewrite may be undone: the second time ends it.
const mostReverts = 2

// reverted reports whether a rewrite of one of the components was undone too often.
func (l Ledger) reverted(components []string) bool {
	return l.Contention == nil && slices.ContainsFunc(components, func(name string) bool { return l.Rewrites[name] >= mostReverts })
}

// rewritten returns the ledger with one more rewrite of each component in it. After a contention that has ended, counting
// begins anew.
func (l Ledger) rewritten(components []string) Ledger {
	rewrites := maps.Clone(l.Rewrites)
	if rewrites == nil || l.Contention != nil {
		rewrites = map[string]int{}
	}
	for _, name := range components {
		rewrites[name]++
	}
	l.Rewrites, l.Contention = rewrites, nil
	return l
}
