//go:build browser

package cli

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
)

// placementPages are the pages of explain and preflight, with a name that would run a script if it was not escaped.
func placementPages(t *testing.T) map[string]string {
	t.Helper()
	kube, blocks := staleWorld(t, "default")
	pod := waitingPod("default", "carrot67-odd")
	pod.Spec.NodeSelector = map[string]string{"disk": hostileName}
	explained := explainIn(liveCluster(append(kube, pod), blocks, nil, nil), "carrot67", "-o", "html")
	NewWithT(t).Expect(ExitStatus(explained.err)).To(Equal(1), "%v", explained.err)
	preflighted := livePreflight(t, nil, true, "bp1", "-o", "html")
	NewWithT(t).Expect(preflighted.err).NotTo(HaveOccurred())
	return map[string]string{"explain": explained.out, "preflight": preflighted.out}
}

func TestThePagesOfPlacementFitAPhoneAndTheDark(t *testing.T) {
	script := `say(getComputedStyle(document.body).backgroundColor); say(document.documentElement.scrollWidth <= innerWidth)`
	for name, page := range placementPages(t) {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			light := driven(t, page, script, "--window-size=500,740", "--blink-settings=preferredColorScheme=1")
			dark := driven(t, page, script, "--window-size=500,740", "--blink-settings=preferredColorScheme=0")
			g.Expect(light).To(HaveSuffix(")\ntrue\n"))
			g.Expect(dark).To(HaveSuffix(")\ntrue\n"))
			g.Expect(light).NotTo(Equal(dark))
		})
	}
}

func TestThePagesOfPlacementShowTheNodesBeforeAndAfter(t *testing.T) {
	script := `say(document.body.innerText); say(document.images.length + " images"); say(performance.getEntriesByType("resource").length + " requests")`
	shows := map[string][]string{
		"explain":   {"STALE RULE", "node-a", "my1-mysql-0", "this rule alone", "my1 carrot67"},
		"preflight": {"as KubeBlocks alone restores it", "carrot67-mysql-0", "node-c"},
	}
	for name, page := range placementPages(t) {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			said := driven(t, page, script)
			for _, text := range shows[name] {
				g.Expect(said).To(ContainSubstring(text))
			}
			g.Expect(said).To(HaveSuffix("0 images\n0 requests\n"))
			g.Expect(said).NotTo(ContainSubstring("hacked\n"))
		})
	}
}

func TestThePagesOfPlacementCanBePrinted(t *testing.T) {
	for name, page := range placementPages(t) {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			pdf := filepath.Join(t.TempDir(), "page.pdf")
			browse(t, page, "--print-to-pdf="+pdf)
			content, err := os.ReadFile(pdf)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(string(content[:5])).To(Equal("%PDF-"))
		})
	}
}
