package placement

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// decide says what the cause is: what helps the most nodes when it is taken away, Rehome's rewrite before the rest.
func (w *Waiting) decide() {
	switch {
	case w.verdicts == nil:
		return
	case len(w.verdicts) == 0:
		w.Cause, w.Next = Cause{Kind: CauseNoNodes, Text: textNoNodes, Found: FoundByObjects}, nextNodes
	case len(fitting(w.verdicts)) > 0:
		w.fits()
	case w.stale():
	case w.allNodes():
	default:
		w.most()
	}
	w.Cause.Found = cmp.Or(w.Cause.Found, FoundByPlugin)
}

// fits is the cause of Pods for which there is a node.
func (w *Waiting) fits() {
	nodes := fitting(w.verdicts)
	w.Next = fmt.Sprintf(nextDescribePod, w.Pods[0], w.Namespace)
	switch {
	case w.provisions != nil:
		w.Cause, w.Next = w.provisions.cause, w.provisions.next
	case len(w.Unknown) > 0:
		w.Cause = Cause{Kind: CauseUnknown, Text: fmt.Sprintf(textUnknown, strings.Join(w.Unknown, ", "), len(nodes))}
	case w.Scheduler != "":
		w.Cause = Cause{Kind: CauseUnknown, Text: fmt.Sprintf(textOtherScheduler, w.Scheduler, len(nodes))}
	default:
		w.Cause = Cause{Kind: CauseFits, Text: fmt.Sprintf(textFits, len(nodes), strings.Join(firstOf(nodes), ", "))}
		if w.Said == "" {
			w.Next = nextWait
		}
	}
}

// stale decides whether inherited rules that name the source are the cause.
func (w *Waiting) stale() bool {
	var rules []RuleReport
	for _, r := range w.Rules {
		if r.Class == rewrite.SourceIdentity {
			rules = append(rules, r)
		}
	}
	alone := slices.ContainsFunc(w.Without, func(c Comparison) bool { return c.Kind == CauseStaleRule && c.Fits > 0 })
	if len(rules) == 0 || !alone && (w.With == nil || w.With.Fits == 0) {
		return false
	}
	text := rules[0].Rule
	if len(rules) > 1 {
		text += fmt.Sprintf(textAndMoreRules, len(rules)-1)
	}
	if backup := rules[0].Location.Backup; backup != "" {
		text += fmt.Sprintf(textFromBackup, backup)
	}
	w.Cause = Cause{Kind: CauseStaleRule, Class: rewrite.SourceIdentity, Text: text, Found: FoundByComparison}
	w.Next = NextRewrite
	return true
}

// allNodes decides whether the Pod itself is refused, whatever the node.
func (w *Waiting) allNodes() bool {
	first := w.verdicts[0].Refusals[0]
	if !first.AllNodes {
		return false
	}
	w.Cause = Cause{Kind: kindOf(first.Plugin), Text: strings.Join(first.Reasons, ", ")}
	w.Next = fmt.Sprintf(nextDescribePod, w.Pods[0], w.Namespace)
	if claims := w.claims(); w.Cause.Kind == CauseVolumes && len(claims) > 0 {
		w.Next = fmt.Sprintf(nextGetClaims, strings.Join(claims, " "), w.Namespace)
	}
	if w.missingClass != "" {
		w.Cause.Text, w.Cause.Found, w.Next = w.missingClass, FoundByObjects, nextClasses
	}
	return true
}

// claims are those of the Pod that stands for the others.
func (w *Waiting) claims() []string {
	if w.subject == nil {
		return nil
	}
	return claimsOf(w.subject.Pod)
}

// most decides for the single cause, or the pair, without which the most nodes would do; else for what refuses the most nodes.
func (w *Waiting) most() {
	if len(w.Without) > 0 {
		best := slices.MaxFunc(w.Without, func(a, b Comparison) int { return cmp.Compare(a.Fits, b.Fits) })
		if best.Fits > 0 {
			w.Cause = Cause{Kind: best.Kind, Class: best.class, Text: w.detail(best), Found: FoundByComparison}
			w.Next = w.nextFor(best.Kind, best.class)
			return
		}
	}
	counts := map[string]int{}
	stops := map[string]Stop{}
	for _, row := range w.Nodes {
		for _, s := range row.Stops[:min(1, len(row.Stops))] {
			text := cmp.Or(s.Rule, s.By)
			counts[text]++
			stops[text] = s
		}
	}
	var text string
	for key := range counts {
		if text == "" || counts[key] > counts[text] || counts[key] == counts[text] && key < text {
			text = key
		}
	}
	kind := kindOf(stops[text].Plugin)
	w.Cause = Cause{Kind: kind, Text: fmt.Sprintf(textOnNodes, counts[text], len(w.verdicts), text)}
	w.Next = w.nextFor(kind, "")
}

// detail names the cause of a comparison, with the first stop of its kind in plain words.
func (w *Waiting) detail(c Comparison) string {
	text := strings.Join(c.Of, textAnd)
	for _, row := range w.Nodes {
		for _, s := range row.Stops {
			if c.Kind != CauseSeveral && s.Rule == "" && kindOf(s.Plugin) == c.Kind {
				return s.By
			}
			if c.Kind == CauseKeptOut && s.Origin == OriginOther {
				return fmt.Sprintf(textOtherRule, s.Rule, strings.Join(s.Because, ", "))
			}
		}
	}
	return text
}

func kindOf(plugin string) CauseKind {
	switch plugin {
	case pluginInterPodAffinity, pluginSpread:
		return CauseRule
	case pluginTaints, pluginUnschedulable:
		return CauseTaints
	case pluginResources:
		return CauseResources
	case pluginNodeAffinity, pluginNodeName:
		return CauseNodes
	case pluginVolumeBinding, pluginVolumeZone, pluginVolumeLimits, pluginVolumeRestrict:
		return CauseVolumes
	case pluginPorts:
		return CausePorts
	}
	return CauseUnknown
}

// nextFor returns one command that goes on from a cause.
func (w *Waiting) nextFor(kind CauseKind, class rewrite.Class) string {
	switch {
	case class == rewrite.Unscoped:
		return NextScope
	case kind == CauseTaints:
		return nextTaints
	case kind == CauseResources:
		return fmt.Sprintf(nextDescribeNode, w.verdicts[0].Node)
	case kind == CauseNodes:
		return nextLabels
	case kind == CauseVolumes && len(w.claims()) > 0:
		return fmt.Sprintf(nextGetClaims, strings.Join(w.claims(), " "), w.Namespace)
	case kind == CauseKeptOut:
		if namespace, name, ok := strings.Cut(w.keeper(), "/"); ok {
			return fmt.Sprintf(nextGetPod, name, namespace)
		}
	}
	return fmt.Sprintf(nextDescribePod, w.Pods[0], w.Namespace)
}

// keeper names the first running Pod whose rule keeps the Pods away.
func (w *Waiting) keeper() string {
	for _, row := range w.Nodes {
		for _, s := range row.Stops {
			if s.Origin == OriginOther && len(s.Because) > 0 {
				return s.Because[0]
			}
		}
	}
	return ""
}
