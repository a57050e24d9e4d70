package rewrite_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// benchmarkSizes are the sizes of snapshots in bytes. The API server takes at most 256 KiB of annotations.
var benchmarkSizes = []int{4 << 10, 32 << 10, 250 << 10}

// snapshotOf returns a snapshot of about size bytes. Of each component, a third are the rules that kbcli writes, and a third is one long
// value, so that the largest snapshot has fewer values than the limit.
func snapshotOf(size int) []byte {
	script := strings.Repeat("sleep 1; ", 64)
	component := `{"name":"mysql-%[1]d","componentDef":"apecloud-mysql","serviceVersion":"8.0.30","replicas":3,` +
		`"resources":{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"500m","memory":"512Mi"}},` +
		`"volumeClaimTemplates":[{"name":"data","spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"20Gi"}}}}],` +
		`"env":[{"name":"CLUSTER_NAME","value":"my1"},{"name":"LOG_LEVEL","value":"info"},{"name":"SCRIPT","value":"` + script + `"}],` +
		`"schedulingPolicy":{"affinity":{"podAntiAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"podAffinityTerm":` +
		`{"labelSelector":{"matchLabels":{"app.kubernetes.io/instance":"my1","apps.kubeblocks.io/component-name":"mysql-%[1]d"}},` +
		`"topologyKey":"topology.kubernetes.io/zone"},"weight":100}],"requiredDuringSchedulingIgnoredDuringExecution":[` +
		`{"labelSelector":{"matchLabels":{"app.kubernetes.io/instance":"my1","apps.kubeblocks.io/component-name":"mysql-%[1]d"}},` +
		`"topologyKey":"kubernetes.io/hostname"}]}},"topologySpreadConstraints":[{"labelSelector":{"matchLabels":` +
		`{"app.kubernetes.io/instance":"my1","apps.kubeblocks.io/component-name":"mysql-%[1]d"}},"maxSkew":1,` +
		`"topologyKey":"topology.kubernetes.io/zone","whenUnsatisfiable":"ScheduleAnyway"}]}}`
	var components []string
	for length := 0; length < size-len(component); length += len(components[len(components)-1]) {
		components = append(components, fmt.Sprintf(component, len(components)))
	}
	return []byte(`{"metadata":{"name":"my1","namespace":"default"},"spec":{"terminationPolicy":"Delete","componentSpecs":[` +
		strings.Join(components, ",") + `]}}`)
}

// BenchmarkRewrite measures everything from the annotation's bytes to edits and findings. Compare it with BenchmarkDecode.
func BenchmarkRewrite(b *testing.B) {
	for _, size := range benchmarkSizes {
		snapshot := snapshotOf(size)
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			benchmarkRewrite(b, snapshot, func(s rewrite.Source) []rewrite.Policy { return s.Policies })
		})
	}
}

func benchmarkRewrite(b *testing.B, snapshot []byte, live func(rewrite.Source) []rewrite.Policy) {
	b.SetBytes(int64(len(snapshot)))
	b.ReportAllocs()
	for b.Loop() {
		rewriteSnapshot(b, snapshot, live)
	}
}

// rewriteSnapshot fails unless all three rules of each component are rewritten.
func rewriteSnapshot(tb testing.TB, snapshot []byte, live func(rewrite.Source) []rewrite.Policy) {
	tb.Helper()
	source, err := kubeblocks.SourceOfSnapshot(snapshot)
	if err != nil {
		tb.Fatal(err)
	}
	result := rewrite.Rewrite(rewrite.Input{
		Sources: []rewrite.Source{source},
		Target:  rewrite.Identity{Namespace: "default", Name: "carrot67"},
		Live:    live(source),
	})
	if want := 3 * len(source.Policies); len(result.Edits) != want {
		tb.Fatalf("%d edits, want %d", len(result.Edits), want)
	}
}

// TestTheSnapshotsOfTheBenchmarksAreRewritten finds a limit that refuses them before the night does.
func TestTheSnapshotsOfTheBenchmarksAreRewritten(t *testing.T) {
	for _, size := range benchmarkSizes {
		rewriteSnapshot(t, snapshotOf(size), func(s rewrite.Source) []rewrite.Policy { return s.Policies })
	}
}

// BenchmarkDecode is the lower bound: it decodes the same bytes into Go's generic values.
func BenchmarkDecode(b *testing.B) {
	for _, size := range benchmarkSizes {
		snapshot := snapshotOf(size)
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(snapshot)))
			b.ReportAllocs()
			for b.Loop() {
				var object map[string]any
				if err := json.Unmarshal(snapshot, &object); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRewriteOfALiveCluster measures the operator's case: the live object and the snapshot do not share memory.
func BenchmarkRewriteOfALiveCluster(b *testing.B) {
	for _, size := range benchmarkSizes {
		snapshot := snapshotOf(size)
		var live kubeblocks.Cluster
		if err := json.Unmarshal(snapshot, &live); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			benchmarkRewrite(b, snapshot, func(rewrite.Source) []rewrite.Policy { return kubeblocks.ClusterPolicies(&live) })
		})
	}
}

// BenchmarkRewriteOfManyRules shows how the cost grows with the number of rules in one policy. The rules are equal, distinct,
// distinct in reverse order, or equal and already rewritten.
func BenchmarkRewriteOfManyRules(b *testing.B) {
	for _, count := range []int{1_000, 10_000} {
		equal, distinct := manyRules(count, "my1"), manyRules(count, "my1")
		for i := range distinct {
			distinct[i].LabelSelector.MatchLabels["team"] = strconv.Itoa(i)
		}
		reversed := slices.Clone(distinct)
		slices.Reverse(reversed)
		rewritten := manyRules(count, "carrot67")
		for name, c := range map[string]struct{ snapshot, live []corev1.PodAffinityTerm }{
			"equal":     {equal, equal},
			"distinct":  {distinct, distinct},
			"reversed":  {distinct, reversed},
			"rewritten": {equal, rewritten},
		} {
			b.Run(fmt.Sprintf("%s-%d", name, count), func(b *testing.B) {
				source := rewrite.Source{
					Identity:   rewrite.Identity{Namespace: "default", Name: "my1"},
					Components: []rewrite.Component{{Name: "mysql"}},
					Policies:   policiesOf(c.snapshot),
				}
				b.ReportAllocs()
				for b.Loop() {
					rewrite.Rewrite(rewrite.Input{
						Sources: []rewrite.Source{source},
						Target:  rewrite.Identity{Namespace: "default", Name: "carrot67"},
						Live:    policiesOf(c.live),
					})
				}
			})
		}
	}
}

func manyRules(count int, cluster string) []corev1.PodAffinityTerm {
	rules := make([]corev1.PodAffinityTerm, count)
	for i := range rules {
		rules[i] = corev1.PodAffinityTerm{
			TopologyKey:   corev1.LabelHostname,
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{rewrite.LabelInstance: cluster}},
		}
	}
	return rules
}

func policiesOf(rules []corev1.PodAffinityTerm) []rewrite.Policy {
	return []rewrite.Policy{{
		Path: "/spec/componentSpecs/0/schedulingPolicy", Place: "componentSpecs/mysql", Component: "mysql",
		Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: rules}},
	}}
}
