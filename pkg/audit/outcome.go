package audit

import (
	"github.com/rehome-operator/rehome/pkg/manifest"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Outcome is what a restore of a Backup ends in.
type Outcome string

// The outcomes.
const (
	// Hangs: Pods stay without a node.
	Hangs Outcome = "Hangs"
	// StartsEmpty: KubeBlocks ignores the reference to the Backup, or the whole Cluster.
	StartsEmpty Outcome = "StartsEmpty"
	// Unreadable: the Backup has no snapshot that can be read.
	Unreadable Outcome = "Unreadable"
	// LosesSpread: a required rule that kept Pods apart no longer does.
	LosesSpread Outcome = "LosesSpread"
	// Differs: a required rule or another field means something else than in the source.
	Differs Outcome = "Differs"
	// Noted: only preferred rules, and rules without an effect, have findings.
	Noted Outcome = "Noted"
	// Fine: there are no findings.
	Fine Outcome = "Fine"
)

// Outcomes lists the outcomes, the worst first.
func Outcomes() []Outcome {
	return []Outcome{Hangs, StartsEmpty, Unreadable, LosesSpread, Differs, Noted, Fine}
}

// rank orders outcomes, the worst first.
func (o Outcome) rank() int {
	for i, outcome := range Outcomes() {
		if o == outcome {
			return i
		}
	}
	return len(Outcomes())
}

// Worse reports whether an outcome is worse than another.
func (o Outcome) Worse(than Outcome) bool { return o.rank() < than.rank() }

// Loses reports whether a restore hangs, or lacks data or spread.
func (o Outcome) Loses() bool { return o.Worse(Differs) }

// NeedsAttention reports whether somebody should act before a restore.
func (o Outcome) NeedsAttention() bool { return o.Worse(Noted) }

// Effect is what a finding does to a restore.
type Effect string

// The effects.
const (
	// ExcludesSource: the rule keeps the Pods off those of the source, which can be in every domain.
	ExcludesSource Effect = "ExcludesSource"
	// ExcludesCrowd: the rule keeps the Pods off each other and off the source's, and there are not enough domains for both.
	ExcludesCrowd Effect = "ExcludesCrowd"
	// NeedsSource: the rule wants a Pod of the source, so Pods find no node once the source is gone.
	NeedsSource Effect = "NeedsSource"
	// NoNode: no node matches, or none has the topology key.
	NoNode Effect = "NoNode"
	// Refused: the API server refuses the Pods.
	Refused Effect = "Refused"
	// Missing: what the Cluster names does not exist.
	Missing Effect = "Missing"
	// NoSpread: the rule no longer keeps the Pods apart.
	NoSpread Effect = "NoSpread"
	// NoData: no data is restored.
	NoData Effect = "NoData"
	// OtherMeaning: it means something else than in the source, or can.
	OtherMeaning Effect = "OtherMeaning"
	// Overwritten: KubeBlocks turns the rule about another cluster to the restored one.
	Overwritten Effect = "Overwritten"
	// Unchecked: it ties Pods to nodes, which were not compared.
	Unchecked Effect = "Unchecked"
	// Overridden: no Pod has the rules of the cluster's policy, because each component has a policy of its own.
	Overridden Effect = "Overridden"
	// NoEffect: nothing depends on it.
	NoEffect Effect = "NoEffect"
)

// outcome is what an effect makes of a restore. class decides where the effect does not.
func (e Effect) outcome(class rewrite.Class) Outcome {
	switch e {
	case ExcludesSource, ExcludesCrowd, NeedsSource, NoNode, Refused, Missing:
		return Hangs
	case NoSpread:
		return LosesSpread
	case NoData:
		if class == RestoreIgnored {
			return StartsEmpty
		}
		return Unreadable
	case OtherMeaning, Overwritten, Unchecked:
		return Differs
	default:
		return Noted
	}
}

// The classes of findings that only an audit has.
const (
	// Gone: something that the Cluster names does not exist any more.
	Gone rewrite.Class = "Gone"
	// NoSnapshot: the Backup holds no Cluster.
	NoSnapshot rewrite.Class = "NoSnapshot"
	// BadSnapshot: the Cluster that the Backup holds cannot be read.
	BadSnapshot rewrite.Class = "BadSnapshot"
	// RestoreIgnored: this KubeBlocks ignores the Cluster, or its reference to the Backup.
	RestoreIgnored rewrite.Class = "RestoreIgnored"
)

// Group is the number under which findings are sorted, in the order in which people can act on them.
type Group int

// The groups.
const (
	// Stale rules hang a restore, or lose its spread.
	Stale Group = iota + 1
	// NotAsItWas: the Cluster cannot come back as it was.
	NotAsItWas
	// Elsewhere: it means something else in another namespace or cluster.
	Elsewhere
	// WithoutData: there is nothing to restore from, or KubeBlocks ignores it.
	WithoutData
	// Harmless findings need nobody.
	Harmless
)

func groupOf(class rewrite.Class) Group {
	switch class {
	case rewrite.SourceIdentity:
		return Stale
	case rewrite.Invalid, rewrite.Unscoped, rewrite.Generated, rewrite.NodeBound, Gone:
		return NotAsItWas
	case rewrite.NamespaceShift, rewrite.ThirdParty, manifest.NamesSource:
		return Elsewhere
	case NoSnapshot, BadSnapshot, RestoreIgnored:
		return WithoutData
	}
	return Harmless
}
