package clusters

import "github.com/rehome-operator/rehome/pkg/rewrite"

// selector draws the selector of a rule about Pods. Most public ones name the cluster, its component, or both.
func (g *generator) selector(component string) map[string]any {
	switch g.IntN(16) {
	case 0, 1, 2, 3, 4:
		return labels(rewrite.LabelInstance, g.Name, rewrite.LabelComponentName, component)
	case 5, 6, 7:
		return labels(rewrite.LabelInstance, g.Name)
	case 8:
		return labels(rewrite.LabelInstance, Stranger)
	case 9:
		return g.withoutCluster(component)
	case 10:
		return g.byOtherLabel(component)
	case 11:
		return g.unusual(component)
	default:
		return g.expression(component)
	}
}

// labels returns a selector of pairs of keys and values. Without a component it leaves the component out.
func labels(pairs ...string) map[string]any {
	match := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] != rewrite.LabelComponentName || pairs[i+1] != "" {
			match[pairs[i]] = pairs[i+1]
		}
	}
	return map[string]any{"matchLabels": match}
}

// withoutCluster selects Pods of every cluster.
func (g *generator) withoutCluster(component string) map[string]any {
	switch g.IntN(3) {
	case 0:
		return labels(userLabel, "red")
	case 1:
		return labels("app.kubernetes.io/managed-by", "kubeblocks", rewrite.LabelComponentName, component)
	default:
		return labels(rewrite.LabelComponentName, orMySQL(component))
	}
}

func orMySQL(component string) string {
	if component == "" {
		return "mysql"
	}
	return component
}

// byOtherLabel names the cluster in a label other than its name.
func (g *generator) byOtherLabel(component string) map[string]any {
	workload := g.Name + "-" + orMySQL(component)
	switch g.IntN(3) {
	case 0:
		return labels(rewrite.LabelWorkload, workload)
	case 1:
		return labels(rewrite.LabelPodName, workload+"-0")
	default:
		return labels(rewrite.LabelWorkload, Stranger+"-mysql")
	}
}

// unusual selectors are empty, select nothing, or hold what KubeBlocks draws or fills in.
func (g *generator) unusual(component string) map[string]any {
	kind := g.IntN(4 - boolToInt(g.Small)) // no shard has the name that the last one has
	switch {
	case kind == 0:
		return map[string]any{}
	case kind == 1 && !g.Small: // an audit counts a label that it does not know as met, because a ComponentDefinition can set it
		return labels(rewrite.LabelInstance, g.Name, "no-such-label", "x")
	case kind == 3:
		return labels(rewrite.LabelInstance, g.Name, rewrite.LabelComponentName, "shard-x7k")
	case component == "shard":
		return map[string]any{"matchLabels": map[string]any{rewrite.LabelInstance: g.Name, rewrite.LabelComponentName: ""}}
	default:
		return labels(rewrite.LabelInstance, g.Name, rewrite.LabelComponentName, "another")
	}
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// expression selects by an operator.
func (g *generator) expression(component string) map[string]any {
	key := one(g, rewrite.LabelInstance, rewrite.LabelInstance, rewrite.LabelWorkload, userLabel)
	own, other := g.Name, Stranger
	switch key {
	case rewrite.LabelWorkload:
		own, other = g.Name+"-"+orMySQL(component), Stranger+"-mysql"
	case userLabel:
		own, other = "red", "blue"
	}
	e := map[string]any{"key": key}
	switch g.IntN(8) {
	case 0, 1:
		e["operator"], e["values"] = "In", []any{own}
	case 2:
		e["operator"], e["values"] = "In", []any{own, other}
	case 3:
		e["operator"], e["values"] = "NotIn", []any{own}
	case 4:
		e["operator"], e["values"] = "NotIn", []any{other}
	case 5:
		e["operator"] = "Exists"
	case 6:
		e["operator"] = "DoesNotExist"
	default:
		e["operator"], e["values"] = "In", []any{other}
	}
	s := map[string]any{"matchExpressions": []any{e}}
	if component != "" && g.oneIn(2) {
		s["matchLabels"] = map[string]any{rewrite.LabelComponentName: component}
	}
	return s
}
