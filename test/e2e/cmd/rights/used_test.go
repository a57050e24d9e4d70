package main

import (
	"testing"

	. "github.com/onsi/gomega"
)

func TestTheRightsThatRequestsNeed(t *testing.T) {
	g := NewWithT(t)
	used := map[string]bool{}
	log := `{"verb":"patch","objectRef":{"resource":"restores","apiGroup":"dataprotection.kubeblocks.io","subresource":"status"}}
{"verb":"list","objectRef":{"resource":"pods"}}
{"verb":"get","requestURI":"/version"}
`

	g.Expect(addUsed(used, []byte(log))).To(Succeed())

	g.Expect(used).To(Equal(map[string]bool{"patch restores/status.dataprotection.kubeblocks.io": true, "list pods": true}))
	g.Expect(addUsed(used, []byte("{"))).NotTo(Succeed())
}
