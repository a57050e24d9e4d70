package rewrite

import (
	"testing"

	. "github.com/onsi/gomega"
)

func TestTheTextsOfAnEdit(t *testing.T) {
	g := NewWithT(t)
	from, to := Edit{From: "my1", To: ""}.Texts()
	g.Expect([]string{from, to}).To(Equal([]string{"my1", ""}))
	from, to = Edit{From: []string{"my1", "my2"}, To: nil}.Texts()
	g.Expect([]string{from, to}).To(Equal([]string{`["my1","my2"]`, "(none)"}))
}
