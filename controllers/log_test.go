package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = besideEachGeneration("The log", func(w *world) {
	BeforeEach(func() { w.unobserved = true })

	It("tells what was done as Info, and what was decided as Debug", func() {
		w.hang(source)

		w.reconcile()

		Expect(w.logged).To(ContainElement(SatisfyAll(ContainSubstring(`"level"=0`), ContainSubstring(`"msg"="Rewrote inherited scheduling rules of the Cluster"`))))
		Expect(w.logged).To(ContainElement(SatisfyAll(
			ContainSubstring(`"level"=1`), ContainSubstring(`"msg"="Decided"`), ContainSubstring(`"due"=["PatchCluster"`))))
	})

	It("tells what needed nothing as Trace", func() {
		h := w.hang(target)
		w.remove(h.restore)

		w.reconcile()

		Expect(w.logged).To(ConsistOf(SatisfyAll(ContainSubstring(`"level"=2`), ContainSubstring(`"msg"="Decided"`), ContainSubstring(`"due"=[]`))))
	})
})
