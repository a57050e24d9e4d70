package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// A dynamic volume's claim keeps the node that the scheduler selected for it when it is bound.
var _ = besideVersionsWithRestores("A database Pod that KubeBlocks does not replace, with a selected node", func(e *env) {
	const claim0, deleted = "data-carrot67-mysql-0", "delete Pod carrot67-mysql-0"
	var node string

	// refused makes the Pod: it has stale rules, its InstanceSet has not. The claims are those of the Pods 0 and 1, on the same node or
	// without a volume.
	refused := func(claims ...string) {
		GinkgoHelper()
		h := e.stuckRestore(clusterRewritten)
		e.mergeStatus(h.restore, `{"status":{"phase":"Completed"}}`)
		set := rehometesting.MakeInstanceSet(e.generation, h.component).Replicas(1).OnDelete().Obj()
		e.create(set)
		stale := rehometesting.MakeInstanceSet(e.generation, rehometesting.MakeComponent(h.cluster, "mysql").Policy(rehometesting.Apart(source)).Obj()).Obj()
		e.create(rehometesting.MakeDatabasePod(h.component, "carrot67-mysql-0").Of(set).Rules(stale, "spec", "template", "spec").
			Claim(claim0).Unschedulable(unschedulable).Obj())
		node = e.node("n1", "a")
		e.node("n2", "a")
		for i, on := range claims {
			e.claim(i, corev1.LabelHostname, map[string]string{"bound": node, "selected": ""}[on])
		}
		claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: claim0}}
		e.merge(claim, `{"metadata":{"annotations":{"volume.kubernetes.io/selected-node":"`+node+`"}}}`)
	}

	It("is re-created when its volume is bound", func() {
		refused("bound")

		e.reconcile()

		Expect(e.writes).To(ContainElement(deleted))
	})

	It("is kept while its volume is not", func() {
		refused("selected")

		e.reconcile()

		Expect(e.writes).NotTo(ContainElement(deleted))
	})

	It("is kept where the rewritten rules do not admit its volume", func() {
		refused("bound", "bound")

		e.reconcile()

		Expect(e.writes).NotTo(ContainElement(deleted))
		Expect(e.reported(v1alpha1.ConditionReady)).To(HaveValue(SatisfyAll(say(metav1.ConditionFalse, v1alpha1.ReasonVolumesBound),
			HaveField("Message", ContainSubstring("Database Pod carrot67-mysql-0 has no node under stale rules. It is not re-created")))))
	})
})
