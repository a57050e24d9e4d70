package placement

import (
	"maps"
	"slices"
)

// The names of the plugins that the words of this package are about.
const (
	pluginInterPodAffinity = "InterPodAffinity"
	pluginSpread           = "PodTopologySpread"
	pluginTaints           = "TaintToleration"
	pluginUnschedulable    = "NodeUnschedulable"
	pluginResources        = "NodeResourcesFit"
	pluginNodeAffinity     = "NodeAffinity"
	pluginNodeName         = "NodeName"
	pluginVolumeBinding    = "VolumeBinding"
	pluginVolumeZone       = "VolumeZone"
	pluginVolumeLimits     = "NodeVolumeLimits"
	pluginVolumeRestrict   = "VolumeRestrictions"
	pluginPorts            = "NodePorts"
)

// blame holds the rules that refuse nodes, and the Pods that they meet there.
type blame struct {
	component string
	own       []ownBlame
	// others are the rules of running Pods, by the node that they refuse.
	others map[string][]keeper
}

type ownBlame struct {
	rule  Rule
	nodes map[string]bool
	// pods are those that the rule selects, by the value of its topology key.
	pods map[string][]*Pod
}

// maxRules is how many rules of a Pod are asked about, so that no Pod costs too much.
const maxRules = 64

// blame asks the Scheduler with each rule of the Pod alone. A plugin names only the first of its reasons, and no rule.
func (e *explainer) blame(s *Subject, verdicts []Verdict) (*blame, error) {
	b := &blame{component: s.Pod.Labels[labelComponent], others: map[string][]keeper{}}
	rules := rulesOf(s.Pod)
	for _, r := range rules[:min(len(rules), maxRules)] {
		plugin := pluginOf(r.Kind)
		if !refuses(verdicts, plugin) {
			continue
		}
		alone, err := e.scheduler.Filter(e.ctx, withRules(s.Pod, func(path string) bool { return path == r.Path }))
		if err != nil {
			return nil, err
		}
		own := ownBlame{rule: r, nodes: map[string]bool{}, pods: e.matcher.inDomains(s.Pod, r)}
		for i := range alone {
			if refusal := alone[i].by(plugin); refusal != nil && (plugin == pluginSpread || !isKeptOut(refusal)) {
				own.nodes[alone[i].Node] = true
			}
		}
		if len(own.nodes) > 0 {
			b.own = append(b.own, own)
		}
	}
	return b, e.blameOthers(b, s, verdicts)
}

// blameOthers asks with no rule of the Pod: what InterPodAffinity refuses then, rules of running Pods refuse.
func (e *explainer) blameOthers(b *blame, s *Subject, verdicts []Verdict) error {
	if !refuses(verdicts, pluginInterPodAffinity) {
		return nil
	}
	none, err := e.scheduler.Filter(e.ctx, withRules(s.Pod, func(string) bool { return false }))
	if err != nil {
		return err
	}
	if !refuses(none, pluginInterPodAffinity) {
		return nil
	}
	keepers := e.matcher.keepersOf(s.Pod)
	for i := range none {
		if none[i].by(pluginInterPodAffinity) == nil {
			continue
		}
		b.others[none[i].Node] = []keeper{}
		for _, k := range keepers {
			if value, ok := e.matcher.nodes[none[i].Node][k.term.TopologyKey]; ok && value == k.value {
				b.others[none[i].Node] = append(b.others[none[i].Node], k)
			}
		}
	}
	return nil
}

func pluginOf(k RuleKind) string {
	if k == Spread {
		return pluginSpread
	}
	return pluginInterPodAffinity
}

func refuses(verdicts []Verdict, plugins ...string) bool {
	for i := range verdicts {
		for _, plugin := range plugins {
			if verdicts[i].by(plugin) != nil {
				return true
			}
		}
	}
	return false
}

// by returns the refusal of a plugin, or nil.
func (v *Verdict) by(plugin string) *Refusal {
	for i := range v.Refusals {
		if v.Refusals[i].Plugin == plugin {
			return &v.Refusals[i]
		}
	}
	return nil
}

// isKeptOut reports whether rules of running Pods refuse, rather than the Pod's own.
func isKeptOut(r *Refusal) bool { return slices.Contains(r.Reasons, reasonKeptOut) }

// fitting lists the nodes that fit.
func fitting(verdicts []Verdict) []string {
	var nodes []string
	for i := range verdicts {
		if len(verdicts[i].Refusals) == 0 {
			nodes = append(nodes, verdicts[i].Node)
		}
	}
	return nodes
}

// keeperPods are the running Pods whose rules keep the Pod away somewhere.
func (b *blame) keeperPods() map[string]bool {
	pods := map[string]bool{}
	for _, node := range slices.Sorted(maps.Keys(b.others)) {
		for _, k := range b.others[node] {
			pods[k.pod.Namespace()+"/"+k.pod.Name()] = true
		}
	}
	return pods
}
