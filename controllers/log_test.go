package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = besideEachGeneration("The log", func(e *env) {
	BeforeEach(func() { e.unobserved = true })

	It("tells what was done as Info, and what was decided as Debug", func() {
		e.stuckRestore(clusterStale)

		e.reconcile()

		Expect(e.logged).To(ContainElement(SatisfyAll(ContainSubstring(`"level"=0`), ContainSubstring(`"msg"="Rewrote inherited scheduling rules of the Cluster"`))))
		Expect(e.logged).To(ContainElement(SatisfyAll(
			ContainSubstring(`"level"=1`), ContainSubstring(`"msg"="Decided"`), ContainSubstring(`"due"=["PatchCluster"`))))
	})

	It("tells what needed nothing as Trace", func() {
		h := e.stuckRestore(clusterRewritten)
		e.remove(h.restore)

		e.reconcile()

		Expect(e.logged).To(ConsistOf(SatisfyAll(ContainSubstring(`"level"=2`), ContainSubstring(`"msg"="Decided"`), ContainSubstring(`"due"=[]`))))
	})
})
