package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// besideKubeBlocks12 runs specs beside KubeBlocks 1.2.
func besideKubeBlocks12(text string, specs func(e *env)) bool { //nolint:unparam // as besideKubeBlocks
	return Describe(text, func() { beside(rehometesting.V12, specs) })
}

// restored12 makes carrot67 as KubeBlocks 1.2 restores it: without a mark, with the Backup in its spec.
func (e *env) restored12(policy map[string]any) *stuckRestore {
	GinkgoHelper()
	h := &stuckRestore{}
	h.source = rehometesting.MakeCluster(e.generation, e.namespace, source).Component("mysql", policy).Obj()
	e.create(h.source)
	h.backup = rehometesting.MakeBackup(e.namespace, backup).Of(h.source).Obj()
	h.cluster = rehometesting.MakeCluster(e.generation, e.namespace, target).Component("mysql", policy).RestoredFrom("mysql", backup).Obj()
	e.create(h.backup, h.cluster)
	h.component = rehometesting.MakeComponent(h.cluster, "mysql").Policy(policy).Obj()
	e.create(h.component)
	return h
}

var _ = besideKubeBlocks12("A Cluster that KubeBlocks 1.2 restores", func(e *env) {
	It("is rewritten although it has no mark", func() {
		e.restored12(rehometesting.Apart(source))

		e.reconcile()

		Expect(e.writes).To(Equal([]string{"patch Cluster carrot67"}))
	})
})
