package controllers_test

import (
	"encoding/json"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

var _ = besideKubeBlocks("A password in a restore annotation", func(e *env) {
	const password = "hunter2"

	// published is all that leaves Rehome.
	published := func(h *stuckRestore) string {
		GinkgoHelper()
		return asJSON(e.conditions(h.restore)) + asJSON(e.rehoming()) + strings.Join(append(e.events, e.transitions...), "\n") + strings.Join(e.logged, "\n")
	}

	// stuckFrom makes a restore whose Cluster has that annotation.
	stuckFrom := func(annotation string) *stuckRestore {
		GinkgoHelper()
		h := e.stuckRestore(clusterStale)
		e.merge(h.cluster, `{"metadata":{"annotations":{"`+kubeblocks.AnnotationRestoreFromBackup+`":`+asJSON(annotation)+`}}}`)
		return h
	}

	DescribeTable("is published nowhere", func(annotation string) {
		h := stuckFrom(annotation)

		e.reconcile()
		e.reconcile()

		Expect(e.condition(h.restore)).NotTo(BeNil())
		Expect(published(h)).NotTo(ContainSubstring(password))
	},
		Entry("when the annotation is valid", `{"mysql":{"name":"bp1","connectionPassword":"hunter2"}}`),
		Entry("when it names no Backup", `{"mysql":{"name":"","connectionPassword":"hunter2"}}`),
		Entry("when it names what cannot be a Backup", `{"mysql":{"name":"b/p 1","connectionPassword":"hunter2"}}`),
		Entry("when it names a Backup that is gone", `{"mysql":{"name":"bp2","connectionPassword":"hunter2"}}`),
		Entry("when it is cut off", `{"mysql":{"name":"bp1","connectionPassword":"hunter2"`),
		Entry("when it is no JSON", `hunter2`),
		Entry("when it is a text", `"hunter2"`),
		Entry("when a field of it has another type", `{"mysql":{"name":["hunter2"]}}`),
		Entry("when a component of it has another type", `{"mysql":"hunter2"}`),
	)

	It("is published nowhere when the Cluster cannot be written", func() {
		h := stuckFrom(`{"mysql":{"name":"bp1","connectionPassword":"hunter2"}}`)
		e.merge(h.cluster, `{"spec":{"frozen":true}}`)

		_, err := e.tryReconcile()

		Expect(err).To(MatchError(Not(ContainSubstring(password))))
		Expect(published(h)).NotTo(ContainSubstring(password))
	})
})

func asJSON(value any) string {
	GinkgoHelper()
	data, err := json.Marshal(value)
	Expect(err).NotTo(HaveOccurred())
	return string(data)
}
