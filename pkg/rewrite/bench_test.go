package rewrite_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// benchmarkSizes are the sizes of snapshots in bytes. The API server takes at most 256 KiB of annotations.
var benchmarkSizes = []int{4 << 10, 32 << 10, 250 << 10}

// snapshotOf returns a snapshot of about size bytes: as many components as it takes, each with the rules that kbcli writes
// and about as much that is not about scheduling.
func snapshotOf(size int) []byte {
	const component = `{"name":"mysql-%[1]d","componentDef":"apecloud-mysql","serviceVersion":"8.0.30","replicas":3,` +
		`"resources":{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"500m","memory":"512Mi"}},` +
		`"volumeClaimTemplates":[{"name":"data","spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"20Gi"}}}}],` +
		`"env":[{"name":"CLUSTER_NAME","value":"my1"},{"name":"LOG_LEVEL","value":"info"}],` +
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

// BenchmarkRewrite is the whole way from the annotation's bytes to edits and findings. Compare with BenchmarkDecode.
func BenchmarkRewrite(b *testing.B) {
	for _, size := range benchmarkSizes {
		snapshot := snapshotOf(size)
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(snapshot)))
			b.ReportAllocs()
			for b.Loop() {
				source, err := kubeblocks.SourceOfSnapshot(snapshot)
				if err != nil {
					b.Fatal(err)
				}
				result := rewrite.Rewrite(rewrite.Input{
					Sources: []rewrite.Source{source},
					Target:  rewrite.Identity{Namespace: "default", Name: "carrot67"},
					Live:    source.Policies,
				})
				if want := 3 * len(source.Policies); len(result.Edits) != want {
					b.Fatalf("%d edits, want %d", len(result.Edits), want)
				}
			}
		})
	}
}

// BenchmarkDecode is the floor: the same bytes into Go's generic values.
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
