package remedy

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/pkg/attempts"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// historyVersion is the version of History's JSON that this package writes.
const historyVersion = 1

// History is what Rehome did to a Cluster and its Restores. It is kept in an annotation of the Cluster, so that a restart or a
// new leader continues where the last one stopped. Backups of the Cluster contain the annotation: UID says whose it is.
type History struct {
	Version int       `json:"version"`
	UID     types.UID `json:"uid"`
	// Rewrites counts the rewrites of the Cluster by pathKey. Beyond maxPaths, all other paths count as morePaths together.
	Rewrites map[string]int `json:"rewrites,omitempty"`
	// Contention is nil unless another writer kept reverting the rewrites.
	Contention *Contention `json:"contention,omitempty"`
	// Attempts holds the remediation attempts, the oldest first.
	Attempts []Attempt `json:"attempts,omitempty"`
	// LostSpread holds, by the name of the Restore, the nodes that its Pods or volumes shared.
	LostSpread map[string][]SharedNode `json:"lostSpread,omitempty"`
}

// Contention says who reverted Rehome's rewrites.
type Contention struct {
	// Generation of the Cluster at which Rehome stopped. Rehome tries again at another one.
	Generation int64 `json:"generation"`
	// Manager is the field manager of the last write that reverted a rewrite; empty when the API server does not record it.
	Manager string `json:"manager,omitempty"`
}

// Attempt is one remediation attempt.
type Attempt struct {
	attempts.Key
	// Action is the name of the action.
	Action string      `json:"action,omitempty"`
	Time   metav1.Time `json:"time"`
}

// The limits of a history. A tenant can write it: it is an annotation.
const (
	// maxHistory is the limit of the annotation, in bytes.
	maxHistory = 128 << 10
	// maxAttempts is how many attempts are kept, the newest: those of a hundred Restores.
	maxAttempts = 400
	// maxLostSpread is the limit of LostSpread, in bytes. The attempts have the rest: without them, limits would not hold.
	maxLostSpread = 32 << 10
	// historyRetention is how long attempts are kept, in seconds.
	historyRetention = 30 * 24 * 60 * 60
)

// Errors of a history that Rehome does not continue. Without it, limits would not hold.
var (
	errHistoryVersion = fmt.Errorf(historyOfOtherVersion, historyVersion)
	errHistorySize    = fmt.Errorf(historyTooLarge, maxHistory)
)

// ReadHistory is as ParseHistory, and returns an empty history instead of an error.
func ReadHistory(annotation string, uid types.UID) History {
	h, err := ParseHistory(annotation, uid)
	if err != nil {
		return History{Version: historyVersion, UID: uid}
	}
	return h
}

// ParseHistory reads the annotation of the Cluster with the given UID. A history that is not JSON, or that belongs to another
// Cluster, counts as empty. It is an error when the Cluster's history has another version or is too large.
func ParseHistory(annotation string, uid types.UID) (History, error) {
	empty := History{Version: historyVersion, UID: uid}
	if len(annotation) > maxHistory {
		return empty, errHistorySize
	}
	var h History
	var header struct {
		Version int       `json:"version"`
		UID     types.UID `json:"uid"`
	}
	if err := json.Unmarshal([]byte(annotation), &header); err != nil || header.UID != uid {
		return empty, nil //nolint:nilerr // whose history it was is not known
	}
	if header.Version != historyVersion {
		return empty, errHistoryVersion
	}
	if err := json.Unmarshal([]byte(annotation), &h); err != nil {
		return empty, nil //nolint:nilerr // as above
	}
	h.Attempts = newest(h.Attempts)
	return h, nil
}

func newest(list []Attempt) []Attempt { return list[max(0, len(list)-maxAttempts):] }

// String returns the history as its annotation, with its attempts shortened where ParseHistory would refuse it.
func (h History) String() string {
	text := marshal(h)
	if excess := len(text) - maxHistory; excess > 0 {
		h.Attempts = shortened(h.Attempts, excess)
		text = marshal(h)
	}
	return text
}

func marshal(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // a History holds nothing that JSON cannot encode
	}
	return string(data)
}

// shortened returns attempts whose JSON takes so many bytes less. Only the last attempt on an object can be underway. So the attempts before
// it lose their UIDs first, which leaves their number, and are dropped next. Where that is not enough, the last attempts follow in the same
// way. The oldest are shortened first.
func shortened(list []Attempt, excess int) []Attempt {
	entries := entriesOf(list)
	for _, last := range []bool{false, true} {
		for i := range entries {
			if e := &entries[i]; e.last == last && excess > 0 {
				before := len(marshal(e.Attempt))
				e.UIDs = nil
				excess -= before - len(marshal(e.Attempt))
			}
		}
		entries = slices.DeleteFunc(entries, func(e entry) bool {
			if e.last != last || excess <= 0 {
				return false
			}
			excess -= len(marshal(e.Attempt)) + len(",")
			return true
		})
	}
	kept := make([]Attempt, 0, len(entries))
	for _, e := range entries {
		kept = append(kept, e.Attempt)
	}
	return kept
}

// entry is an attempt, and whether it is the last on its object.
type entry struct {
	Attempt
	last bool
}

func entriesOf(list []Attempt) []entry {
	type target struct{ kind, name string }
	entries, followed := make([]entry, len(list)), map[target]bool{}
	for i, a := range slices.Backward(list) {
		of := target{a.Kind, a.Name}
		entries[i] = entry{a, !followed[of]}
		followed[of] = true
	}
	return entries
}

// Begun reports whether Rehome has written to the Cluster before.
func (h History) Begun() bool {
	return len(h.Rewrites)+len(h.Attempts)+len(h.LostSpread) > 0 || h.Contention != nil
}

// With returns the history with one more attempt by the action of that name, without those that expired.
func (h History) With(key attempts.Key, action string, now metav1.Time) History {
	kept := slices.DeleteFunc(slices.Clone(h.Attempts), func(a Attempt) bool { return now.Unix()-a.Time.Unix() > historyRetention })
	h.Attempts = newest(append(kept, Attempt{Key: key, Action: action, Time: now}))
	return h
}

// withAll returns the history with more attempts.
func (h History) withAll(list []Attempt) History {
	for _, a := range list {
		h = h.With(a.Key, a.Action, a.Time)
	}
	return h
}

// of lists the attempts to remediate one object.
func (h History) of(key attempts.Key) []Attempt {
	var past []Attempt
	for i := range h.Attempts {
		if h.Attempts[i].SameTarget(key) {
			past = append(past, h.Attempts[i])
		}
	}
	return past
}

// underway reports whether the last attempt is about these objects: it was recorded, and then its action was not taken.
func (h History) underway(key attempts.Key) bool { return len(h.begun(key)) == len(key.UIDs) }

// begun returns which of these objects the last attempt is about.
func (h History) begun(key attempts.Key) []types.UID {
	past := h.of(key)
	if len(past) == 0 {
		return nil
	}
	last := past[len(past)-1]
	return slices.DeleteFunc(slices.Clone(key.UIDs), func(uid types.UID) bool { return !slices.Contains(last.UIDs, uid) })
}

// contended returns who reverted the rewrites, or nil. It ends with the generation at which Rehome stopped.
func (h History) contended(generation int64) *Contention {
	if h.Contention == nil || h.Contention.Generation != generation {
		return nil
	}
	return h.Contention
}

// maxReverts is how often a rewrite may be reverted: Rehome stops at the second.
const maxReverts = 2

// maxPaths bounds how many paths a history counts apart, and so its size. morePaths is the key of all others.
const (
	maxPaths  = 256
	morePaths = "more"
)

// pathKey is a short name of a path.
func pathKey(path string) string {
	hash := fnv.New32a()
	hash.Write([]byte(path))
	return strconv.FormatUint(uint64(hash.Sum32()), 16)
}

// WasReverted reports whether a rewrite that is needed again was reverted too often.
func (o *Observation) WasReverted() bool { return o.History.reverted(o.Live.Edits) }

// reverted reports whether the rewrite of one of the paths was reverted too often. Another path of the same component is due for
// other reasons, such as a consent.
func (h History) reverted(edits []rewrite.Edit) bool {
	return h.Contention == nil && slices.ContainsFunc(edits, func(e rewrite.Edit) bool { return h.Rewrites[h.keyOf(e.Path)] >= maxReverts })
}

// keyOf returns the key that counts a path.
func (h History) keyOf(path string) string {
	key := pathKey(path)
	if _, counted := h.Rewrites[key]; counted || len(h.Rewrites) < maxPaths {
		return key
	}
	return morePaths
}

// rewritten returns the history with one more rewrite of each path. After a contention that has ended, the counts restart.
func (h History) rewritten(edits []rewrite.Edit) History {
	rewrites := maps.Clone(h.Rewrites)
	if rewrites == nil || h.Contention != nil {
		rewrites = map[string]int{}
	}
	h.Rewrites, h.Contention = rewrites, nil
	counted := map[string]bool{}
	for _, edit := range edits {
		if key := h.keyOf(edit.Path); !counted[key] {
			counted[key] = true
			rewrites[key]++
		}
	}
	return h
}

// withLostSpread returns the history with the nodes that Pods of a Restore share, unless LostSpread would be too large.
func (h History) withLostSpread(restore string, shared []SharedNode) History {
	lost := maps.Clone(h.LostSpread)
	if lost == nil {
		lost = map[string][]SharedNode{}
	}
	lost[restore] = shared
	if sizeOf(lost) <= maxLostSpread {
		h.LostSpread = lost
	}
	return h
}

// sizeOf returns about how many bytes the JSON of a LostSpread takes.
func sizeOf(lost map[string][]SharedNode) int {
	size := 0
	for restore, shared := range lost {
		size += len(restore) + len(`"":[],`)
		for _, s := range shared {
			size += len(s.Node) + len(`{"node":"","pods":999,"claims":[],"moreClaims":999},`)
			for _, claim := range s.Claims {
				size += len(claim) + len(`"",`)
			}
		}
	}
	return size
}
