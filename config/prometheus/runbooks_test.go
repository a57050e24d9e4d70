package prometheus

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
)

// sections are the headings of every page, in this order.
var sections = []string{"What it means", "What the user feels", "Look at first", "What to do", "What not to do", "Silence it"}

var (
	heading = regexp.MustCompile(`(?m)^## (.+)$`)
	block   = regexp.MustCompile(`(?m)^    (.+)$`)
	inline  = regexp.MustCompile("`((?:kubectl|amtool) [^`]+)`")

	patchOfRehoming = regexp.MustCompile(`patch rehoming .* -p '(.+)'`)
	annotation      = regexp.MustCompile(`(rehome\.kubeblocks\.io/[a-z-]+?)(-$|=(\w+))`)
)

func TestRunbooksHaveTheSameSectionsAndValidCommands(t *testing.T) {
	pages, err := filepath.Glob("../../docs/runbooks/*.md")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for _, path := range pages {
		t.Run(filepath.Base(path), func(t *testing.T) {
			g := NewWithT(t)
			content, err := os.ReadFile(path)
			g.Expect(err).NotTo(HaveOccurred())
			page := string(content)
			g.Expect(submatches(heading, page)).To(Equal(sections))
			commands := append(submatches(block, page), submatches(inline, page)...)
			g.Expect(commands).NotTo(BeEmpty())
			for _, command := range commands {
				checkCommand(g, command)
			}
			g.Expect(commands).To(ContainElement(HavePrefix("amtool silence add alertname=" + strings.TrimSuffix(filepath.Base(path), ".md") + " ")))
		})
	}
}

func submatches(pattern *regexp.Regexp, text string) []string {
	var found []string
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}

// checkCommand expects that a shell can parse a command, and that the Rehomings and annotations in it are valid.
func checkCommand(g Gomega, command string) {
	g.Expect(command).To(Or(HavePrefix("kubectl "), HavePrefix("helm "), HavePrefix("amtool ")))
	output, err := exec.Command("sh", "-n", "-c", command).CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), "%s: %s", command, output)
	for _, match := range patchOfRehoming.FindAllStringSubmatch(command, -1) {
		g.Expect(yaml.UnmarshalStrict([]byte(match[1]), &v1alpha1.Rehoming{})).To(Succeed(), command)
	}
	for _, match := range annotation.FindAllStringSubmatch(command, -1) {
		key, mode := match[1], configv1alpha1.Mode(match[3])
		if mode == "" {
			g.Expect(key).To(Equal(v1alpha1.AnnotationHistory), command)
		} else {
			g.Expect(key).To(Equal(v1alpha1.AnnotationMode), command)
			g.Expect(mode).To(BeElementOf(configv1alpha1.Enforce, configv1alpha1.Observe, configv1alpha1.Disabled), command)
		}
	}
}
