package rewrite

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The texts of findings. Each continues the description of a rule.
const (
	textIntended          = "is in no snapshot, so it was added on purpose: kept"
	textInherited         = "was inherited: "
	textOutsideNamespace  = "names a cluster outside the source's namespace: kept"
	textNamesOthers       = "names other clusters (%s): kept"
	textNamesOrigin       = "names other clusters (%s), and %s was itself restored from Backup %s: kept"
	textUnscoped          = "names no cluster, so it can select Pods of the source and of others: kept, consent ScopeUnscoped scopes it"
	textLiteral           = "selects by %s, which %s has with the value of the source: kept, consent ScopeUnscoped scopes it"
	textScoped            = "names no cluster: scoped to %s"
	textOverwritten       = "was overwritten with %s by KubeBlocks, and the snapshot has %s: "
	textOverwrittenElse   = "was overwritten with %s by KubeBlocks, and the snapshot in another Namespace has another value: kept"
	textGenerated         = "names a shard or a UID that has no counterpart in %s: kept"
	textNotRewritable     = "names the source in a way that cannot be rewritten for %s: kept"
	textPlaceholder       = "has an empty component name, which KubeBlocks fills in: kept"
	textSpansNamespaces   = "also names clusters that stay in the source's namespace, and one rule cannot cover both namespaces: kept"
	textExcludesNamespace = "excludes namespace %s: kept"
	textNamespaceShift    = "applied to namespace %s and now applies to %s: kept"
	textNodeBound         = "ties Pods to the source's nodes or zones: kept"
	textVacuous           = "selects no Pod of the source, and none that %s can have: kept"
	textInvalid           = "is invalid, so no rule is rewritten: "
)

// The reasons why the API server rejects a rule.
const (
	problemDuplicateConstraint = "a second spread constraint with topologyKey %s and whenUnsatisfiable %s"
	problemTopologyKey         = "topologyKey %q: %s"
	problemWeight              = "weight %d is not in 1 to 100"
	problemNamespace           = "namespace %q: %s"
	problemKeyInBoth           = "%s is in %s and in %s"
	problemNoSelector          = "%s without a labelSelector"
	problemLabelKeys           = "%s %q: %s"
	problemNotPositive         = "%s %d is not positive"
	problemNeither             = "%s %q is neither %s nor %s"
	problemMinDomains          = "minDomains without whenUnsatisfiable DoNotSchedule"
	problemNoValues            = "operator %s on %s has no values"
	problemValues              = "operator %s on %s has values"
	problemOperator            = "operator %q is unknown"
	problemLabelKey            = "label key %q: %s"
	problemLabelValue          = "label value %q: %s"
)

// The descriptions of node bindings.
const (
	bindingNodeName     = "node name %s"
	bindingNodeSelector = "node selector %s=%s"
	bindingNodeAffinity = "%s node affinity %s %s %s"
)

// describeRewrite says what happens to a rule that names the source and was inherited.
func (w *rewriter) describeRewrite(source *Source) string {
	switch {
	case w.invalid:
		return textInherited + "kept, because a rule is invalid"
	case source.Name == w.target.Name:
		return textInherited + "rewritten to namespace " + w.target.Namespace
	default:
		return textInherited + "rewritten to " + w.target.Name
	}
}

func (w *rewriter) describeUnscoped(t term, edited bool) string {
	if edited && !w.invalid {
		return fmt.Sprintf(textScoped, w.target.Name)
	}
	for _, key := range w.literalKeys {
		if anyRequirement(t.selector, func(r metav1.LabelSelectorRequirement) bool { return r.Key == key }) {
			return fmt.Sprintf(textLiteral, key, w.target.Name)
		}
	}
	return textUnscoped
}

// describeOthers says which other clusters a rule of a source names. One of them can be what the source was itself restored from.
func describeOthers(source *Source, others []string) string {
	if len(source.Origins) == 0 {
		return fmt.Sprintf(textNamesOthers, joined(others))
	}
	return fmt.Sprintf(textNamesOrigin, joined(others), source.Name, joined(source.Origins))
}

func (w *rewriter) describeOverwritten(m match) string {
	if m.source.Private {
		return fmt.Sprintf(textOverwrittenElse, w.target.Name)
	}
	text := fmt.Sprintf(textOverwritten, w.target.Name, metav1.FormatLabelSelector(m.selector))
	if w.options.RestoreThirdParty && !w.invalid {
		return text + "put back"
	}
	return text + "kept, consent RestoreThirdParty puts it back"
}

// describe names a rule: "required anti-affinity per node against Pods of cluster my1 (componentSpecs/mysql)". backup is
// empty where the rule was not inherited, or came from a bare snapshot.
func (r *renamer) describe(t term, place, backup string) string {
	strength, preposition := "preferred", "of"
	if t.required {
		strength = "required"
	}
	switch t.kind {
	case affinity:
		preposition = "with"
	case antiAffinity:
		preposition = "against"
	}
	return strength + " " + string(t.kind) + " per " + describeTopology(t.topologyKey) + " " + preposition + " " + r.describePods(t) +
		" (" + describePlace(place, backup) + ")"
}

// describePods names the Pods that a rule selects.
func (r *renamer) describePods(t term) string {
	switch {
	case r.info(t.selector).names.source && r.inRange(t):
		return "Pods of cluster " + r.nameOf(t.selector)
	case t.selector == nil:
		return "no Pods"
	case r.valid.selector(t.selector) != "":
		return "Pods with an invalid selector"
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

// describePlace names a place, and the Backup that its rules were inherited from unless that is empty.
func describePlace(place, backup string) string {
	if place == "" {
		place = "cluster policy"
	}
	if backup != "" {
		place += ", from Backup " + backup
	}
	return place
}

// describeTopology names the domain of a topology key. Other keys stand for themselves.
func describeTopology(key string) string {
	switch key {
	case "":
		return "nothing"
	case corev1.LabelHostname:
		return "node"
	case corev1.LabelTopologyZone, corev1.LabelFailureDomainBetaZone:
		return "zone"
	case corev1.LabelTopologyRegion, corev1.LabelFailureDomainBetaRegion:
		return "region"
	}
	return key
}

func joined(values []string) string { return strings.Join(values, ", ") }
