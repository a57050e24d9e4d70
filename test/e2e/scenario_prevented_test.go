package e2e

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/test/e2e/audit"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// prevented: with the webhook, a restored Cluster has the right rules before its first Pod exists. So a free node does not attract all
// Pods, which no repair can undo, and nothing is ever stuck.
func (e *testEnv) prevented() {
	It("prevents with the webhook that a restore loses its spread or is stuck, and deletes nothing", func(ctx SpecContext) {
		e.addNode(ctx, fixture.FreeNode("prevented"))
		flag, uninstall, err := e.rehome.InstallWebhook(ctx, e.mode.namespaces...)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(uninstall)
		e.runRehome(ctx, flag)
		deletions, begun := audit.Check(e.auditLog()).Checked, time.Now()

		c := e.restore(ctx, plain, "prevented")
		c.before = c.sourceState(ctx)
		c.expectRunning(ctx)

		c.expectSpread(ctx, fixture.Component)
		c.expectConditions(ctx, reportTimeout, HaveKeyWithValue(policyRehomed, HavePrefix("True Rehomed: ")))
		Expect(e.refusedByRules(ctx, begun)).To(BeEmpty())
		Expect(audit.Check(e.auditLog()).Checked).To(Equal(deletions))
	}, SpecTimeout(specTimeout))
}

// refusedByRules returns what the scheduler has said since a time about Pods that rules about other Pods leave no node.
func (e *testEnv) refusedByRules(ctx context.Context, since time.Time) []string {
	GinkgoHelper()
	var events corev1.EventList
	Expect(e.fixture.Client.List(ctx, &events)).To(Succeed())
	var refused []string
	for i := range events.Items {
		event := &events.Items[i]
		if event.Reason == "FailedScheduling" && strings.Contains(event.Message, "affinity rules") && event.EventTime.After(since) {
			refused = append(refused, event.InvolvedObject.Name+": "+event.Message)
		}
	}
	return refused
}
