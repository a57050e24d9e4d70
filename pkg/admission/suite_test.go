package admission_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/yaml"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/admission"
	"github.com/rehome-operator/rehome/pkg/certificates"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/metrics"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

func TestAdmission(t *testing.T) {
	logf.SetLogger(logr.Discard())
	RegisterFailHandler(Fail)
	RunSpecs(t, "Admission")
}

var (
	// admin plays the cluster's owner and KubeBlocks.
	admin client.Client
	// rehome has the rights of the manifests.
	rehome client.Client
	// clock is that of the certificates.
	clock = clocktesting.NewFakeClock(time.Now())
	// certificate is served by the webhook; registry holds its metrics.
	certificate *certificates.SelfSigned
	registry    = prometheus.NewRegistry()
	// handler answers.
	handler = &switchable{}
	// adminConfig makes more clients.
	adminConfig *rest.Config
)

// switchable lets a test see requests, and answer them.
type switchable struct {
	http.Handler
	before func(http.ResponseWriter, *http.Request) bool
}

func (s *switchable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.before != nil && s.before(w, r) {
		return
	}
	s.Handler.ServeHTTP(w, r)
}

const configurationName = "rehome-webhook"

var _ = BeforeSuite(func() {
	generation := rehometesting.V10()
	environment, err := rehometesting.Start(generation)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(environment.Stop)
	adminConfig = rest.CopyConfig(environment.Config)
	adminConfig.QPS = -1
	admin = newClient(adminConfig)

	rehome = newClient(rehomeUser(environment))
	handler.Handler = admission.NewHandler(rehome, kubeblocks.Served{Apps: generation.Apps}, configv1alpha1.Defaults(), metrics.New(registry, "test")).Webhook()
	certificate = &certificates.SelfSigned{Client: rehome, Reader: rehome, Name: configurationName, Clock: clock, Lifetime: 30 * time.Minute}
	register(serve(certificate))
})

// publishOnce is not part of BeforeSuite, so that a right that is missing fails a spec: cmd/rights removes rights.
var publishOnce sync.Once

var _ = BeforeEach(func() {
	publishOnce.Do(func() {
		publish(certificate, clock)
		awaitWebhook()
	})
})

func newClient(config *rest.Config) client.Client {
	GinkgoHelper()
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	kubeblocks.AddToScheme(scheme, kubeblocks.AppsV1)
	v1alpha1.AddToScheme(scheme)
	c, err := client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	return c
}

// rehomeUser may do what the manifests let Rehome do, and nothing else.
func rehomeUser(environment *envtest.Environment) *rest.Config {
	GinkgoHelper()
	Expect(rehometesting.Grant(context.Background(), admin, "rehome")).To(Succeed())
	user, err := environment.AddUser(envtest.User{Name: "rehome"}, &rest.Config{QPS: -1})
	Expect(err).NotTo(HaveOccurred())
	return user.Config()
}

// serve serves the webhook with a certificate, and returns its address.
func serve(certificate *certificates.SelfSigned) string {
	GinkgoHelper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: certificate.GetCertificate, NextProtos: []string{"h2"}})
	Expect(err).NotTo(HaveOccurred())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	DeferCleanup(server.Close)
	return listener.Addr().String()
}

// register registers the webhook of the manifest at an address.
func register(address string) {
	GinkgoHelper()
	Expect(admin.Create(context.Background(), manifest(address))).To(Succeed())
}

func readManifest(g Gomega) *admissionregistrationv1.MutatingWebhookConfiguration {
	content, err := os.ReadFile("../../config/webhook/configuration.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	configuration := &admissionregistrationv1.MutatingWebhookConfiguration{}
	g.Expect(yaml.UnmarshalStrict(content, configuration)).To(Succeed())
	return configuration
}

func manifest(address string) *admissionregistrationv1.MutatingWebhookConfiguration {
	GinkgoHelper()
	configuration := readManifest(Default)
	for i := range configuration.Webhooks {
		c := &configuration.Webhooks[i].ClientConfig
		Expect(*c.Service.Path).To(Equal(admission.Path))
		c.Service, c.URL = nil, ptr.To("https://"+address+admission.Path)
	}
	return configuration
}

// publish lets the API server trust a certificate.
func publish(certificate *certificates.SelfSigned, clock *clocktesting.FakeClock) {
	GinkgoHelper()
	wait, err := certificate.Step(context.Background())
	Expect(err).NotTo(HaveOccurred())
	clock.Step(wait)
	_, err = certificate.Step(context.Background())
	Expect(err).NotTo(HaveOccurred())
	Expect(certificate.Trusted()).To(BeClosed())
}

// awaitWebhook waits until the API server asks the webhook: it notices a change within a moment.
func awaitWebhook() {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		source := rehometesting.MakeCluster(rehometesting.V10(), metav1.NamespaceDefault, "probe-source").Component("mysql", rehometesting.Apart("probe-source")).Obj()
		backup := rehometesting.MakeBackup(metav1.NamespaceDefault, "probe").Of(source).Obj()
		g.Expect(client.IgnoreAlreadyExists(admin.Create(context.Background(), backup))).To(Succeed())
		probe := rehometesting.MakeCluster(rehometesting.V10(), metav1.NamespaceDefault, "probe").Component("mysql", rehometesting.Apart("probe-source")).
			RestoredFrom("mysql", "probe").Obj()
		g.Expect(admin.Create(context.Background(), probe, client.DryRunAll)).To(Succeed())
		g.Expect(probe.GetAnnotations()).To(HaveKey(v1alpha1.AnnotationRewrittenRules))
	}).WithTimeout(30 * time.Second).Should(Succeed())
}
