package audit

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// TestVerdictsAgreeWithWhatKubeBlocksWrites compares verdicts with docs/differential.md, which an end-to-end test generates from real
// restores by KubeBlocks 1.0.2. The column of 0.9 is what a manifest restores on every version.
func TestVerdictsAgreeWithWhatKubeBlocksWrites(t *testing.T) {
	g := NewWithT(t)
	page, err := os.ReadFile("../../docs/differential.md")
	g.Expect(err).NotTo(HaveOccurred())
	rows := regexp.MustCompile(`(?m)^\| \[\d+\]\(\.\./(test/e2e/testdata/differential/[^/)]+)\) \| [^|]* \| ([^|]*) \| ([^|]*) \|`).FindAllStringSubmatch(string(page), -1)
	g.Expect(len(rows)).To(BeNumerically(">", 30))
	for _, row := range rows {
		if beyondAnAudit(row[1], row[3]) {
			continue
		}
		t.Run(filepath.Base(row[1]), func(t *testing.T) {
			g := NewWithT(t)
			data, err := os.ReadFile("../../" + row[1])
			g.Expect(err).NotTo(HaveOccurred())
			var shape struct {
				From  string
				Rules map[string]any
			}
			g.Expect(yaml.Unmarshal(data, &shape)).To(Succeed())
			snapshot, err := json.Marshal(map[string]any{"metadata": map[string]any{"name": "my1", "namespace": shape.From}, "spec": shape.Rules})
			g.Expect(err).NotTo(HaveOccurred())
			v := NewJudge(Facts{Version: kubeblocks.V10}).Backup(backupWith(string(snapshot)))

			stale := func(way Way) bool {
				return has(v, way, func(f Finding) bool { return f.Class == rewrite.SourceIdentity })
			}
			broken := has(v, ByOpsRequest, func(f Finding) bool { return f.Effect == Overwritten || f.Effect == Refused })
			g.Expect(stale(ByManifest)).To(Equal(strings.Contains(row[2], "still names")), "by a manifest: %s; %+v", row[2], v.Findings)
			g.Expect(stale(ByOpsRequest)).To(Equal(strings.Contains(row[3], "still names")), "by an OpsRequest: %s; %+v", row[3], v.Findings)
			turned := regexp.MustCompile(`turned from|got values|lost `).MatchString(row[3])
			g.Expect(broken).To(Equal(turned), "by an OpsRequest: %s; %+v", row[3], v.Findings)
		})
	}
}

// beyondAnAudit reports whether a shape depends on what an audit does not know: the restored cluster's name, which one rule has already,
// or another namespace.
func beyondAnAudit(shape, written string) bool {
	return strings.HasPrefix(filepath.Base(shape), "21-") || strings.Contains(written, "still names shop") || strings.Contains(written, "still names bank")
}

func has(v *Verdict, way Way, holds func(Finding) bool) bool {
	for _, f := range v.Findings {
		if f.On(way) && holds(f) {
			return true
		}
	}
	return false
}

// specs generates Cluster specs with rules of many shapes, in the places of 1.1.
var specs = rapid.Custom(func(t *rapid.T) map[string]any {
	spec := map[string]any{}
	if rapid.Bool().Draw(t, "cluster") {
		spec["schedulingPolicy"] = policies.Draw(t, "policy")
	}
	var components, shardings []any
	for i := range rapid.IntRange(1, 3).Draw(t, "components") {
		c := componentSpec(t)
		c["name"] = []string{"mysql", "proxy", "redis"}[i]
		components = append(components, c)
	}
	if rapid.Bool().Draw(t, "sharding") {
		s := map[string]any{"name": "shard", "shards": 2, "template": componentSpec(t)}
		if rapid.Bool().Draw(t, "shard template") {
			special := componentSpec(t)
			special["name"] = "big"
			s["shardTemplates"] = []any{special}
		}
		shardings = append(shardings, s)
	}
	spec["componentSpecs"], spec["shardings"] = components, shardings
	return spec
})

func componentSpec(t *rapid.T) map[string]any {
	c := map[string]any{"replicas": rapid.IntRange(1, 5).Draw(t, "replicas")}
	if rapid.Bool().Draw(t, "rules") {
		c["schedulingPolicy"] = policies.Draw(t, "policy")
	}
	if rapid.Bool().Draw(t, "instances") {
		c["instances"] = []any{map[string]any{"name": "hot", "schedulingPolicy": policies.Draw(t, "policy")}}
	}
	return c
}

var policies = rapid.Custom(func(t *rapid.T) map[string]any {
	key := rapid.SampledFrom([]string{host, zone, "rack"}).Draw(t, "topology")
	selector := selectors.Draw(t, "selector")
	term := map[string]any{"topologyKey": key, "labelSelector": selector}
	switch kind := rapid.SampledFrom([]string{"podAntiAffinity", "podAffinity", "spread", "node"}).Draw(t, "kind"); kind {
	case "spread":
		when := rapid.SampledFrom([]string{"DoNotSchedule", "ScheduleAnyway"}).Draw(t, "when")
		return map[string]any{"topologySpreadConstraints": []any{map[string]any{"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": when, "labelSelector": selector}}}
	case "node":
		return map[string]any{"nodeSelector": map[string]any{zone: rapid.SampledFrom([]string{"z-a", "z-x"}).Draw(t, "zone")}}
	default:
		if rapid.Bool().Draw(t, "required") {
			return map[string]any{"affinity": map[string]any{kind: map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": []any{term}}}}
		}
		return map[string]any{"affinity": map[string]any{kind: map[string]any{"preferredDuringSchedulingIgnoredDuringExecution": []any{
			map[string]any{"weight": 1, "podAffinityTerm": term},
		}}}}
	}
})

var selectors = rapid.Custom(func(t *rapid.T) map[string]any {
	key := rapid.SampledFrom([]string{rewrite.LabelInstance, rewrite.LabelWorkload, rewrite.LabelPodName, rewrite.LabelComponentName, "team"}).Draw(t, "key")
	values := map[string][]any{
		rewrite.LabelInstance: {"my1", "web1"}, rewrite.LabelWorkload: {"my1-mysql", "web1-mysql"}, rewrite.LabelPodName: {"my1-mysql-0"},
		rewrite.LabelComponentName: {"mysql", "other", ""}, "team": {"red"},
	}[key]
	value := rapid.SampledFrom(values).Draw(t, "value")
	switch operator := rapid.SampledFrom([]string{"", "In", "NotIn", "Exists"}).Draw(t, "operator"); operator {
	case "":
		return map[string]any{"matchLabels": map[string]any{key: value}}
	case "Exists":
		return map[string]any{"matchExpressions": []any{map[string]any{"key": key, "operator": operator}}}
	default:
		return map[string]any{"matchExpressions": []any{map[string]any{"key": key, "operator": operator, "values": []any{value}}}}
	}
})

// TestVerdictsAgreeWithRewrite checks that an audit reports what rewrite finds, and that a Backup is fine only where a rewrite changes
// nothing required and warns of nothing required.
func TestVerdictsAgreeWithRewrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw, err := json.Marshal(map[string]any{"metadata": map[string]any{"name": "my1", "namespace": "shop"}, "spec": specs.Draw(t, "spec")})
		if err != nil {
			t.Fatal(err)
		}
		b := backupWith(string(raw))
		source, err := kubeblocks.SourceOf(b)
		if err != nil {
			t.Fatal(err)
		}
		result := rewrite.Rewrite(rewrite.Input{
			Sources: []rewrite.Source{source}, Target: rewrite.Identity{Namespace: "shop", Name: NewName}, Live: source.Policies,
		})
		for _, facts := range []Facts{{}, {Nodes: threeNodes()}, {Version: kubeblocks.V10, Nodes: threeNodes()}} {
			v := NewJudge(facts).Backup(b)
			if problem := disagreement(result, v); problem != "" {
				t.Fatalf("%s\nfacts %+v\nrewrite %+v\naudit %+v\n%s", problem, facts, result, v, raw)
			}
		}
	})
}

func disagreement(result rewrite.Result, v *Verdict) string {
	counts := map[rewrite.Class]int{}
	for _, f := range result.Findings {
		if f.Required || f.Class == rewrite.Invalid {
			counts[f.Class]++
		}
	}
	for class, count := range counts {
		if v.Counts[class] < count {
			return fmt.Sprintf("%d findings of %s, and rewrite has %d", v.Counts[class], class, count)
		}
	}
	switch {
	case v.Outcome == Fine && len(result.Findings) > 0:
		return "fine, and rewrite has findings"
	case counts[rewrite.SourceIdentity] > 0 && !v.Outcome.NeedsAttention():
		return "needs nobody, and rewrite changes a required rule"
	case len(result.Of(rewrite.Invalid)) > 0 && v.Outcome != Hangs:
		return "does not hang, and a rule is invalid"
	}
	return ""
}
