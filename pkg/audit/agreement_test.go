package audit

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
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
			broken := has(v, ByOpsRequest, func(f Finding) bool {
				return f.Effect == Refused || f.Class == rewrite.ThirdParty && !f.On(ByManifest)
			})
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
