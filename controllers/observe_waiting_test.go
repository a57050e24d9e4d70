package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestAClusterWithoutClaimsIsReadLessOftenTheOlderItIs(t *testing.T) {
	g := NewWithT(t)

	g.Expect(claimInterval(-time.Hour)).To(Equal(time.Second), "the clock of the API server is ahead")
	g.Expect(claimInterval(time.Second)).To(Equal(time.Second))
	g.Expect(claimInterval(time.Minute)).To(Equal(15 * time.Second))
	g.Expect(claimInterval(24 * time.Hour)).To(Equal(time.Minute))
}
