package main

import (
	"testing"
	"time"

	"github.com/onsi/ginkgo/v2/types"
	. "github.com/onsi/gomega"
)

func TestTheRightsThatRequestsNeed(t *testing.T) {
	g := NewWithT(t)
	noon := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	specs := types.SpecReports{
		{LeafNodeText: "one", StartTime: noon, EndTime: noon.Add(time.Second)},
		{LeafNodeText: "two", StartTime: noon.Add(time.Second), EndTime: noon.Add(2 * time.Second)},
	}
	used := map[string][]string{}
	log := `{"verb":"patch","requestReceivedTimestamp":"2026-11-28T12:00:00.500000Z",` +
		`"objectRef":{"resource":"restores","apiGroup":"dataprotection.kubeblocks.io","subresource":"status"}}
{"verb":"list","requestReceivedTimestamp":"2026-11-28T11:59:00.000000Z","objectRef":{"resource":"pods"}}
{"verb":"get","requestReceivedTimestamp":"2026-11-28T12:00:00.700000Z","objectRef":{"resource":"nodes"}}
{"verb":"get","requestReceivedTimestamp":"2026-11-28T12:00:00.800000Z","objectRef":{"resource":"nodes"}}
{"verb":"get","requestReceivedTimestamp":"2026-11-28T12:00:01.500000Z","objectRef":{"resource":"nodes"}}
{"verb":"get","requestURI":"/version"}
`

	g.Expect(addUsed(used, []byte(log), specs)).To(Succeed())

	g.Expect(used).To(Equal(map[string][]string{
		"patch restores/status.dataprotection.kubeblocks.io": {"one"}, "list pods": nil, "get nodes": {"one", "two"},
	}))
	g.Expect(addUsed(used, []byte("{"), specs)).NotTo(Succeed())
}
