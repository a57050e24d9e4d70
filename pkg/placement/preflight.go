package placement

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/manifest"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// PreflightInput is what a preflight decides on.
type PreflightInput struct {
	World        *World
	NewScheduler NewScheduler
	// Manifest holds the Backup, the snapshot and the target. Preflight fills in the edits.
	Manifest manifest.Input
	Options  rewrite.Options
	// Assumed says that nothing but the snapshot shows the version of KubeBlocks.
	Assumed bool
	// Existing says that a Cluster with the target's name exists.
	Existing bool
	// Unread are further things that could not be read, in words.
	Unread []string
	// Given is the Cluster that the user wants to create; nil where only its name is known.
	Given *kubeblocks.Cluster
	// Volumes and Unprepared are as in Restored.
	Volumes    []string
	Unprepared bool
}

// Level says whether a check found a restore impossible.
type Level string

// The levels.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "FAIL"
)

// Line is the result of one check.
type Line struct {
	Level Level `json:"level"`
	// Check names the check. It never changes.
	Check string `json:"check"`
	Text  string `json:"text"`
	// Detail stands in a column of its own, and Further below.
	Detail  string   `json:"detail,omitempty"`
	Further []string `json:"further,omitempty"`
	// Unknown says that the check could not be made.
	Unknown bool `json:"unknown,omitempty"`
}

// Answer is whether a restore fits.
type Answer string

// The answers.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	Unknown Answer = "unknown"
)

// PreflightReport is the result of a preflight.
type PreflightReport struct {
	Backup string           `json:"backup"`
	Target rewrite.Identity `json:"target"`
	// Version is that of the KubeBlocks that restores.
	Version kubeblocks.Version `json:"kubeblocks"`
	Fits    Answer             `json:"fits"`
	Summary string             `json:"summary"`
	Lines   []Line             `json:"checks"`
	// Alone is how KubeBlocks restores the Cluster, and Rehomed how it does with Rehome.
	Alone   *Outcome `json:"alone,omitempty"`
	Rehomed *Outcome `json:"rehomed,omitempty"`
	Missing *Missing `json:"missing,omitempty"`
	// Rules are the rules that name the source, or that are kept and can keep Pods from nodes.
	Rules []rewrite.Finding `json:"rules,omitempty"`
	Edits []rewrite.Edit    `json:"edits,omitempty"`

	world *World
}

// preflight is one run.
type preflight struct {
	PreflightInput
	report PreflightReport
	player player
	result rewrite.Result
}

// Preflight checks whether a restore would fit, and plays it: as KubeBlocks restores it alone, and as Rehome rewrites it. An error means
// that there is no answer.
func Preflight(ctx context.Context, in PreflightInput) (*PreflightReport, error) {
	p := &preflight{PreflightInput: in, player: player{newScheduler: in.NewScheduler, world: in.World, budget: &budget{maxPlayedWork}}}
	m := &p.Manifest
	p.result = rewrite.Rewrite(rewrite.Input{
		Sources: []rewrite.Source{m.Source}, Target: m.Target, Live: m.Source.Policies, Options: in.Options,
	})
	m.Edits = p.result.Edits
	p.report = PreflightReport{
		Backup: m.Backup.Namespace + "/" + m.Backup.Name, Target: m.Target, Version: m.Version,
		Edits: p.result.Edits, Rules: slices.DeleteFunc(slices.Clone(p.result.Findings), isSilent), world: in.World,
	}
	p.backup()
	p.reference()
	would, err := p.would(nil)
	if err != nil {
		return nil, err
	}
	p.invalid(&would)
	p.names(&would)
	p.classes(&would)
	p.quotas(&would)
	switch err := p.plays(ctx, &would); {
	case errors.Is(err, errTooMuch):
		p.add(Warn, checkRights, textTooMuch).Unknown = true
	case err != nil:
		return nil, err
	}
	p.kept()
	p.unread()
	p.conclude()
	return &p.report, nil
}

func (p *preflight) add(level Level, check, text string, values ...any) *Line {
	p.report.Lines = append(p.report.Lines, Line{Level: level, Check: check, Text: fmt.Sprintf(text, values...)})
	return &p.report.Lines[len(p.report.Lines)-1]
}

// would returns the Pods of the restored Cluster with these edits.
func (p *preflight) would(edits []rewrite.Edit) (WouldBe, error) {
	r, err := p.restored(edits)
	if err != nil {
		return WouldBe{}, err
	}
	return PodsOf(r, p.World)
}

func (p *preflight) restored(edits []rewrite.Edit) (*Restored, error) {
	m := &p.Manifest
	edited, err := patch.ApplyCreating(m.Snapshot, patch.Edits(edits))
	if err != nil {
		return nil, err
	}
	cluster, err := kubeblocks.BlueprintOf(edited)
	if err != nil {
		return nil, err
	}
	if cluster.Metadata.Annotations[kubeblocks.AnnotationMultiClusterPlacement] != "" {
		return nil, errors.New(problemMultiCluster)
	}
	cluster.Metadata.Namespace, cluster.Metadata.Name = m.Target.Namespace, m.Target.Name
	components, err := m.BackedUp()
	return &Restored{
		Cluster: cluster, Version: m.Version, Source: m.Source.Identity, Components: components,
		Volumes: p.Volumes, Unprepared: p.Unprepared,
	}, err
}

// isSilent reports whether a finding neither keeps Pods from nodes nor names the source.
func isSilent(f rewrite.Finding) bool {
	return f.Class != rewrite.SourceIdentity && !isKept(f)
}

// isKept reports whether a finding is about a required rule that is kept, and that can keep Pods from nodes.
func isKept(f rewrite.Finding) bool {
	_, ok := keptCodes[f.Class]
	return ok && f.Required
}

// conclude answers.
func (p *preflight) conclude() {
	r := &p.report
	played := []string{checkAlone, checkOps, checkRehomed}
	refused := slices.ContainsFunc(r.Lines, func(l Line) bool { return l.Level == Fail && !slices.Contains(played, l.Check) })
	unknown := slices.ContainsFunc(r.Lines, func(l Line) bool { return l.Unknown })
	switch {
	case refused:
		r.Fits, r.Summary = No, r.whyNot()
	case unknown: // Then a play shows neither that the Pods fit nor that they do not.
		r.Fits, r.Summary = Unknown, summaryUnknown
	case !r.Rehomed.Fits:
		r.Fits, r.Summary = No, r.whyNot()
	case r.Alone.Fits && !r.Alone.Gathered:
		r.Fits, r.Summary = Yes, summaryFits
	default:
		r.Fits, r.Summary = Yes, summaryFitsWithRehome
	}
}

// whyNot sums up what keeps a restore from fitting.
func (r *PreflightReport) whyNot() string {
	switch m := r.Missing; {
	case m == nil:
		return summaryRefused
	case len(m.More) > 0:
		return fmt.Sprintf(summaryNodes, count(m.More[0].Count, "node"), m.More[0].Like, m.More[0].Kind)
	case m.NotTried:
		return summaryNotTried
	case m.Rule:
		return summaryRule
	}
	return summaryRoom
}
