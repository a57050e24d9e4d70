package audit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/rewrite"
	"github.com/rehome-operator/rehome/pkg/testing/clusters"
)

// manifests is the number of Clusters of each version: together more than the 591 public ones that are known.
const manifests = 200

// TestVerdictsAgreeWithRewrite judges generated Clusters, and compares each verdict with what a rewrite finds and changes.
func TestVerdictsAgreeWithRewrite(t *testing.T) {
	for _, version := range []kubeblocks.Version{kubeblocks.V09, kubeblocks.V10, kubeblocks.V12} {
		t.Run(string(version), func(t *testing.T) {
			t.Parallel()
			facts := []Facts{
				{Version: version, Nodes: threeNodes()}, {}, {Version: version},
				{Version: version, Nodes: threeNodes(node("d", ""), node("e", "z-e"))},
			}
			outcomes, seen := map[Outcome]int{}, map[string]bool{}
			for seed := range uint64(manifests) {
				r := rewriteOf(t, seed, version)
				r.collect(seen)
				for i, f := range facts {
					v := NewJudge(f).Backup(r.backup)
					problem := r.disagreement(f, v)
					if i == 0 {
						outcomes[v.Outcome]++
						problem = cmp.Or(problem, r.disagreementOnCure(f, v))
					}
					if problem != "" {
						t.Fatalf("seed %d: %s\nfacts %+v\nrewrite %+v\naudit %+v\n%s", seed, problem, f, r.Result, v, r.raw)
					}
				}
			}
			expectAllShapes(t, version, seen, outcomes)
			t.Logf("%d manifests of KubeBlocks %s, %d verdicts, all agree with rewrite. On three nodes: %v",
				manifests, version, manifests*len(facts), outcomes)
		})
	}
}

// collect adds the classes of the findings, the operators of selectors, and the places of policies.
func (r *rewritten) collect(seen map[string]bool) {
	for class := range r.counts {
		seen[string(class)] = true
	}
	for _, operator := range []string{"In", "NotIn", "Exists", "DoesNotExist"} {
		seen[operator] = seen[operator] || strings.Contains(string(r.raw), `"operator":"`+operator+`"`)
	}
	for _, p := range r.source.Policies {
		seen[regexp.MustCompile(`/\d+`).ReplaceAllString(p.Path, "")] = true
	}
	for _, field := range []string{"topologyKeys", "clusterDefinitionRef", "restore", "tolerations"} {
		seen[field] = seen[field] || strings.Contains(string(r.raw), `"`+field+`":`)
	}
}

// expectAllShapes expects that the manifests have rules of all kinds in all places, and end in all outcomes that depend on rules.
func expectAllShapes(t *testing.T, version kubeblocks.Version, seen map[string]bool, outcomes map[Outcome]int) {
	t.Helper()
	g := NewWithT(t)
	want := []string{"In", "NotIn", "Exists", "DoesNotExist", "tolerations"}
	for _, class := range []rewrite.Class{
		rewrite.SourceIdentity, rewrite.ThirdParty, rewrite.Unscoped, rewrite.Generated, rewrite.Placeholder, rewrite.NodeBound,
		rewrite.Vacuous, rewrite.Invalid,
	} {
		want = append(want, string(class))
	}
	shardings := "/spec/shardings"
	switch version {
	case kubeblocks.V09:
		shardings = "/spec/shardingSpecs"
		want = append(want, "clusterDefinitionRef", "topologyKeys")
	case kubeblocks.V12:
		want = append(want, "restore", shardings+"/shardTemplates/schedulingPolicy", shardings+"/shardTemplates/instances/schedulingPolicy")
	}
	for _, place := range []string{
		"/spec", "/spec/componentSpecs", "/spec/componentSpecs/instances", shardings + "/template", shardings + "/template/instances",
	} {
		want = append(want, place+"/schedulingPolicy")
	}
	for _, shape := range want {
		g.Expect(seen).To(HaveKeyWithValue(shape, true))
	}
	for _, outcome := range []Outcome{Hangs, LosesSpread, Differs, Noted, Fine} {
		g.Expect(outcomes).To(HaveKey(outcome))
	}
}

// rewritten is a generated Cluster, and what a rewrite makes of it.
type rewritten struct {
	rewrite.Result
	raw    []byte
	backup *kubeblocks.Backup
	source rewrite.Source
	// counts are the findings about required rules that apply to Pods, and invalid ones.
	counts map[rewrite.Class]int
	// opsRequest is what a rewrite makes of the Cluster that an OpsRequest creates.
	opsRequest rewrite.Result
	// cured is the Backup of the Cluster after the rewrite, as the Cluster NewName.
	cured *kubeblocks.Backup
}

func rewriteOf(t *testing.T, seed uint64, version kubeblocks.Version) *rewritten {
	t.Helper()
	g := NewWithT(t)
	r := &rewritten{counts: map[rewrite.Class]int{}}
	r.raw = clusters.Snapshot(seed, clusters.Options{Version: version, Namespace: "shop", Name: "my1"})
	r.backup = backupWith(string(r.raw))
	var err error
	r.source, err = kubeblocks.SourceOf(r.backup)
	g.Expect(err).NotTo(HaveOccurred(), "seed %d: %s", seed, r.raw)
	r.Result = r.with(r.source.Policies)
	for _, f := range r.Findings {
		if governs(r.raw, f.Path) && (f.Required || f.Class == rewrite.Invalid) {
			r.counts[f.Class]++
		}
	}
	r.opsRequest = r.with(version.OpsRequestPolicies(r.source.Policies, NewName))
	r.cured = backupWith(string(renamed(t, patched(t, r.raw, r.Edits))))
	r.cured.Labels[kubeblocks.LabelInstance] = NewName
	return r
}

// governs reports whether the policy of a rule applies to a Pod. That of the Cluster does not where all components have their own.
func governs(cluster []byte, path string) bool {
	if !strings.HasPrefix(path, "/spec/schedulingPolicy/") {
		return true
	}
	type component struct{ SchedulingPolicy *struct{} }
	type sharding struct{ Template component }
	var decoded struct {
		Spec struct {
			ComponentSpecs           []component
			Shardings, ShardingSpecs []sharding
		}
	}
	if err := json.Unmarshal(cluster, &decoded); err != nil {
		panic(err)
	}
	components := decoded.Spec.ComponentSpecs
	for _, s := range slices.Concat(decoded.Spec.Shardings, decoded.Spec.ShardingSpecs) {
		components = append(components, s.Template)
	}
	return slices.ContainsFunc(components, func(c component) bool { return c.SchedulingPolicy == nil })
}

func (r *rewritten) with(live []rewrite.Policy) rewrite.Result {
	return rewrite.Rewrite(rewrite.Input{
		Sources: []rewrite.Source{r.source}, Target: rewrite.Identity{Namespace: "shop", Name: NewName}, Live: live,
	})
}

// patched applies edits as the operator does.
func patched(t *testing.T, cluster []byte, edits []rewrite.Edit) []byte {
	t.Helper()
	g := NewWithT(t)
	data, err := json.Marshal(patch.Edits(edits))
	g.Expect(err).NotTo(HaveOccurred())
	operations, err := jsonpatch.DecodePatch(data)
	g.Expect(err).NotTo(HaveOccurred())
	after, err := operations.Apply(cluster)
	g.Expect(err).NotTo(HaveOccurred())
	return after
}

// renamed gives a Cluster the name NewName.
func renamed(t *testing.T, cluster []byte) []byte {
	t.Helper()
	return patched(t, cluster, []rewrite.Edit{{Path: "/metadata/name", From: "my1", To: NewName}})
}

// disagreement returns in what a verdict and a rewrite differ, or nothing.
func (r *rewritten) disagreement(facts Facts, v *Verdict) string {
	for class, count := range r.counts {
		if v.Counts[class] < count {
			return fmt.Sprintf("%d findings of %s, and rewrite has %d", v.Counts[class], class, count)
		}
	}
	for _, f := range v.Findings {
		if problem := r.disagreementOn(f, facts); problem != "" {
			return problem
		}
	}
	return r.disagreementOnOutcome(v)
}

func (r *rewritten) disagreementOnOutcome(v *Verdict) string {
	hasStale := r.counts[rewrite.SourceIdentity] > 0
	switch {
	case v.Outcome == Fine && len(r.Findings) > 0:
		return "fine, and rewrite has findings"
	case hasStale && !v.Outcome.NeedsAttention():
		return "needs nobody, and rewrite changes a required rule"
	case r.counts[rewrite.Invalid] > 0 && v.Outcome != Hangs:
		return "does not hang, and a rule is invalid"
	case v.Outcome == LosesSpread && !hasStale:
		return "loses its spread, and rewrite changes no required rule"
	}
	return ""
}

// disagreementOn compares one finding about a rule.
func (r *rewritten) disagreementOn(f Finding, facts Facts) string {
	for way, result := range map[Way]rewrite.Result{ByManifest: r.Result, ByOpsRequest: r.opsRequest} {
		if !f.On(way) || way == ByOpsRequest && facts.Version == "" {
			continue
		}
		same := func(other rewrite.Finding) bool {
			return other.Path == f.Path && other.Class == f.Class && other.Required == f.Required
		}
		isRule := strings.Contains(f.Path, "chedulingPolicy/") && f.Class != rewrite.NamespaceShift
		if isRule && !slices.ContainsFunc(result.Findings, same) {
			return fmt.Sprintf("%s by %s, and rewrite has no such finding: %+v", f.Class, way, f)
		}
	}
	for _, e := range f.Edits {
		if !slices.ContainsFunc(slices.Concat(r.Edits, r.opsRequest.Edits), func(other rewrite.Edit) bool { return other.Path == e.Path }) {
			return "an edit that rewrite does not make: " + e.Path
		}
	}
	return ""
}

// disagreementOnCure judges the rewritten Cluster: as a source it has the rules that the restored one is to have, so what was stale must be
// about the Cluster itself.
func (r *rewritten) disagreementOnCure(facts Facts, v *Verdict) string {
	before, after := v.Counts[rewrite.SourceIdentity], NewJudge(facts).Backup(r.cured).Counts[rewrite.SourceIdentity]
	if len(r.Edits) > 0 && after < r.counts[rewrite.SourceIdentity] {
		return fmt.Sprintf("%d stale rules, and %d that name the restored cluster after the rewrite", before, after)
	}
	if again := r.again(); len(again.Edits) > 0 {
		return fmt.Sprintf("a second rewrite changes %+v", again.Edits)
	}
	return ""
}

// again rewrites what was rewritten.
func (r *rewritten) again() rewrite.Result {
	source, err := kubeblocks.SourceOf(r.cured)
	if err != nil {
		panic(err)
	}
	return r.with(source.Policies)
}
