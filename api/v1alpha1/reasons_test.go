package v1alpha1

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// reasonsInCode are the values of the constants that are called Reason.
func reasonsInCode(g Gomega) []string {
	file, err := parser.ParseFile(token.NewFileSet(), "conditions.go", nil, 0)
	g.Expect(err).NotTo(HaveOccurred())
	var reasons []string
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Reason") {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect("Reason" + value).To(Equal(spec.Names[0].Name))
		reasons = append(reasons, value)
		return true
	})
	return reasons
}

func TestEveryReasonIsDocumented(t *testing.T) {
	g := NewWithT(t)
	page, err := os.ReadFile("../../docs/restore.md")
	g.Expect(err).NotTo(HaveOccurred())
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, row[1])
	}

	reasons := reasonsInCode(g)

	g.Expect(len(reasons)).To(BeNumerically(">", 20))
	g.Expect(documented).To(ConsistOf(reasons))
}
