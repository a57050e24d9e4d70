package rewrite

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Class says what a rule was found to be.
type Class string

// The classes of findings.
const (
	// SourceIdentity rules name the source and were inherited: they are rewritten.
	SourceIdentity Class = "SourceIdentity"
	// Intended rules name the source but do not come from a snapshot: somebody wrote them on purpose, they stay.
	Intended Class = "Intended"
	// ThirdParty rules name another cluster: they stay. One that KubeBlocks turned to the target is put back with consent.
	ThirdParty Class = "ThirdParty"
	// Unscoped rules take the source's Pods without naming them: they stay, or are scoped to the target with consent.
	Unscoped Class = "Unscoped"
	// Generated rules name a shard of the source or a UID: a value that the target does not have. They stay.
	Generated Class = "Generated"
	// Placeholder rules hold an empty component name, which KubeBlocks fills in: that is never touched.
	Placeholder Class = "Placeholder"
	// NamespaceShift rules mean other Pods than before, because the target is in another namespace: they stay.
	NamespaceShift Class = "NamespaceShift"
	// NodeBound rules tie Pods to nodes or zones of the source: they stay.
	NodeBound Class = "NodeBound"
	// Vacuous rules take no Pod that the target can ever have, and none of the source's: they stay.
	Vacuous Class = "Vacuous"
	// Invalid rules would be refused by the API server: nothing at all is edited.
	Invalid Class = "Invalid"
)

// Finding is what Rewrite saw in one rule.
type Finding struct {
	// Path is the JSON Pointer of the rule.
	Path  string `json:"path"`
	Class Class  `json:"class"`
	// Rule names the rule, its place and, where it was inherited, the Backup in words.
	Rule string `json:"-"`
	// Message says what was found of the rule, and what becomes of it.
	Message string `json:"message"`
}

// words names a term for people: "required anti-affinity per node against Pods of cluster my1 (componentSpecs/mysql)".
// backup is empty where the term was not inherited, or from a bare snapshot.
func (t term) words(subject, place, backup string) string {
	strength := "preferred"
	if t.required {
		strength = "required"
	}
	return strength + " " + string(t.kind) + " per " + domain(t.topologyKey) + " " + t.preposition() + " " + subject +
		" (" + where(place, backup) + ")"
}

func (t term) preposition() string {
	switch t.kind {
	case affinity:
		return "with"
	case antiAffinity:
		return "against"
	default:
		return "of"
	}
}

// where names a place for people, and the Backup that it comes from unless there is none.
func where(place, backup string) string {
	if place == "" {
		place = "cluster policy"
	}
	if backup != "" {
		place += ", from Backup " + backup
	}
	return place
}

// domain names a topology key in words.
func domain(topologyKey string) string {
	switch topologyKey {
	case "":
		return "nothing"
	case corev1.LabelHostname:
		return "node"
	case corev1.LabelTopologyZone:
		return "zone"
	case corev1.LabelTopologyRegion:
		return "region"
	}
	return topologyKey
}

// subject names the Pods that a term takes.
func (r *renamer) subject(t term, n names) string {
	switch {
	case n.source && r.inRange(t):
		return "Pods of cluster " + r.nameOf(t.selector)
	case t.selector == nil:
		return "no Pods at all"
	case r.valid.selector(t.selector) != "":
		return "Pods of a selector that is invalid"
	case len(t.selector.MatchLabels)+len(t.selector.MatchExpressions) == 0:
		return "all Pods"
	default:
		return "Pods with " + metav1.FormatLabelSelector(t.selector)
	}
}

// nameOf returns the name of the source that a selector names.
func (r *renamer) nameOf(s *metav1.LabelSelector) string {
	if len(r.sources) == 1 {
		return r.sources[0].Name
	}
	for i := range r.sources {
		one := renamer{sources: r.sources[i : i+1], components: r.components[i : i+1], target: r.target, nameKeys: r.nameKeys}
		if one.named(s).source {
			return r.sources[i].Name
		}
	}
	return ""
}

func list(values []string) string { return strings.Join(values, ", ") }
