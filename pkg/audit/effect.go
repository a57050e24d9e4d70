package audit

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// effect judges a required rule about Pods of the restored cluster, beside its source.
func (t *trial) effect(class rewrite.Class, p *rewrite.Policy, r rule) Effect {
	source, self := r.selected(t.source), r.selected(t.copied) > 0
	if slices.ContainsFunc(r.matchLabelKeys, identifies) {
		source = 0
	}
	if len(r.namespaces) > 0 && !slices.Contains(r.namespaces, t.Namespace) {
		source, self = 0, false
	}
	if slices.ContainsFunc(r.mismatchLabelKeys, identifies) {
		self = false
	}
	if domains, known := t.domains(p, r); known && domains == 0 && r.kind != antiAffinity {
		return NoNode
	}
	switch r.kind {
	case antiAffinity:
		return t.apart(class, p, r, source, self)
	case affinity:
		return together(class, r, source, self)
	}
	if class == rewrite.SourceIdentity {
		return NoSpread
	}
	return rest(class)
}

// apart judges required anti-affinity. Each Pod of the source can be in a domain of its own.
func (t *trial) apart(class rewrite.Class, p *rewrite.Policy, r rule, source int, self bool) Effect {
	domains, known := t.domains(p, r)
	needed := 1
	if self {
		needed = t.governed(p)
	}
	if source > 0 && (!known || domains-source < needed || t.drawnToSource(p, r)) {
		if self {
			return ExcludesCrowd
		}
		return ExcludesSource
	}
	if class == rewrite.SourceIdentity && !self {
		return NoSpread
	}
	return rest(class)
}

// together judges required affinity. A Pod that its own rule selects can be the first.
func together(class rewrite.Class, r rule, source int, self bool) Effect {
	switch {
	case r.selector == nil:
		return NoNode
	case source > 0 && !self:
		return NeedsSource
	}
	return rest(class)
}

// rest is the effect of a required rule that leaves nodes.
func rest(class rewrite.Class) Effect {
	if class == rewrite.Vacuous {
		return NoEffect
	}
	return OtherMeaning
}

// governed counts the Pods that have the rules of a policy. Those of a component with a policy of its own do not have the cluster's.
func (t *trial) governed(p *rewrite.Policy) int {
	switch {
	case p.Template != "":
		return 1
	case p.Component != "":
		return max(t.needs.Pods[p.Component], 1)
	}
	return t.clusterGoverns
}

// domains counts the domains of a rule's topology key among the nodes that are open to the Pods of a policy. It is not known without
// nodes. A node without the key is always open to anti-affinity, so there it counts as many.
func (t *trial) domains(p *rewrite.Policy, r rule) (int, bool) {
	if t.nodes == nil {
		return 0, false
	}
	open := t.nodes.openTo(p, t.Tolerations[p.Path])
	if r.kind == antiAffinity && open.unlabelled(r.topologyKey) {
		return manyDomains, true
	}
	return open.domains(r.topologyKey), true
}

const manyDomains = 1 << 30

// nodeBound judges a required rule about nodes.
func (t *trial) nodeBound(p *rewrite.Policy) Effect {
	switch {
	case t.nodes == nil:
		return Unchecked
	case t.nodes.openTo(p, t.Tolerations[p.Path]).matching == 0:
		return NoNode
	}
	return NoEffect
}

// existence reports what the Cluster names and what does not exist.
func (t *trial) existence() {
	t.missing("StorageClass ", t.needs.StorageClasses, t.facts.StorageClasses, isNamed)
	t.missing("ComponentDefinition ", t.needs.ComponentDefinitions, t.facts.ComponentDefinitions, isDefinition)
	if t.facts.Version.CreatesServiceAccounts() {
		return
	}
	t.missing("ServiceAccount ", t.needs.ServiceAccounts, t.facts.ServiceAccounts, func(wanted string) func(string) bool {
		return isNamed(t.Namespace + "/" + wanted)
	})
}

// missing reports those wanted for which no existing name is accepted.
func (t *trial) missing(kind string, wanted, existing []string, accepts func(wanted string) func(name string) bool) {
	if existing == nil {
		return
	}
	for _, name := range wanted {
		if !slices.ContainsFunc(existing, accepts(name)) {
			t.add(Finding{Class: Gone, Effect: Missing, Ways: []Way{ByManifest, ByOpsRequest}, Rule: kind + name, Required: true})
		}
	}
}

func isNamed(wanted string) func(string) bool {
	return func(name string) bool { return name == wanted }
}

// definitionPattern is what KubeBlocks accepts as the ComponentDefinition of a component. Other expressions can be large when compiled.
var definitionPattern = regexp.MustCompile(`^[a-z0-9.-]{1,64}$`)

// isDefinition accepts a ComponentDefinition as KubeBlocks does: by the beginning of its name, or by an expression, which has a dot. What
// KubeBlocks refuses is not compared.
func isDefinition(wanted string) func(string) bool {
	if !definitionPattern.MatchString(wanted) {
		return func(string) bool { return true }
	}
	expression, isExpression := regexp.MustCompile(wanted), strings.Contains(wanted, ".")
	return func(name string) bool {
		return strings.HasPrefix(name, wanted) || isExpression && expression.MatchString(name)
	}
}
