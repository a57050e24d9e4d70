package placement

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// nodes fills the rows of the nodes, one for each node.
func (w *Waiting) nodes(e *explainer, s *Subject, b *blame) {
	for i := range w.verdicts {
		v := &w.verdicts[i]
		row := NodeRow{Nodes: []string{v.Node}, Fits: len(v.Refusals) == 0}
		for j := range v.Refusals {
			row.Stops = append(row.Stops, e.stops(s, b, v.Node, &v.Refusals[j])...)
		}
		w.Nodes = append(w.Nodes, row)
	}
}

// Grouped joins rows that differ in their nodes only, or in how much is free there: then the scheduler's words stand for the numbers. Of
// the Pods that a rule meets, the first row's are shown.
func Grouped(rows []NodeRow) []NodeRow {
	var grouped []NodeRow
	index := map[string]int{}
	for _, row := range rows {
		key := fmt.Sprint(row.Fits)
		for _, s := range row.Stops {
			key += strings.Join([]string{"", s.Rule, string(s.Origin), strings.Join(s.Reasons, ","), s.Plugin}, "|")
			if s.Plugin != pluginResources {
				key += "|" + s.By
			}
		}
		if at, ok := index[key]; ok {
			for i := range row.Stops {
				if s := &grouped[at].Stops[i]; s.By != row.Stops[i].By {
					s.By = strings.Join(s.Reasons, ", ")
				}
			}
			grouped[at].Nodes = append(grouped[at].Nodes, row.Nodes...)
			continue
		}
		index[key] = len(grouped)
		row.Nodes, row.Stops = slices.Clone(row.Nodes), slices.Clone(row.Stops)
		grouped = append(grouped, row)
	}
	return grouped
}

// stops says in plain words why a plugin refuses a node.
func (e *explainer) stops(s *Subject, b *blame, node string, r *Refusal) []Stop {
	var stops []Stop
	switch r.Plugin {
	case pluginInterPodAffinity, pluginSpread:
		stops = e.ruleStops(s, b, node, r)
	case pluginTaints:
		stops = e.taintStops(s.Pod, node)
	case pluginUnschedulable:
		stops = []Stop{{By: textCordoned, Origin: OriginNode}}
	case pluginResources:
		stops = e.resourceStops(s.Pod, node, r)
	case pluginNodeAffinity, pluginNodeName:
		stops = e.nodeSelectionStops(s, node)
	case pluginVolumeBinding, pluginVolumeZone, pluginVolumeLimits, pluginVolumeRestrict:
		stops = []Stop{{By: e.volumeText(s.Pod, node, r), Origin: OriginVolume}}
	}
	if len(stops) == 0 {
		stops = []Stop{{By: strings.Join(r.Reasons, ", "), Origin: OriginPod}}
	}
	for i := range stops {
		stops[i].Plugin = r.Plugin
		if stops[i].Reasons == nil {
			stops[i].Reasons = r.Reasons
		}
		if stops[i].Found == "" {
			stops[i].Found = FoundByPlugin
		}
	}
	return stops
}

func (e *explainer) ruleStops(s *Subject, b *blame, node string, r *Refusal) []Stop {
	var stops []Stop
	for _, own := range b.own {
		if pluginOf(own.rule.Kind) != r.Plugin || !own.nodes[node] {
			continue
		}
		stop := Stop{
			By: string(own.rule.Kind), Rule: own.rule.describe(b.component), Origin: originOf(classOf(s, own.rule.Path)), Found: FoundByRuleAlone,
		}
		if own.rule.Kind != Affinity {
			stop.Because = podNames(own.pods[e.nodes[node].Labels[own.rule.topologyKey()]])
		}
		stops = append(stops, stop)
	}
	if r.Plugin != pluginInterPodAffinity {
		return stops
	}
	byRule := map[string][]*Pod{}
	for _, k := range b.others[node] {
		rule := Rule{Kind: AntiAffinity, Term: k.term}
		text := rule.describe(k.pod.Get(labelComponent))
		byRule[text] = append(byRule[text], k.pod)
	}
	for _, text := range slices.Sorted(maps.Keys(byRule)) {
		stops = append(stops, Stop{
			By: textKeptOut, Rule: text, Because: podNames(byRule[text]), Origin: OriginOther, Found: FoundByRuleAlone,
		})
	}
	return stops
}

// podNames names the first Pods, in the order of their names.
func podNames(pods []*Pod) []string {
	names := make([]string, 0, len(pods))
	for _, pod := range pods {
		names = append(names, pod.Namespace()+"/"+pod.Name())
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if rest := len(names) - maxNames; rest > 0 {
		return append(names[:maxNames:maxNames], fmt.Sprintf(textMore, rest))
	}
	return names
}

// reports describes the rules that refuse nodes.
func (b *blame) reports(s *Subject) []RuleReport {
	all := make([]RuleReport, 0, len(b.own))
	for _, own := range b.own {
		report := RuleReport{
			Rule: own.rule.describe(b.component), Kind: own.rule.Kind, Path: own.rule.Path, Refuses: len(own.nodes),
			Class: classOf(s, own.rule.Path), Message: messageOf(s, own.rule.Path), Found: FoundByRuleAlone,
			Edits: editsOf(s.Edits, own.rule.Path),
		}
		report.Origin = originOf(report.Class)
		if s.Locate != nil {
			report.Location = s.Locate(own.rule)
			if report.Origin == OriginOwn && report.Location.Backup != "" {
				report.Origin = OriginInherited
			}
		}
		all = append(all, report)
	}
	return all
}

// classOf returns the class of the finding about a rule at a path; empty where there is none.
func classOf(s *Subject, path string) rewrite.Class {
	if f := findingOf(s, path); f != nil {
		return f.Class
	}
	return ""
}

func messageOf(s *Subject, path string) string {
	if f := findingOf(s, path); f != nil {
		return f.Message
	}
	return ""
}

// findingOf returns the finding about a rule. One that names the source says more than the others about it.
func findingOf(s *Subject, path string) *rewrite.Finding {
	var found *rewrite.Finding
	for i := range s.Findings {
		f := &s.Findings[i]
		if f.Path != path && !strings.HasPrefix(f.Path, path+"/") {
			continue
		}
		if found == nil || f.Class == rewrite.SourceIdentity {
			found = f
		}
	}
	return found
}

func originOf(class rewrite.Class) Origin {
	switch class {
	case rewrite.SourceIdentity, rewrite.Generated:
		return OriginStale
	case rewrite.Intended:
		return OriginIntended
	case rewrite.ThirdParty:
		return OriginThirdParty
	case rewrite.Unscoped:
		return OriginUnscoped
	case rewrite.NamespaceShift, rewrite.Vacuous, rewrite.NodeBound:
		return OriginInherited
	}
	return OriginOwn
}
