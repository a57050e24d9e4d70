package chart

import (
	"context"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// drained is less than the operator answers after SIGTERM, and more than a Service needs to forget a Pod.
const drained = 4 * time.Second

// TestTheWebhookAnswersAsInstalled runs the built operator behind the webhooks that the chart registers, with each origin of the
// certificate. No network reaches a Service, so the API server gets an address of this host.
func TestTheWebhookAnswersAsInstalled(t *testing.T) {
	s := startServer(t)
	s.createNamespaces(t)
	s.defineKubeBlocks(t)
	s.defineCertManager(t)
	source := rehometesting.MakeCluster(rehometesting.V10(), managed, "my1").Component("mysql", rehometesting.Apart("my1")).Obj()
	s.createFor(t, rehometesting.MakeBackup(managed, "bp1").Of(source).Obj())

	t.Run("with a certificate that the operator makes", func(t *testing.T) {
		s.install(t, "")
		s.reachWebhook(t, "")
		testWebhookFaults(t, s, s.runOperator(t))
	})
	t.Run("with a certificate of cert-manager", func(t *testing.T) { testCertManager(t, s) })
	t.Run("with a certificate that exists", func(t *testing.T) { testExistingCertificate(t, s) })
}

func testWebhookFaults(t *testing.T, s *server, o operator) {
	g := NewWithT(t)
	s.expectAnswers(t)

	t.Log("restarting the API server")
	g.Expect(s.RestartAPIServer(t.Context())).To(Succeed())
	s.expectAnswers(t)

	t.Log("ending the replica: it answers until the Service has forgotten it")
	ended := make(chan error, 1)
	go func() { ended <- o.Stop() }()
	for begun := time.Now(); time.Since(begun) < drained; {
		g.Expect(s.isRewritten(t.Context())).To(BeTrue(), "%s after SIGTERM", time.Since(begun))
	}
	g.Eventually(ended).WithTimeout(soon).Should(Receive(Succeed()))
	g.Expect(s.webhookConfiguration(t).Webhooks).To(HaveEach(HaveField("ClientConfig.CABundle", BeEmpty())))

	t.Log("without a replica: nothing is refused")
	g.Expect(s.isRewritten(t.Context())).To(BeFalse())

	t.Log("killing the next replica: nothing is refused, and another one is trusted beside what it left behind")
	next := s.runOperator(t)
	s.expectAnswers(t)
	g.Expect(next.Kill()).To(Succeed())
	g.Expect(s.isRewritten(t.Context())).To(BeFalse())
	s.runOperator(t)
	s.expectAnswers(t)
}

// isRewritten reports whether the webhook rewrites a Cluster that is created. The operator cannot, because it is a dry run.
func (s *server) isRewritten(ctx context.Context) (bool, error) {
	cluster := rehometesting.MakeCluster(rehometesting.V10(), managed, "kiwi").Component("mysql", rehometesting.Apart("my1")).
		RestoredFrom("mysql", "bp1").Obj()
	err := s.Create(ctx, cluster, client.DryRunAll)
	return equality.Semantic.DeepEqual(cluster.Object["spec"], specNaming("kiwi", "kiwi")), err
}

// expectAnswers waits until the API server asks the webhook: it notices a change within a moment.
func (s *server) expectAnswers(t *testing.T) {
	t.Helper()
	NewWithT(t).Eventually(func() (bool, error) { return s.isRewritten(t.Context()) }).WithTimeout(soon).Should(BeTrue())
}

// reachWebhook lets the API server reach the webhook at an address of this host, which it returns, and the operator serve it there. The
// operator reads the certificate from a folder, if one is given.
func (s *server) reachWebhook(t *testing.T, folder string) string {
	t.Helper()
	g := NewWithT(t)
	address := freeAddress(t)
	installed := &corev1.ConfigMap{}
	g.Expect(s.Get(t.Context(), client.ObjectKey{Namespace: ownNamespace, Name: rehome}, installed)).To(Succeed())
	const port = "bindAddress: :9443\n"
	g.Expect(installed.Data["config.yaml"]).To(ContainSubstring(port))
	bind := "bindAddress: " + address + "\n"
	if folder != "" {
		bind += "  certificateDirectory: " + folder + "\n"
	}
	installed.Data["config.yaml"] = strings.Replace(installed.Data["config.yaml"], port, bind, 1)
	g.Expect(s.Update(t.Context(), installed)).To(Succeed())

	configuration := s.webhookConfiguration(t)
	for i := range configuration.Webhooks {
		c := &configuration.Webhooks[i].ClientConfig
		c.Service, c.URL = nil, ptr.To("https://"+address+*c.Service.Path)
	}
	g.Expect(s.Update(t.Context(), configuration)).To(Succeed())
	return address
}

func (s *server) webhookConfiguration(t *testing.T) *admissionregistrationv1.MutatingWebhookConfiguration {
	t.Helper()
	configuration := &admissionregistrationv1.MutatingWebhookConfiguration{}
	NewWithT(t).Expect(s.Get(t.Context(), client.ObjectKey{Name: "rehome-webhook"}, configuration)).To(Succeed())
	return configuration
}
