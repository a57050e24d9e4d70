package controllers_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/rewrite"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

var _ = besideKubeBlocks("A Cluster beside the webhook", func(e *env) {
	identity := func() rewrite.Identity { return rewrite.Identity{Namespace: e.namespace, Name: target} }

	It("is accepted as it was rewritten at admission", func() {
		cluster := e.cluster(target, target).RestoredFrom("mysql", backup).
			Annotation(v1alpha1.AnnotationRewrittenRules, rewrite.NewMark(identity(), rewrite.Rewritten{"stale": "rewritten"}).String()).Obj()
		e.create(rehometesting.MakeBackup(e.namespace, backup).Of(e.cluster(source, source).Obj()).Obj(), cluster)

		e.reconcile()

		Expect(e.writes).To(BeEmpty())
		status := e.rehoming().Status
		Expect(status.Conditions).To(ContainElement(And(HaveField("Type", v1alpha1.RehomingPolicyRehomed), HaveField("Reason", v1alpha1.ReasonRehomed))))
		Expect(status.Edits).To(HaveLen(2))
		for _, edit := range status.Edits {
			Expect(edit.AppliedTime.Time).To(BeTemporally("==", e.now(cluster).GetCreationTimestamp().Time))
		}
	})

	It("is marked when the operator rewrites it, so that the webhook keeps the rules", func() {
		e.reconciler.Config.Webhook.BindAddress = ":9443"
		h := e.stuckRestore(clusterStale)
		e.reconcile()

		rules := rewrite.ReadMark(e.now(h.cluster).GetAnnotations()[v1alpha1.AnnotationRewrittenRules], identity())
		Expect(rules).To(HaveLen(2))
	})

	It("is not marked without a webhook", func() {
		h := e.stuckRestore(clusterStale)
		e.reconcile()

		Expect(e.now(h.cluster).GetAnnotations()).To(HaveKey(v1alpha1.AnnotationHistory))
		Expect(e.now(h.cluster).GetAnnotations()).NotTo(HaveKey(v1alpha1.AnnotationRewrittenRules))
	})
})
