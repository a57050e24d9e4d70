package operator

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// backupCount counts Backups by the outcome of a restore.
type backupCount struct {
	// judgeMu is held while a Backup is judged, mu never: a scrape does not wait for a judgement.
	judgeMu sync.Mutex
	judge   func(*kubeblocks.Backup) audit.Outcome

	mu     sync.Mutex
	stores []*backupStore
}

// backupStore is what a reflector of one Namespace, or of all, fills. Of each Backup it keeps the outcome and hashes only: Backups are
// many, and their names and snapshots can be large.
type backupStore struct {
	*backupCount
	judged map[backupKey]judgedBackup
	// complete is set once all Backups were judged.
	complete bool
}

// backupKey is a hash of the namespace and the name.
type backupKey [sha256.Size / 2]byte

type judgedBackup struct {
	// hash covers what the outcome depends on.
	hash    uint64
	outcome uint8
}

// outcomes are those that judgedBackup counts from 0.
var outcomes = audit.Outcomes()

var _ toolscache.ReflectorStore = &backupStore{}

func (c *backupCount) newStore() *backupStore {
	s := &backupStore{backupCount: c, judged: map[backupKey]judgedBackup{}}
	c.stores = append(c.stores, s)
	return s
}

// byOutcome returns the counts, or nil while not all Backups were judged.
func (c *backupCount) byOutcome() map[audit.Outcome]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := map[audit.Outcome]int{}
	for _, s := range c.stores {
		if !s.complete {
			return nil
		}
		for _, b := range s.judged {
			counts[outcomes[b.outcome]]++
		}
	}
	return counts
}

// note judges a Backup, unless nothing has changed that the outcome depends on: KubeBlocks updates Backups often.
func (s *backupStore) note(obj *metav1.PartialObjectMetadata) {
	b := &kubeblocks.Backup{ObjectMeta: obj.ObjectMeta}
	digest := audit.Digest(b)
	key, hash := keyOf(obj), binary.NativeEndian.Uint64(digest[:])
	if known, ok := s.get(key); ok && known.hash == hash {
		return
	}
	judged := judgedBackup{hash, uint8(slices.Index(outcomes, s.outcomeOf(b)))}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.judged[key] = judged
}

func (s *backupStore) get(key backupKey) (judgedBackup, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.judged[key]
	return known, ok
}

// outcomeOf judges one Backup at a time.
func (c *backupCount) outcomeOf(b *kubeblocks.Backup) audit.Outcome {
	c.judgeMu.Lock()
	defer c.judgeMu.Unlock()
	return c.judge(b)
}

func keyOf(obj *metav1.PartialObjectMetadata) backupKey {
	sum := sha256.Sum256([]byte(obj.Namespace + "/" + obj.Name))
	return backupKey(sum[:sha256.Size/2])
}

var errNoBackup = errors.New("not the metadata of a Backup")

// Add notes a Backup that was created.
func (s *backupStore) Add(obj any) error {
	b, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return fmt.Errorf("%w: %T", errNoBackup, obj)
	}
	s.note(b)
	return nil
}

// Update notes a Backup that was changed.
func (s *backupStore) Update(obj any) error { return s.Add(obj) }

// Delete forgets a Backup.
func (s *backupStore) Delete(obj any) error {
	b, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return fmt.Errorf("%w: %T", errNoBackup, obj)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.judged, keyOf(b))
	return nil
}

// Replace forgets the Backups that a list does not have. Those that it has were noted while it was read.
func (s *backupStore) Replace(list []any, _ string) error {
	listed := make(map[backupKey]bool, len(list))
	for _, obj := range list {
		b, ok := obj.(*metav1.PartialObjectMetadata)
		if !ok {
			return fmt.Errorf("%w: %T", errNoBackup, obj)
		}
		listed[keyOf(b)] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.judged {
		if !listed[key] {
			delete(s.judged, key)
		}
	}
	s.complete = true
	return nil
}

// Resync does nothing: nothing is missed between two lists.
func (*backupStore) Resync() error { return nil }
