package placement

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

const labelComponent = rewrite.LabelComponentName

// Waiting is Pods that wait for the same reasons.
type Waiting struct {
	Kind      string   `json:"kind"`
	Namespace string   `json:"namespace"`
	Cluster   string   `json:"cluster,omitempty"`
	Component string   `json:"component,omitempty"`
	Pods      []string `json:"pods"`
	// Since is when the first of them was created.
	Since *metav1.Time `json:"since,omitempty"`
	Cause Cause        `json:"cause"`
	Nodes []NodeRow    `json:"nodes,omitempty"`
	Rules []RuleReport `json:"rules,omitempty"`
	// Without says how many nodes would do if a cause was taken away. With says so for Rehome's rewrite; nil where it changes nothing.
	Without []Comparison `json:"without,omitempty"`
	With    *Comparison  `json:"withRewrite,omitempty"`
	// Placed says how many of the Pods find a node one after the other, with Rehome's rewrite; nil without one.
	Placed *Placed `json:"placed,omitempty"`
	// Scheduler is the name of a scheduler that was not asked; empty for one that was.
	Scheduler string `json:"otherScheduler,omitempty"`
	// Said is the message of the Pod's own scheduler, Expected what the Scheduler would say, and Agrees whether they are the same.
	Said     string `json:"said,omitempty"`
	Expected string `json:"expected,omitempty"`
	Agrees   bool   `json:"agrees"`
	// Unknown are the kinds that could not be read and that can forbid a node which fits here.
	Unknown []string `json:"unknown,omitempty"`
	// Next is one command, or what happens by itself.
	Next string `json:"next"`

	verdicts []Verdict
	subject  *Subject
	// missingClass says that the class of an unbound claim does not exist: the scheduler says only that the claim is not bound.
	missingClass string
	// provisions is the state of a Pod that a scheduler refused before, and that waits for a volume now if a node fits.
	provisions *state
	// withoutVolumes says that the Pod was judged without its volumes.
	withoutVolumes bool
}

// Cause is why Pods wait.
type Cause struct {
	Kind CauseKind `json:"kind"`
	// Class is that of a rule; empty for another cause.
	Class rewrite.Class `json:"class,omitempty"`
	Text  string        `json:"text"`
	Found Found         `json:"found"`
}

// CauseKind is a kind of cause.
type CauseKind string

// The kinds of causes.
const (
	CauseStaleRule CauseKind = "StaleRule"
	CauseRule      CauseKind = "Rule"
	CauseKeptOut   CauseKind = "KeptOut"
	CauseNodes     CauseKind = "NodeSelection"
	CauseTaints    CauseKind = "Taints"
	CauseResources CauseKind = "Resources"
	CauseVolumes   CauseKind = "Volumes"
	CausePorts     CauseKind = "Ports"
	CauseQuota     CauseKind = "Quota"
	CauseSeveral   CauseKind = "Several"
	CauseNoNodes   CauseKind = "NoNodes"
	CauseUndecided CauseKind = "Undecided"
	CauseFits      CauseKind = "Fits"
	CauseElsewhere CauseKind = "NotScheduling"
	CauseUnknown   CauseKind = "Unknown"
)

// NodeRow is nodes for which the same holds.
type NodeRow struct {
	Nodes []string `json:"nodes"`
	Fits  bool     `json:"fits"`
	Stops []Stop   `json:"stops,omitempty"`
}

// Stop is one reason why a Pod cannot run on a node.
type Stop struct {
	// By is the reason in plain words.
	By string `json:"by"`
	// Rule is the rule in a few words, and Because are the Pods that it meets.
	Rule    string   `json:"rule,omitempty"`
	Because []string `json:"becauseOf,omitempty"`
	Origin  Origin   `json:"origin"`
	// Plugin and Reasons are the scheduler's own words.
	Plugin  string   `json:"plugin"`
	Reasons []string `json:"reasons"`
	// Found says how the reason was found.
	Found Found `json:"found"`
}

// Found says how something was found.
type Found string

// The ways in which something is found.
const (
	// FoundByPlugin is the answer of a plugin about the Pod as it is.
	FoundByPlugin Found = "plugin"
	// FoundByRuleAlone is the answer of a plugin about the Pod with one rule, or none.
	FoundByRuleAlone Found = "plugin, with this rule alone"
	// FoundByObjects is read from the objects.
	FoundByObjects Found = "objects"
	// FoundByComparison is the answer of all plugins about the Pod without a cause.
	FoundByComparison Found = "all plugins, without it"
)

// Origin says whose a reason is.
type Origin string

// The origins of reasons.
const (
	OriginStale      Origin = "inherited, stale"
	OriginInherited  Origin = "inherited"
	OriginIntended   Origin = "meant"
	OriginThirdParty Origin = "third party"
	OriginUnscoped   Origin = "inherited, unscoped"
	OriginOwn        Origin = "the cluster's own"
	OriginOther      Origin = "another Pod's rule"
	OriginNode       Origin = "node"
	OriginVolume     Origin = "volume"
	OriginPod        Origin = "Pod"
)

// RuleReport is a rule that refuses nodes.
type RuleReport struct {
	Rule     string        `json:"rule"`
	Kind     RuleKind      `json:"kind"`
	Path     string        `json:"path"`
	Class    rewrite.Class `json:"class,omitempty"`
	Origin   Origin        `json:"origin"`
	Location Location      `json:"location"`
	Message  string        `json:"message,omitempty"`
	// Edits are what Rehome's rewrite changes in the rule. Their paths are JSON Pointers into the Pod.
	Edits []rewrite.Edit `json:"edits,omitempty"`
	// Refuses is how many nodes the rule refuses by itself.
	Refuses int   `json:"refuses"`
	Found   Found `json:"found"`
}

// Comparison is how many nodes would do if something was otherwise.
type Comparison struct {
	Kind CauseKind `json:"kind"`
	Of   []string  `json:"without,omitempty"`
	// Fits is the number of nodes that would do, and Nodes are the first of them.
	Fits  int      `json:"fits"`
	Nodes []string `json:"nodes,omitempty"`
	Found Found    `json:"found"`

	class rewrite.Class
	// all are all nodes that would do.
	all []string
}

// Placed is how Pods find nodes one after the other.
type Placed struct {
	Rewritten bool     `json:"rewritten"`
	Pods      int      `json:"pods"`
	Found     int      `json:"found"`
	Nodes     []string `json:"nodes,omitempty"`
}

// maxNames is how many names a list has.
const maxNames = 5

func (w *Waiting) add(other Waiting) {
	w.Pods = append(w.Pods, other.Pods...)
	if w.Since == nil || other.Since != nil && other.Since.Before(w.Since) {
		w.Since = other.Since
	}
}

func firstOf(names []string) []string { return names[:min(len(names), maxNames)] }
