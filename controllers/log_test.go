package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = besideKubeBlocks("The log", func(e *env) {
	BeforeEach(func() { e.unobserved = true })

	It("holds actions as Info, and plans that act as Debug", func() {
		e.stuckRestore(clusterStale)

		e.reconcile()

		Expect(e.logged).To(ContainElement(SatisfyAll(ContainSubstring(`"level"=0`), ContainSubstring(`"msg"="Rewrote stale scheduling rules of the Cluster"`))))
		Expect(e.logged).To(ContainElement(SatisfyAll(
			ContainSubstring(`"level"=1`), ContainSubstring(`"msg"="Decided"`), ContainSubstring(`"due"=["PatchCluster"`))))
	})

	It("holds plans that do nothing as Trace", func() {
		h := e.stuckRestore(clusterRewritten)
		e.remove(h.restore)

		e.reconcile()

		Expect(e.logged).To(ConsistOf(SatisfyAll(ContainSubstring(`"level"=2`), ContainSubstring(`"msg"="Decided"`), ContainSubstring(`"due"=[]`))))
	})
})
