package rewrite

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// binding is a rule that ties Pods to nodes, or to a zone or region.
type binding struct {
	path     string // relative to the policy
	rule     string
	required bool
}

// nodeBindings adds a finding for each inherited binding of a policy.
func (w *rewriter) nodeBindings(live *Policy, inherited *inheritance) {
	for _, b := range bindings(live) {
		if source := inherited.bindingSource(live, b); source != nil {
			rule := b.rule + " (" + describePlace(live.Place, source.Backup) + ")"
			w.find(term{path: live.Path + b.path, required: b.required}, NodeBound, rule, textNodeBound)
		}
	}
}

func bindings(p *Policy) []binding {
	var all []binding
	if p.NodeName != "" {
		all = append(all, binding{"/nodeName", fmt.Sprintf(bindingNodeName, p.NodeName), true})
	}
	if len(p.NodeSelector) > 0 {
		all = appendLabels(all, p.NodeSelector)
	}
	if p.Affinity == nil || p.Affinity.NodeAffinity == nil {
		return all
	}
	a := p.Affinity.NodeAffinity
	const path = "/affinity/nodeAffinity"
	if required := a.RequiredDuringSchedulingIgnoredDuringExecution; required != nil {
		for i := range required.NodeSelectorTerms {
			at := path + "/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/" + strconv.Itoa(i)
			all = appendBindings(all, at, "required", &required.NodeSelectorTerms[i])
		}
	}
	for i := range a.PreferredDuringSchedulingIgnoredDuringExecution {
		at := path + "/preferredDuringSchedulingIgnoredDuringExecution/" + strconv.Itoa(i) + "/preference"
		all = appendBindings(all, at, "preferred", &a.PreferredDuringSchedulingIgnoredDuringExecution[i].Preference)
	}
	return all
}

func appendLabels(all []binding, labels map[string]string) []binding {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if IsLocation(key) {
			rule := fmt.Sprintf(bindingNodeSelector, describeTopology(key), labels[key])
			all = append(all, binding{"/nodeSelector/" + Escape(key), rule, true})
		}
	}
	return all
}

func appendBindings(all []binding, path, strength string, t *corev1.NodeSelectorTerm) []binding {
	for _, requirements := range []struct {
		name string
		list []corev1.NodeSelectorRequirement
	}{{"matchExpressions", t.MatchExpressions}, {"matchFields", t.MatchFields}} {
		for i, r := range requirements.list {
			if IsLocation(r.Key) || requirements.name == "matchFields" {
				rule := fmt.Sprintf(bindingNodeAffinity, strength, describeTopology(r.Key), r.Operator, joined(r.Values))
				all = append(all, binding{path + "/" + requirements.name + "/" + strconv.Itoa(i), strings.TrimSpace(rule), strength == "required"})
			}
		}
	}
	return all
}
