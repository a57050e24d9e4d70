package progress

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"
)

func TestStepShowsHowLongIsLeft(t *testing.T) {
	perCore := time.Duration(min(max(1, runtime.NumCPU()), 8)) * time.Minute / 2 // a minute on this machine
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		var out strings.Builder
		r := &Reporter{w: &out, inPlace: true}
		g.Expect(r.Left()).To(BeEmpty())
		r.Expect(Estimate{"etcd", perCore}, Estimate{"kwok", 2 * perCore})
		g.Expect(r.Left()).To(Equal("about 3 min"))

		g.Expect(r.Step("etcd", func() error { time.Sleep(1500 * time.Millisecond); return nil })).To(Succeed())
		g.Expect(r.Step("other", func() error { return nil })).To(Succeed())
		g.Expect(r.Step("kwok", func() error { return nil })).To(Succeed())

		g.Expect(strings.ReplaceAll(out.String(), eraseLine, "<")).To(Equal("etcd: started, about 3 min left<etcd: 1s, about 3 min left<" +
			"etcd: done in 2s\nother: started<other: done in 0s\nkwok: started, about 2 min left<kwok: done in 0s\n"))
		g.Expect(r.Left()).To(BeEmpty())
	})
}

func TestEstimatesDependOnTheCores(t *testing.T) {
	g := NewWithT(t)
	g.Expect(onCores(time.Minute, 1)).To(Equal(2 * time.Minute))
	g.Expect(onCores(time.Minute, 2)).To(Equal(time.Minute))
	g.Expect(onCores(time.Minute, 64)).To(Equal(15 * time.Second))
}
