package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestTheOlderAClusterTheLessOftenIsReadWhatNoEventAnnounces(t *testing.T) {
	g := NewWithT(t)

	g.Expect(interval(-time.Hour, time.Minute)).To(Equal(time.Second), "the clock of the API server is ahead")
	g.Expect(interval(time.Second, time.Minute)).To(Equal(time.Second))
	g.Expect(interval(time.Minute, time.Minute)).To(Equal(15 * time.Second))
	g.Expect(interval(24*time.Hour, time.Minute)).To(Equal(time.Minute))
}
