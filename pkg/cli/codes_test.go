package cli

import (
	"os"
	"regexp"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
)

func TestEveryCodeIsDocumented(t *testing.T) {
	g := NewWithT(t)
	page, err := os.ReadFile("../../docs/codes.md")
	g.Expect(err).NotTo(HaveOccurred())
	var documented []string
	for _, heading := range regexp.MustCompile(`(?m)^## (RH\d+) (\w+)$`).FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, heading[1]+" "+heading[2])
	}

	var inCode []string
	for class, code := range codes {
		inCode = append(inCode, code+" "+string(class))
	}

	slices.Sort(inCode)
	g.Expect(documented).To(Equal(inCode), "each code has a section, in their order, and no code stands for two classes")
}
