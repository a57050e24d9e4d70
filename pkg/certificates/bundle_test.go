package certificates

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// The certificates of others can all be valid for longer than one's own, such as those of a replica whose clock is ahead.
func TestOwnCertificatesStayInAFullBundleAlthoughTheyExpireFirst(t *testing.T) {
	g := NewWithT(t)
	now := time.Unix(1_800_000_000, 0)
	var full bundle
	for range maxBundle {
		other, err := newLeaf("", []string{"rehome"}, now, 2*lifetime)
		g.Expect(err).NotTo(HaveOccurred())
		full = append(full, other.Leaf)
	}
	own, err := newLeaf("", []string{"rehome"}, now, lifetime)
	g.Expect(err).NotTo(HaveOccurred())

	with := full.with(bundle{own.Leaf})

	g.Expect(with).To(HaveLen(maxBundle))
	g.Expect(with.holds(own.Leaf)).To(BeTrue())
}
