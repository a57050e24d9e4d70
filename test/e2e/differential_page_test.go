package e2e

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	"github.com/aymanbagabas/go-udiff"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/pkg/rewrite"
	"github.com/rehome-operator/rehome/test/e2e/differential"
)

// regenerate is the command that writes the page.
const regenerate = "cd test/e2e && go test . -ginkgo.focus='differential table' -update"

var update = flag.Bool("update", false, "write docs/differential.md instead of comparing it")

// page is the data of the page's template.
type page struct {
	Rows []row
	// How many shapes come out right.
	Old, InTree, Rehome score
	// Behind and Consented count Rehome's results on the Clusters that KubeBlocks 1.0.2 rewrote: without consent, and with the
	// consent RestoreThirdParty.
	Behind, Consented score
	// Unanswered is the number of shapes for which no result is right.
	Unanswered int
	// Observed are the rows of KubeBlocks 1.1 and 1.2. InTree is what those write.
	Observed   []row
	Regenerate string
}

// row is the table row of one shape.
type row struct {
	Number, File, About string
	Old, InTree, Rehome string
}

// score counts the right shapes among all.
type score struct{ right, all int }

func (s *score) count(v differential.Verdict) {
	s.all++
	if v.Right {
		s.right++
	}
}

func (s score) String() string { return fmt.Sprintf("%d of %d", s.right, s.all) }

// renderPage returns the page.
func renderPage(cases []*differential.Case) ([]byte, error) {
	p := page{Regenerate: regenerate}
	for _, c := range cases {
		if err := p.add(c); err != nil {
			return nil, fmt.Errorf("judge shape %s: %w", c.Name, err)
		}
	}
	if err := p.addObserved(); err != nil {
		return nil, err
	}
	text, err := template.ParseFiles(filepath.Join("testdata", "differential", "page.md.tmpl"))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = text.Execute(&out, p)
	return out.Bytes(), err
}

func (p *page) add(c *differential.Case) error {
	old, err := differential.ClusterPolicies(c.Snapshot) // 0.9 changes nothing
	if err != nil {
		return err
	}
	inTree, err := differential.ClusterPolicies(c.Restored)
	if err != nil {
		return err
	}
	own, err := c.Rewrite(c.Snapshot, rewrite.Options{})
	if err != nil {
		return err
	}
	oldVerdict, inTreeVerdict, ownVerdict := c.Judge(old), c.Judge(inTree), c.Judge(own.Policies)
	p.Old.count(oldVerdict)
	p.InTree.count(inTreeVerdict)
	p.Rehome.count(ownVerdict)
	if c.Expected == nil {
		p.Unanswered++
	}
	p.Rows = append(p.Rows, row{
		Number: c.Name[:2], File: c.Name + ".yaml", About: c.About,
		Old: oldVerdict.Text, InTree: inTreeVerdict.Text, Rehome: own.Describe(ownVerdict),
	})
	return p.addBehind(c)
}

// addObserved adds the shapes that cannot be restored here. Rehome rewrites what KubeBlocks left, without any consent.
func (p *page) addObserved() error {
	shapes, err := differential.ObservedShapes()
	if err != nil {
		return err
	}
	for _, shape := range shapes {
		c, err := differential.NewObserved(shape)
		if err != nil {
			return err
		}
		inTree, err := differential.ClusterPolicies(c.Restored)
		if err != nil {
			return err
		}
		own, err := c.Rewrite(c.Restored, rewrite.Options{})
		if err != nil {
			return err
		}
		p.Observed = append(p.Observed, row{
			Number: c.Name[:2], File: "observed/" + c.Name + ".yaml", About: c.About,
			InTree: c.Judge(inTree).Text, Rehome: own.Describe(c.Judge(own.Policies)),
		})
	}
	return nil
}

// addBehind counts Rehome's results on the Cluster that KubeBlocks 1.0.2 rewrote.
func (p *page) addBehind(c *differential.Case) error {
	behind, err := c.Rewrite(c.Restored, rewrite.Options{})
	if err != nil {
		return err
	}
	p.Behind.count(c.Judge(behind.Policies))
	consented, err := c.Rewrite(c.Restored, rewrite.Options{RestoreThirdParty: true})
	if err != nil {
		return err
	}
	p.Consented.count(c.Judge(consented.Policies))
	return nil
}

// expectPage compares docs/differential.md with the page, or writes it with -update.
func expectPage(want []byte) {
	GinkgoHelper()
	file := filepath.Join("..", "..", "docs", "differential.md")
	if *update {
		Expect(os.WriteFile(file, want, 0o644)).To(Succeed())
		return
	}
	got, err := os.ReadFile(file)
	Expect(err).NotTo(HaveOccurred(), "to write the page: %s", regenerate)
	if !bytes.Equal(got, want) {
		Fail(fmt.Sprintf("%s differs from what KubeBlocks and Rehome do. If the difference is right, run: %s\n%s",
			file, regenerate, udiff.Unified("docs/differential.md", "this run", string(got), string(want))))
	}
}
