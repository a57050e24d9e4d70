package placement

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Outcome is how the Pods of a restore find nodes.
type Outcome struct {
	Fits bool `json:"fits"`
	// Stage is the last that was reached: restore or database.
	Stage string `json:"stage"`
	Pods  int    `json:"pods"`
	// Nodes holds the node of each Pod of the stage that has one.
	Nodes map[string]string `json:"nodes"`
	// Waiting are the Pods that fit on no node.
	Waiting []string `json:"waiting,omitempty"`
	Order   Order    `json:"order"`
	// Unknown names the volumes with an unknown place.
	Unknown []string `json:"unknown,omitempty"`
	// Gathered says that the Pods get fewer nodes than with Rehome's rewrite of the rules that name the source.
	Gathered bool `json:"gathered,omitempty"`
	// Doubtful says that the answer depends on what is unknown.
	Doubtful bool `json:"doubtful,omitempty"`
}

// decide plays a restore. Where the place of a volume is unknown, it is played with each assumption.
func (p *preflight) decide(ctx context.Context, would *WouldBe) (Play, *Outcome, error) {
	play, err := p.player.play(ctx, would)
	if err != nil {
		return play, nil, err
	}
	doubtful := play.Fits() && play.atOnce
	if play.Fits() && len(play.Unknown) > 0 {
		pinned := p.player
		pinned.pinned = true
		other, err := pinned.play(ctx, would)
		if err != nil {
			return play, nil, err
		}
		doubtful = doubtful || !other.Fits()
	}
	outcome := outcomeOf(&play, would)
	outcome.Doubtful = doubtful
	return play, outcome, nil
}

func outcomeOf(play *Play, would *WouldBe) *Outcome {
	o := &Outcome{
		Fits: play.Fits(), Stage: stageDatabase, Pods: len(would.Database), Nodes: map[string]string{},
		Order: play.Order, Unknown: play.Unknown,
	}
	if len(play.Restore.Waiting) > 0 {
		o.Stage, o.Pods = stageRestore, len(would.Restore)
	}
	stage := play.Last()
	for _, placed := range stage.Placed {
		o.Nodes[placed.Pod.Name] = placed.Node
	}
	for _, waiting := range stage.Waiting {
		o.Waiting = append(o.Waiting, waiting.Pod.Name)
	}
	return o
}

// nodes lists the nodes that Pods get, each once.
func (o *Outcome) nodes() []string {
	var nodes []string
	for _, node := range o.Nodes {
		if !slices.Contains(nodes, node) {
			nodes = append(nodes, node)
		}
	}
	slices.Sort(nodes)
	return nodes
}

// canPlay reports whether a play says something about the restore, and adds a line if what decides on volumes could not be read.
func (p *preflight) canPlay(would *WouldBe) bool {
	for i := range would.Claims {
		if kind := p.World.lacks(&would.Claims[i]); kind != "" {
			p.add(Warn, checkRights, textNotPlayed, kind).Unknown = true
			return false
		}
	}
	refused := slices.ContainsFunc(p.report.Lines, func(l Line) bool { return l.Level == Fail && l.Check == checkRules })
	return len(p.World.Nodes) > 0 && !refused
}

// plays adds the lines about the Pods: as KubeBlocks restores them alone, by an OpsRequest, and with Rehome.
func (p *preflight) plays(ctx context.Context, alone *WouldBe) error {
	if !p.canPlay(alone) {
		return nil
	}
	play, outcome, err := p.decide(ctx, alone)
	if err != nil {
		return err
	}
	p.report.Alone = outcome
	if len(p.result.Edits) == 0 {
		p.report.Rehomed = outcome
		p.line(checkRehomed, textPlayUnchanged, outcome, "")
		return p.missing(ctx, alone, &play)
	}
	would, err := p.would(p.result.Edits)
	if err != nil {
		return err
	}
	play, rehomed, err := p.decide(ctx, &would)
	if err != nil {
		return err
	}
	p.report.Rehomed = rehomed
	detail := ""
	if stale := len(p.result.Of(rewrite.SourceIdentity)); stale > 0 {
		detail = fmt.Sprintf(detailStale, count(stale, "stale rule"))
		outcome.Gathered = outcome.Fits && rehomed.Fits && len(outcome.nodes()) < len(rehomed.nodes())
	}
	p.line(checkAlone, textPlayAlone, outcome, detail)
	if !outcome.Fits && p.Manifest.Version.RewritesOps() {
		if err := p.playOps(ctx); err != nil {
			return err
		}
	}
	p.line(checkRehomed, textPlayRehomed, rehomed, "")
	return p.missing(ctx, &would, &play)
}

// playOps adds the line about a restore by OpsRequest, which rewrites some rules by itself.
func (p *preflight) playOps(ctx context.Context) error {
	r, err := p.restored(nil)
	if err != nil {
		return err
	}
	kubeblocks.RewriteAsOps(r.Cluster, p.Manifest.Target.Name)
	would, err := PodsOf(r, p.World)
	if err != nil {
		return err
	}
	_, outcome, err := p.decide(ctx, &would)
	if err == nil {
		p.line(checkOps, textPlayOps, outcome, "")
	}
	return err
}

// line adds the line about an outcome.
func (p *preflight) line(check, text string, o *Outcome, detail string) {
	level := OK
	switch {
	case !o.Fits:
		level = Fail
	case o.Gathered || o.Doubtful || o.Order != AsCreated:
		level = Warn
	}
	line := p.add(level, check, text, len(o.Nodes), o.Pods, stageWords[o.Stage])
	line.Unknown = o.Doubtful && check == checkRehomed
	line.Detail = detail
	if detail == "" {
		line.Detail = shortList(o.nodes())
	}
	if o.Gathered {
		line.Further = append(line.Further, fmt.Sprintf(furtherGathered, shortList(o.nodes()), p.Manifest.Source.Name))
	}
	if o.Fits && o.Order != AsCreated {
		line.Further = append(line.Further, fmt.Sprintf(furtherOrder, AsCreated, o.Order))
	}
	if o.Doubtful {
		line.Further = append(line.Further, o.Unknown...)
	}
}

// missing adds to the last line what a play lacks.
func (p *preflight) missing(ctx context.Context, would *WouldBe, play *Play) error {
	if play.Fits() {
		return nil
	}
	m, err := p.player.missing(ctx, would, play)
	if err != nil {
		return err
	}
	p.report.Missing = &m
	line := &p.report.Lines[len(p.report.Lines)-1]
	for i, cause := range m.Causes {
		if i == maxCauses {
			line.Further = append(line.Further, fmt.Sprintf(furtherMore, len(m.Causes)-i))
			break
		}
		of := count(cause.Of, "node")
		line.Further = append(line.Further, fmt.Sprintf(furtherCause, cause.Pod, cause.Nodes, of, cause.Reason, cause.Plugin))
	}
	line.Further = append(line.Further, furtherOrders)
	switch {
	case m.Rule:
		line.Further = append(line.Further, furtherRule)
	case !m.NotTried:
		line.Further = append(line.Further, furtherNoRule)
	}
	for _, more := range m.More {
		line.Further = append(line.Further, fmt.Sprintf(furtherNodes, count(more.Count, "node"), more.Like, more.Kind))
	}
	switch {
	case m.NotTried:
		line.Further = append(line.Further, furtherNotTried)
	case len(m.More) == 0:
		line.Further = append(line.Further, furtherNoNodes)
	}
	return nil
}

// maxCauses is how many causes are printed.
const maxCauses = 6

// maxListed is how many names are printed.
const maxListed = 6

// shortList joins names, and counts those beyond a limit.
func shortList(names []string) string {
	if len(names) <= maxListed {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf(listMore, strings.Join(names[:maxListed], ", "), len(names)-maxListed)
}

// count returns a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
