package audit

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// Source is a cluster with Backups.
type Source struct {
	Namespace, Name string
	Newest          BackupRef
	// Backups counts all, Affected those that need attention.
	Backups, Affected int
	// Verdict is the worst of the Backups, and Worst the newest with its outcome. AsBad counts those with its outcome.
	Verdict *Verdict
	Worst   BackupRef
	AsBad   int
}

// BackupRef names a Backup of a source.
type BackupRef struct {
	Name    string
	Created metav1.Time
}

func (b BackupRef) after(other BackupRef) bool {
	if !b.Created.Equal(&other.Created) {
		return other.Created.Before(&b.Created)
	}
	return b.Name > other.Name
}

// Groups collects verdicts by source.
type Groups struct {
	sources map[key]*Source
	// Backups counts all, and Outcomes those of each outcome.
	Backups  int
	Outcomes map[Outcome]int
}

type key struct{ namespace, name string }

// maxDetailed is how many sources can have all findings of their Verdict. Beyond, a Verdict is stored with its worst one: memory grows with
// the number of sources.
const maxDetailed = 1000

// NewGroups returns Groups without a source.
func NewGroups() *Groups { return &Groups{sources: map[key]*Source{}, Outcomes: map[Outcome]int{}} }

// Add adds a Backup with its verdict. A Backup whose source is not known stands for itself.
func (g *Groups) Add(b *kubeblocks.Backup, v *Verdict) {
	name := cmp.Or(b.Labels[kubeblocks.LabelInstance], b.Name)
	ref := BackupRef{b.Name, b.CreationTimestamp}
	g.Backups++
	g.Outcomes[v.Outcome]++
	s := g.sources[key{b.Namespace, name}]
	if s == nil {
		s = &Source{Namespace: b.Namespace, Name: name, Newest: ref}
		g.sources[key{b.Namespace, name}] = s
	}
	s.add(ref, v)
	if s.Worst == ref && len(g.sources) > maxDetailed {
		s.Verdict = s.Verdict.brief()
	}
}

func (s *Source) add(ref BackupRef, v *Verdict) {
	s.Backups++
	if v.Outcome.NeedsAttention() {
		s.Affected++
	}
	if ref.after(s.Newest) {
		s.Newest = ref
	}
	if s.Verdict == nil || v.Outcome.Worse(s.Verdict.Outcome) {
		s.Verdict, s.Worst, s.AsBad = v, ref, 0
	}
	if v.Outcome != s.Verdict.Outcome {
		return
	}
	s.AsBad++
	if ref.after(s.Worst) {
		s.Verdict, s.Worst = v, ref
	}
}

// Sources lists the sources: the worst first, then the one with the newest Backup.
func (g *Groups) Sources() []*Source {
	all := make([]*Source, 0, len(g.sources))
	for _, s := range g.sources {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *Source) int {
		if a.Verdict.Outcome != b.Verdict.Outcome {
			return a.Verdict.Outcome.rank() - b.Verdict.Outcome.rank()
		}
		if !a.Newest.Created.Equal(&b.Newest.Created) {
			return b.Newest.Created.Compare(a.Newest.Created.Time)
		}
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return all
}
