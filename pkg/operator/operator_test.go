package operator

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap/zapcore"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/yaml"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/admission"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehomemetrics "github.com/rehome-operator/rehome/pkg/metrics"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

func TestOperator(t *testing.T) {
	RegisterFailHandler(Fail)
	// controller-runtime takes no logger any more 30 s after a client was made. The level is Trace's: what is logged below it would hold
	// whole requests.
	ctrl.SetLogger(zap.New(zap.Level(zapcore.Level(-2)), zap.WriteTo(printed)))
	RunSpecs(t, "Operator")
}

// soon bounds what takes a while: a definition is served, a cache syncs, an event arrives.
const soon = time.Minute

// printed holds all that the operator logs.
var printed = &logBuffer{}

type logBuffer struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.text.String()
}

// freeAddress returns a free loopback address.
func freeAddress() string {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	Expect(listener.Close()).To(Succeed())
	return listener.Addr().String()
}

// readyzAt returns the readiness of an operator, as "status body".
func readyzAt(address string) (string, error) {
	response, err := http.Get("http://" + address + "/readyz") //nolint:noctx // bounded by Eventually
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return response.Status + " " + string(body), err
}

// webhookAt is the manifest's configuration for a webhook at an address. It lets no request pass that is not answered.
func webhookAt(address string) *admissionregistrationv1.MutatingWebhookConfiguration {
	GinkgoHelper()
	content, err := os.ReadFile("../../config/webhook/configuration.yaml")
	Expect(err).NotTo(HaveOccurred())
	configuration := &admissionregistrationv1.MutatingWebhookConfiguration{}
	Expect(yaml.UnmarshalStrict(content, configuration)).To(Succeed())
	for i := range configuration.Webhooks {
		webhook := &configuration.Webhooks[i]
		webhook.ClientConfig.Service, webhook.ClientConfig.URL = nil, ptr.To("https://"+address+admission.Path)
		webhook.FailurePolicy = ptr.To(admissionregistrationv1.Fail)
	}
	return configuration
}

var _ = Describe("The operator", Ordered, func() {
	var (
		cfg     *rest.Config
		user    *rest.Config
		admin   client.Client
		health  string
		metrics string
		starts  atomic.Int32
	)

	BeforeAll(func() {
		environment := &envtest.Environment{UseExistingCluster: ptr.To(false), ControlPlaneStartTimeout: rehometesting.StartTimeout}
		// As API servers before 1.34: later ones stream a list to each client that may watch.
		environment.ControlPlane.GetAPIServer().Configure().Append("feature-gates", "WatchList=false")
		Expect(rehometesting.Audit(environment)).To(Succeed())
		var err error
		cfg, err = environment.Start()
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(environment.Stop)
		scheme := runtime.NewScheme()
		Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
		Expect(apiextensionsv1.AddToScheme(scheme)).To(Succeed())
		v1alpha1.AddToScheme(scheme)
		admin, err = client.New(cfg, client.Options{Scheme: scheme})
		Expect(err).NotTo(HaveOccurred())

		health, metrics = freeAddress(), freeAddress()
		settings := configv1alpha1.Defaults()
		settings.LeaderElection = configv1alpha1.LeaderElection{Enabled: true, Namespace: rehometesting.OwnNamespace}
		settings.Health.BindAddress, settings.Metrics.BindAddress = health, metrics
		klog.SetLogger(ctrl.Log)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		user = rehomeUser(environment, admin)
		m := rehomemetrics.New(ctrlmetrics.Registry, "test")
		// As a Deployment does, it starts the operator again whenever that ends without an error.
		go func() {
			var err error
			for err == nil && ctx.Err() == nil {
				starts.Add(1)
				err = Run(ctx, user, settings, m)
			}
			ended <- err
		}()
		DeferCleanup(func() {
			cancel()
			Eventually(ended).WithTimeout(soon).Should(Receive(Succeed()))
		})
	})

	// readyz returns the operator's readiness, as "status body".
	readyz := func() (string, error) { return readyzAt(health) }
	becomes := func(want gomegatypes.GomegaMatcher) {
		GinkgoHelper()
		Eventually(readyz).WithTimeout(soon).Should(want)
	}
	install := func(g rehometesting.Generation) {
		GinkgoHelper()
		_, err := envtest.InstallCRDs(cfg, envtest.CRDInstallOptions{CRDs: g.CRDs()})
		Expect(err).NotTo(HaveOccurred())
	}
	create := func(obj *unstructured.Unstructured) {
		GinkgoHelper()
		created := obj.DeepCopy()
		Eventually(func() error { return admin.Create(context.Background(), created) }).WithTimeout(soon).Should(Succeed())
		obj.SetUID(created.GetUID())
	}
	// restored makes a cluster that inherited the rules of my1, and a password that must not be logged.
	restored := func(g rehometesting.Generation, name string) *unstructured.Unstructured {
		GinkgoHelper()
		source := rehometesting.MakeCluster(g, "default", "my1").Component("mysql", rehometesting.Apart("my1")).Obj()
		create(rehometesting.MakeBackup("default", "bp-"+name).Of(source).Obj())
		cluster := rehometesting.MakeCluster(g, "default", name).
			Component("mysql", rehometesting.Apart("my1")).RestoredFrom("mysql", "bp-"+name)
		if !g.Served().OnlyV1 {
			cluster.Annotation(kubeblocks.AnnotationRestoreFromBackup, `{"mysql":{"name":"bp-`+name+`","connectionPassword":"hunter2"}}`)
		}
		create(cluster.Obj())
		create(rehometesting.MakeComponent(cluster.Obj(), "mysql").Policy(rehometesting.Apart("my1")).Obj())
		return cluster.Obj()
	}
	rulesOf := func(cluster *unstructured.Unstructured) func() (any, error) {
		return func() (any, error) {
			now := &unstructured.Unstructured{}
			now.SetGroupVersionKind(cluster.GroupVersionKind())
			err := admin.Get(context.Background(), client.ObjectKeyFromObject(cluster), now)
			return now.Object["spec"], err
		}
	}
	isRewritten := func(g rehometesting.Generation, cluster *unstructured.Unstructured) {
		GinkgoHelper()
		want := rehometesting.MakeCluster(g, "default", cluster.GetName()).Component("mysql", rehometesting.Apart(cluster.GetName())).
			RestoredFrom("mysql", "bp-"+cluster.GetName()).Obj().Object["spec"]
		Eventually(rulesOf(cluster)).WithTimeout(soon).Should(Equal(want))
	}

	It("is not ready while its own kind is not installed, and says so", func() {
		becomes(SatisfyAll(HavePrefix("503"), ContainSubstring("not ready: the CustomResourceDefinition rehomings.rehome.kubeblocks.io is not installed")))
	})

	It("is ready while KubeBlocks is not installed, and says in its log and its metrics that it waits", func() {
		_, err := envtest.InstallCRDs(cfg, envtest.CRDInstallOptions{Paths: []string{"../../config/crd"}})
		Expect(err).NotTo(HaveOccurred())

		becomes(HavePrefix("200"))
		Eventually(printed.String).WithTimeout(soon).Should(ContainSubstring("KubeBlocks is not installed"))
		early := newScraper(admin, "early")
		allowMetrics(admin, "early")
		Eventually(func() (string, error) { return early.scrape(metrics) }).WithTimeout(soon).Should(SatisfyAll(
			HavePrefix("200"), ContainSubstring("rehome_kubeblocks_served 0\n"), ContainSubstring("rehome_leader 0\n")))
	})

	It("works as soon as KubeBlocks 0.9 is installed", func() {
		install(rehometesting.V09())

		isRewritten(rehometesting.V09(), restored(rehometesting.V09(), "carrot67"))
		becomes(HavePrefix("200"))
		Eventually(func() error {
			return admin.Get(context.Background(), client.ObjectKey{Namespace: "default", Name: "carrot67"}, &v1alpha1.Rehoming{})
		}).WithTimeout(soon).Should(Succeed())
		Expect(starts.Load()).To(BeEquivalentTo(1), "the process that waited goes on")
	})

	It("serves its metrics only to those who may get them", func() {
		nobody, stranger, prometheus := scraper{}, newScraper(admin, "stranger"), newScraper(admin, "prometheus")
		allowMetrics(admin, "prometheus")

		scrapedBy := func(s scraper) AsyncAssertion {
			return Eventually(func() (string, error) { return s.scrape(metrics) }).WithTimeout(soon)
		}
		scrapedBy(nobody).Should(HavePrefix("401"))
		scrapedBy(stranger).Should(HavePrefix("403"))
		scrapedBy(prometheus).Should(SatisfyAll(
			HavePrefix("200"), ContainSubstring(`rehome_build_info{version="test"} 1`),
			ContainSubstring("rehome_ready 1\n"), ContainSubstring("rehome_kubeblocks_served 1\n"), ContainSubstring("rehome_leader 1\n"), ContainSubstring("rehome_breaker_open 0\n"),
			ContainSubstring(`rehome_remediations_total{action="PatchCluster"`)))
	})

	It("has every metric that the alerts and the dashboard ask for", func() {
		dashboard := newScraper(admin, "dashboard")
		allowMetrics(admin, "dashboard")
		var scraped string
		Eventually(func() (string, error) {
			var err error
			scraped, err = dashboard.scrape(metrics)
			return scraped, err
		}).WithTimeout(soon).Should(HavePrefix("200"))

		names := offered(scraped)
		for _, expression := range askedFor() {
			for _, name := range metricsIn(expression) {
				Expect(names).To(HaveKey(name), expression)
			}
		}
	})

	It("ends when KubeBlocks is upgraded to 1.0, and works after it was started again", func() {
		install(rehometesting.V10())

		isRewritten(rehometesting.V10(), restored(rehometesting.V10(), "kiwi"))
		Expect(starts.Load()).To(BeEquivalentTo(2))
		becomes(HavePrefix("200"))
	})

	It("serves the webhook without leading, and is not ready before API servers trust its certificate", func() {
		standby := configv1alpha1.Defaults()
		standby.LeaderElection = configv1alpha1.LeaderElection{Enabled: true, Namespace: rehometesting.OwnNamespace}
		standby.Health.BindAddress, standby.Webhook.BindAddress, standby.Metrics.BindAddress = freeAddress(), freeAddress(), "0"
		m := rehomemetrics.New(prometheus.NewRegistry(), "test")
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- Run(ctx, user, standby, m) }()
		DeferCleanup(func() {
			cancel()
			Eventually(ended).WithTimeout(soon).Should(Receive(Succeed()))
		})
		standbyReadyz := func() (string, error) { return readyzAt(standby.Health.BindAddress) }
		Eventually(standbyReadyz).WithTimeout(soon).Should(SatisfyAll(HavePrefix("503"), ContainSubstring(publishing)))

		configuration := webhookAt(standby.Webhook.BindAddress)
		Expect(admin.Create(ctx, configuration)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, configuration)).To(Succeed()) })
		Eventually(standbyReadyz).WithTimeout(soon).Should(HavePrefix("200"))

		plum := rehometesting.MakeCluster(rehometesting.V10(), "default", "plum").Component("mysql", rehometesting.Apart("my1")).RestoredFrom("mysql", "bp-kiwi").Obj()
		Expect(admin.Create(ctx, plum, client.DryRunAll)).To(Succeed())
		Expect(plum.GetAnnotations()).To(HaveKey(v1alpha1.AnnotationRewrittenRules))
	})

	It("ends when other kinds were served already before it watched definitions", func() {
		ctx, cancel := context.WithCancel(context.Background())
		DeferCleanup(cancel)
		definitions, err := cache.New(user, cache.Options{})
		Expect(err).NotTo(HaveOccurred())
		go func() { _ = definitions.Start(ctx) }()
		ended := make(chan struct{})
		before := kubeblocks.Served{Apps: kubeblocks.AppsV1alpha1}
		w := &servedWatch{config: user, cache: definitions, now: before, changed: make(chan struct{}, 1), end: func() { close(ended) }}

		go func() { _ = w.Start(ctx) }()

		Eventually(ended).WithTimeout(soon).Should(BeClosed())
	})

	// reasonOf returns the reason of a condition of an object; it is empty where there is none.
	reasonOf := func(obj *unstructured.Unstructured, conditionType string) func() (string, error) {
		return func() (string, error) {
			var now struct {
				Status struct {
					Conditions []metav1.Condition `json:"conditions"`
				} `json:"status"`
			}
			read := obj.DeepCopy()
			if err := admin.Get(context.Background(), client.ObjectKeyFromObject(obj), read); err != nil {
				return "", client.IgnoreNotFound(err)
			}
			err := runtime.DefaultUnstructuredConverter.FromUnstructured(read.Object, &now)
			condition := meta.FindStatusCondition(now.Status.Conditions, conditionType)
			if condition == nil {
				return "", err
			}
			return condition.Reason, err
		}
	}
	says := func(obj *unstructured.Unstructured, conditionType, reason string) {
		GinkgoHelper()
		Eventually(reasonOf(obj, conditionType)).WithTimeout(soon).Should(Equal(reason))
	}
	change := func(obj *unstructured.Unstructured, patch string) {
		GinkgoHelper()
		Expect(admin.Patch(context.Background(), obj.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(patch)))).To(Succeed())
	}

	It("reconciles a Cluster when it, its Namespace, its Rehoming or its Restores change", func() {
		rehoming := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"mode": string(configv1alpha1.Observe)}}}
		rehoming.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("Rehoming"))
		rehoming.SetNamespace("default")
		rehoming.SetName("fig")
		create(rehoming)
		cluster := restored(rehometesting.V10(), "fig")
		says(rehoming, v1alpha1.ConditionReady, v1alpha1.ReasonObserved)

		By("a Namespace with an invalid mode")
		change(rehoming, `{"spec":{"mode":null}}`)
		namespace := &unstructured.Unstructured{}
		namespace.SetAPIVersion("v1")
		namespace.SetKind("Namespace")
		namespace.SetName("default")
		change(namespace, `{"metadata":{"annotations":{"`+v1alpha1.AnnotationMode+`":"off"}}}`)
		says(rehoming, v1alpha1.ConditionReady, v1alpha1.ReasonInvalidMode)

		By("a Restore")
		component := rehometesting.MakeComponent(cluster, "mysql").Obj()
		Expect(admin.Get(context.Background(), client.ObjectKeyFromObject(component), component)).To(Succeed())
		restore := rehometesting.MakeRestore("default", "fig-mysql-preparedata").Of(component).Backup("bp-fig").Stale("my1").Obj()
		create(restore)
		says(restore, v1alpha1.ConditionPolicyRehomed, v1alpha1.ReasonInvalidMode)

		By("a Namespace with a valid mode")
		change(namespace, `{"metadata":{"annotations":{"`+v1alpha1.AnnotationMode+`":"Observe"}}}`)
		says(restore, v1alpha1.ConditionPolicyRehomed, v1alpha1.ReasonObserved)

		By("a changed Cluster")
		change(cluster, `{"metadata":{"annotations":{"`+kubeblocks.AnnotationMultiClusterPlacement+`":"elsewhere"}}}`)
		says(restore, v1alpha1.ConditionPolicyRehomed, v1alpha1.ReasonMultiCluster)
		change(cluster, `{"metadata":{"annotations":{"`+kubeblocks.AnnotationMultiClusterPlacement+`":null}}}`)
		says(restore, v1alpha1.ConditionPolicyRehomed, v1alpha1.ReasonObserved)

		By("another mode in the Rehoming")
		change(rehoming, `{"spec":{"mode":"Enforce"}}`)
		says(restore, v1alpha1.ConditionPolicyRehomed, v1alpha1.ReasonWaitingForComponent)
		change(namespace, `{"metadata":{"annotations":{"`+v1alpha1.AnnotationMode+`":null}}}`)
	})

	It("wrote the password to no log and no event", func() {
		Expect(printed.String()).To(ContainSubstring("Rewrote stale scheduling rules"))
		Expect(printed.String()).NotTo(ContainSubstring("hunter2"))
		events := &unstructured.UnstructuredList{}
		events.SetAPIVersion("events.k8s.io/v1")
		events.SetKind("EventList")
		Eventually(func() ([]unstructured.Unstructured, error) {
			err := admin.List(context.Background(), events)
			return events.Items, err
		}).WithTimeout(soon).ShouldNot(BeEmpty())
		for _, event := range events.Items {
			text, err := event.MarshalJSON()
			Expect(err).NotTo(HaveOccurred())
			Expect(string(text)).NotTo(ContainSubstring("hunter2"))
		}
	})

	It("was refused nothing", func() {
		for line := range strings.Lines(printed.String()) {
			Expect(line).NotTo(ContainSubstring("forbidden: User"))
		}
	})

	It("ends when KubeBlocks is upgraded to 1.1, and acts on restores in each state after it was started again", func() {
		before := starts.Load()
		restores := leaveRestores(admin, rehometesting.V10(), "upgraded-to-1-1")
		install(rehometesting.V11())
		Eventually(starts.Load).WithTimeout(soon).Should(Equal(before + 1))

		restores.areCured(rehometesting.V11())
	})

	It("ends when KubeBlocks is upgraded to 1.2, and works on Clusters without a mark after it was started again", func() {
		before := starts.Load()
		restores := leaveRestores(admin, rehometesting.V11(), "upgraded-to-1-2")
		says(restores.rehoming("done"), v1alpha1.ConditionReady, v1alpha1.ReasonRestoreFinished)
		By("removing what is stored as v1alpha1")
		old := rehometesting.MakeCluster(rehometesting.V10(), "default", "carrot67").Obj()
		for _, obj := range []client.Object{old, rehometesting.MakeComponent(old, "mysql").Obj()} {
			Expect(admin.Delete(context.Background(), obj)).To(Succeed())
		}
		storeV1(admin)
		install(rehometesting.V12())

		isRewritten(rehometesting.V12(), restored(rehometesting.V12(), "plum"))
		Expect(starts.Load()).To(Equal(before + 1))
		restores.areLeftAlone(reasonOf)
	})

	It("ends when KubeBlocks is removed, and waits for it after it was started again", func() {
		before := starts.Load()
		for _, definition := range rehometesting.V12().CRDs() {
			Expect(admin.Delete(context.Background(), definition)).To(Succeed())
		}

		Eventually(starts.Load).WithTimeout(soon).Should(Equal(before + 1))
		becomes(HavePrefix("200"))
	})

	It("is not ready any more when its own kind is removed", func() {
		definition := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: "rehomings.rehome.kubeblocks.io"}}
		Expect(admin.Delete(context.Background(), definition)).To(Succeed())

		becomes(HavePrefix("503"))
	})
})
