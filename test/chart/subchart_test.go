package chart

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
)

const parentChart = `apiVersion: v2
name: databases
version: 0.0.1
dependencies:
  - name: rehome
    version: ">=0.0.0-0"
    condition: rehome.enabled
`

func TestAParentChartSwitchesRehomeOnAndOff(t *testing.T) {
	g := NewWithT(t)
	parent := t.TempDir()
	g.Expect(os.WriteFile(filepath.Join(parent, "Chart.yaml"), []byte(parentChart), 0o600)).To(Succeed())
	g.Expect(os.CopyFS(filepath.Join(parent, "charts", "rehome"), os.DirFS(chart(t)))).To(Succeed())
	render := func(values ...string) objects {
		args := []string{"template", "databases", parent, "--namespace", ownNamespace, "--kube-version", kubernetes}
		text, err := output(exec.Command(tool(t, "HELM"), append(args, values...)...))
		g.Expect(err).NotTo(HaveOccurred())
		return parse(t, text)
	}

	g.Expect(render().names()).To(ContainElement("Deployment rehome-system/databases-rehome"))
	g.Expect(render("--set", "rehome.enabled=true").names()).To(ContainElement("Deployment rehome-system/databases-rehome"))
	g.Expect(render("--set", "rehome.enabled=false").names()).To(BeEmpty())
}
