package controllers

import (
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/feasibility"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// withoutComponent refuses the edits that govern a component of the Cluster which has no Component yet, but bound claims: those of an
// earlier Cluster of the same name. What Pods mount them is not known before the Component exists.
func withoutComponent(s *scope, claims []corev1.PersistentVolumeClaim) []remedy.RefusedRule {
	missing := map[string]bool{}
	for i := range claims {
		if hasPlace(claims[i]) {
			missing[kubeblocks.ShortName(claims[i].Labels)] = true
		}
	}
	for i := range s.components {
		delete(missing, kubeblocks.ShortName(s.components[i].Labels))
	}
	maps.DeleteFunc(missing, func(name string, _ bool) bool { return !s.cluster.Has(name) })
	var refused []remedy.RefusedRule
	for _, edit := range s.observation.Live.Edits {
		if len(missing) > 0 && edit.Component == "" || missing[edit.Component] {
			refused = append(refused, remedy.RefusedRule{Path: edit.Path, Reason: noComponentReason})
		}
	}
	return refused
}

// unjudged lists the rules that are due and whose effect on Pods cannot be told before these exist: rules of Pods that can get
// others, too, and rules that select Pods by labels with unknown values. Where the Pods are too much to judge, it lists all.
func unjudged(w *world, edits []rewrite.Edit) []remedy.RefusedRule {
	if w.tooMuch != "" {
		return tooMuch(w, edits)
	}
	var refused []remedy.RefusedRule
	known := map[remedy.RefusedRule]bool{}
	components := map[string]bool{}
	for i := range w.pods {
		p := &w.pods[i]
		if component := kubeblocks.ShortName(p.Labels); p.Ambiguous && !components[component] {
			components[component] = true
			refused = append(refused, ambiguous(p, edits)...)
		}
		for _, rule := range feasibility.Required(w.Pods[i].Policy, w.Pods[i].Stale) {
			label := unknownLabel(p, rule.Selector)
			unknown := remedy.RefusedRule{Path: rule.Path(), Reason: fmt.Sprintf(unknownLabelReason, label)}
			if label != "" && !known[unknown] {
				known[unknown] = true
				refused = append(refused, unknown)
			}
		}
	}
	return refused
}

// ambiguous refuses all edits in policies of the Pod's component.
func ambiguous(p *kubeblocks.DatabasePod, edits []rewrite.Edit) []remedy.RefusedRule {
	var refused []remedy.RefusedRule
	for _, edit := range edits {
		if edit.Component == kubeblocks.ShortName(p.Labels) {
			refused = append(refused, remedy.RefusedRule{Path: edit.Path, Reason: ambiguousReason})
		}
	}
	return refused
}

// unknownLabel returns a label that a selector asks for and whose value on the Pod is unknown.
func unknownLabel(p *kubeblocks.DatabasePod, selector *metav1.LabelSelector) string {
	if selector == nil {
		return ""
	}
	for label := range selector.MatchLabels {
		if !p.Knows(label) {
			return label
		}
	}
	for _, requirement := range selector.MatchExpressions {
		if !p.Knows(requirement.Key) {
			return requirement.Key
		}
	}
	return ""
}
