package clusters

import (
	corev1 "k8s.io/api/core/v1"
)

const (
	host = corev1.LabelHostname
	zone = corev1.LabelTopologyZone
	// userLabel is one that the owner of a cluster gave its Pods.
	userLabel = "team"
)

// Stranger is the name of another cluster that rules name.
const Stranger = "web1"

// policy draws a schedulingPolicy with up to three kinds of rules. component is empty in that of the Cluster.
func (g *generator) policy(component string) map[string]any {
	p := map[string]any{}
	for range one(g, 0, 1, 1, 1, 2, 3) {
		g.addRule(p, component)
	}
	if g.oneIn(8) {
		p["tolerations"] = g.tolerations()
	}
	if len(p) == 0 && g.oneIn(2) {
		empty := map[string]any{}
		p["affinity"] = one(g, map[string]any{}, map[string]any{"podAntiAffinity": empty}, map[string]any{"podAffinity": empty})
	}
	return p
}

func (g *generator) tolerations() []any {
	return []any{map[string]any{"key": "databases", "operator": "Equal", "value": "true", "effect": "NoSchedule"}}
}

// addRule adds a rule to a policy. Most public ones keep Pods apart.
func (g *generator) addRule(p map[string]any, component string) {
	switch one(g, "apart", "apart", "apart", "together", "spread", "nodes") {
	case "apart":
		g.addTerms(p, "podAntiAffinity", component)
	case "together":
		g.addTerms(p, "podAffinity", component)
	case "spread":
		p["topologySpreadConstraints"] = []any{map[string]any{
			"maxSkew": one[int64](g, 1, 1, 2), "topologyKey": g.topologyKey(),
			"whenUnsatisfiable": one(g, "DoNotSchedule", "ScheduleAnyway"), "labelSelector": g.selector(component),
		}}
	case "nodes":
		g.addNodes(p)
	}
}

func (g *generator) topologyKey() string {
	if !g.Small && g.oneIn(8) {
		return "rack"
	}
	return one(g, host, host, zone)
}

func affinityOf(p map[string]any) map[string]any {
	a, ok := p["affinity"].(map[string]any)
	if !ok {
		a = map[string]any{}
		p["affinity"] = a
	}
	return a
}

// addTerms adds required terms, preferred ones, or both.
func (g *generator) addTerms(p map[string]any, kind, component string) {
	lists := map[string]any{}
	form := one(g, "required", "required", "preferred", "both")
	if form != "preferred" {
		terms := []any{g.term(component)}
		if g.oneIn(5) {
			terms = append(terms, g.term(component))
		}
		lists["requiredDuringSchedulingIgnoredDuringExecution"] = terms
	}
	if form != "required" {
		lists["preferredDuringSchedulingIgnoredDuringExecution"] = []any{
			map[string]any{"weight": one[int64](g, 1, 100), "podAffinityTerm": g.term(component)},
		}
	}
	affinityOf(p)[kind] = lists
}

func (g *generator) term(component string) map[string]any {
	t := map[string]any{"topologyKey": g.topologyKey()}
	if g.Small || !g.oneIn(12) {
		t["labelSelector"] = g.selector(component)
	}
	switch g.IntN(12) {
	case 0:
		t["namespaces"] = []any{g.Namespace}
	case 1:
		t["namespaceSelector"] = map[string]any{}
	}
	if !g.Small && g.oneIn(20) {
		t["topologyKey"] = "" // which the API server refuses in a Pod
	}
	return t
}

// addNodes ties Pods to nodes.
func (g *generator) addNodes(p map[string]any) {
	required := func(key, operator string, values ...any) map[string]any {
		e := map[string]any{"key": key, "operator": operator}
		if len(values) > 0 {
			e["values"] = values
		}
		return map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": map[string]any{
			"nodeSelectorTerms": []any{map[string]any{"matchExpressions": []any{e}}},
		}}
	}
	last := 4
	if g.Small {
		last = 3
	}
	switch g.IntN(last + 1) {
	case 0:
		p["nodeSelector"] = map[string]any{zone: one[any](g, "zone-a", "zone-b")}
	case 1:
		affinityOf(p)["nodeAffinity"] = required(zone, "In", "zone-a", "zone-b")
	case 2:
		affinityOf(p)["nodeAffinity"] = required(host, "NotIn", "node-x")
	case 3:
		affinityOf(p)["nodeAffinity"] = required(host, one(g, "Exists", "Exists"))
	default:
		if g.oneIn(2) {
			p["nodeName"] = "node-x"
		} else {
			p["nodeSelector"] = map[string]any{zone: "zone-x"}
		}
	}
}
