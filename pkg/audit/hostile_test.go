package audit

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// TestNoSnapshotTakesLong judges a snapshot at the limits: half a thousand rules each of affinity and anti-affinity in the cluster's policy,
// and hundreds of components. The operator judges Backups of tenants.
func TestNoSnapshotTakesLong(t *testing.T) {
	g := NewWithT(t)
	terms := func() (list []any) {
		for i := range 450 {
			list = append(list, map[string]any{"topologyKey": host, "labelSelector": map[string]any{
				"matchLabels": map[string]any{"app.kubernetes.io/instance": "my1", fmt.Sprintf("no-%d", i): "x"},
			}})
		}
		return list
	}
	var components []any
	for i := range 900 {
		components = append(components, map[string]any{"name": fmt.Sprintf("c%d", i)})
	}
	required := func() map[string]any {
		return map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": terms()}
	}
	snapshot, err := json.Marshal(map[string]any{"metadata": map[string]any{"name": "my1", "namespace": "shop"}, "spec": map[string]any{
		"schedulingPolicy": map[string]any{"affinity": map[string]any{"podAffinity": required(), "podAntiAffinity": required()}},
		"componentSpecs":   components,
	}})
	g.Expect(err).NotTo(HaveOccurred())
	began := time.Now()

	v := NewJudge(Facts{Version: kubeblocks.V10}).Backup(backupWith(string(snapshot)))

	took := time.Since(began)
	t.Logf("%s for %d KiB", took, len(snapshot)>>10)
	g.Expect(v.Outcome).To(Equal(Hangs), "it was read: %+v", v.Findings)
	g.Expect(took).To(BeNumerically("<", 10*time.Second), "even on a busy machine")
}

// TestDefinitionsCostNoMoreThanTheirSize judges snapshots full of names that are expressions: a few bytes of one, compiled, can be megabytes.
func TestDefinitionsCostNoMoreThanTheirSize(t *testing.T) {
	for name, expression := range map[string]string{
		"repeated": "x%04d" + strings.Repeat("y{1000}", 8),
		"dots":     "x%04d" + strings.Repeat(".", 59),
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			var components []string
			for i := range 900 {
				components = append(components, fmt.Sprintf(`{"name":"c","componentDef":"`+expression+`"}`, i))
			}
			snapshot := `{"metadata":{"name":"my1"},"spec":{"componentSpecs":[` + strings.Join(components, ",") + "]}}"
			definitions := make([]string, 100)
			for i := range definitions {
				definitions[i] = strings.Repeat("x", 100)
			}
			began := time.Now()

			v := NewJudge(Facts{ComponentDefinitions: definitions}).Backup(backupWith(snapshot))

			took := time.Since(began)
			t.Logf("%s for %d KiB", took, len(snapshot)>>10)
			g.Expect(v.Outcome).NotTo(Equal(Unreadable), "it was read: %+v", v.Findings)
			g.Expect(took).To(BeNumerically("<", 10*time.Second), "even on a busy machine")
		})
	}
}

// TestNothingRemembersLargePolicies has policies that differ, and are nearly as large as a snapshot.
func TestNothingRemembersLargePolicies(t *testing.T) {
	g := NewWithT(t)
	const policies = 40
	n := NewJudge(Facts{Nodes: threeNodes()}).nodes
	large := strings.Repeat("x", 200<<10)
	before := heap()
	for i := range policies {
		n.openTo(&rewrite.Policy{NodeName: strconv.Itoa(i), NodeSelector: map[string]string{"large": large}}, nil)
	}

	g.Expect(n.open).To(HaveLen(policies))
	g.Expect(heap() - before).To(BeNumerically("<", policies*len(large)/4))
	runtime.KeepAlive(n)
}

// TestASnapshotThatTheJudgeFailsOnStopsNoOther has a Judge that cannot remember nodes, so that it panics where it compares with them.
func TestASnapshotThatTheJudgeFailsOnStopsNoOther(t *testing.T) {
	g := NewWithT(t)
	j := NewJudge(Facts{Nodes: threeNodes()})
	j.nodes.open = nil
	for i := range 2 * cap(j.judging) {
		bad := backupOf(component("{nodeSelector: {" + zone + ": z-a}}"))
		bad.Labels[kubeblocks.LabelBackupClusterUID] = strconv.Itoa(i)
		v := j.Backup(bad)

		g.Expect(v.Outcome).To(Equal(Unreadable))
		g.Expect(v.Findings).To(HaveExactElements(SatisfyAll(
			HaveField("Class", BadSnapshot), HaveField("Rule", HavePrefix("rehome cannot judge it, which is a defect of rehome: assignment to entry in nil map")),
		)))
		g.Expect(j.Backup(backupOf(component("{}"))).Outcome).To(Equal(Fine))
	}
}

// heap returns the bytes that are in use.
func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools hold
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
