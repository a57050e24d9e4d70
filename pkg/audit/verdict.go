package audit

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Verdict is what an audit says of one snapshot. It is small, whatever the snapshot: Backups are many.
type Verdict struct {
	Outcome Outcome
	// Hanging are the ways on which a restore hangs. HangsLater reports whether it hangs only once the source is gone.
	Hanging    []Way
	HangsLater bool
	// Findings are the worst ones, the worst first. Omitted counts the others.
	Findings []Finding
	Omitted  int
	// Counts are the findings of each class, without those about preferred rules.
	Counts map[rewrite.Class]int
}

// Finding is what an audit says of one rule or field.
type Finding struct {
	Class   rewrite.Class
	Group   Group
	Effect  Effect
	Outcome Outcome
	// Ways are the ways to restore on which this happens.
	Ways []Way
	// Path is the JSON Pointer in the Cluster, empty for the whole of it.
	Path string
	// Rule describes the rule or field.
	Rule string
	// Required reports whether the scheduler must obey the rule.
	Required bool
	// Domain is the topology key of a rule about Pods.
	Domain string
	// Edits are what a rewrite for the cluster NewName changes.
	Edits []rewrite.Edit
}

// Way is a way to restore a Backup.
type Way string

// The ways.
const (
	// ByManifest is a Cluster that a person or GitOps creates.
	ByManifest Way = "Manifest"
	// ByOpsRequest is an OpsRequest of type Restore, as kbcli creates it.
	ByOpsRequest Way = "OpsRequest"
)

// On reports whether the finding applies to a way to restore.
func (f *Finding) On(way Way) bool { return slices.Contains(f.Ways, way) }

// HangsOn reports whether a restore hangs on a way.
func (v *Verdict) HangsOn(way Way) bool { return slices.Contains(v.Hanging, way) }

// addHang adds a finding that makes a restore hang.
func (v *Verdict) addHang(f *Finding) {
	later := f.Effect == NeedsSource
	v.HangsLater = later && (v.HangsLater || len(v.Hanging) == 0)
	for _, way := range f.Ways {
		if !v.HangsOn(way) {
			v.Hanging = append(v.Hanging, way)
		}
	}
}

// The limits of a Verdict.
const (
	maxFindings = 8
	maxEdits    = 4
	maxText     = 300
)

// newVerdict sorts and limits findings.
func newVerdict(findings []Finding) *Verdict {
	v := &Verdict{Outcome: Fine, Counts: map[rewrite.Class]int{}}
	counted := map[place]bool{}
	for i := range findings {
		f := &findings[i]
		f.Group = groupOf(f.Class)
		if f.Outcome = f.Effect.outcome(f.Class); f.Outcome == Noted {
			f.Group = Harmless
		}
		at := place{cmp.Or(f.Path, f.Rule), f.Class}
		if (f.Outcome != Noted || f.Required) && !counted[at] { // the ways to restore can have a finding each
			counted[at] = true
			v.Counts[f.Class]++
		}
		if f.Outcome.Worse(v.Outcome) {
			v.Outcome = f.Outcome
		}
		if f.Outcome == Hangs {
			v.addHang(f)
		}
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		if a.Outcome != b.Outcome {
			return a.Outcome.rank() - b.Outcome.rank()
		}
		return int(a.Group - b.Group)
	})
	v.Omitted = max(0, len(findings)-maxFindings)
	v.Findings = slices.Clone(findings[:len(findings)-v.Omitted])
	for i := range v.Findings {
		v.Findings[i].limit()
	}
	return v
}

// brief returns a Verdict with the worst finding alone.
func (v *Verdict) brief() *Verdict {
	omitted := max(0, len(v.Findings)-1)
	brief := *v
	brief.Omitted += omitted
	brief.Findings = slices.Clone(v.Findings[:len(v.Findings)-omitted])
	return &brief
}

// limit cuts long texts, and copies all: a part of a text keeps the whole of it in memory.
func (f *Finding) limit() {
	f.Path, f.Rule, f.Domain = short(f.Path), short(f.Rule), short(f.Domain)
	edits := f.Edits[:min(len(f.Edits), maxEdits)]
	f.Edits = nil
	for _, e := range edits {
		f.Edits = append(f.Edits, rewrite.Edit{Path: short(e.Path), From: shortValue(e.From), To: shortValue(e.To)})
	}
}

func short(text string) string {
	if len(text) <= maxText {
		return strings.Clone(text)
	}
	end := maxText
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// shortValue limits a value of an edit: a text or a list of texts. Others are not shown.
func shortValue(value any) any {
	switch value := value.(type) {
	case string:
		return short(value)
	case []string:
		return short(strings.Join(value, ", "))
	}
	return nil
}
