package admission_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/rehome-operator/rehome/pkg/certificates"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// setWebhook points the registered webhooks at an address, and restores them after the spec.
func setWebhook(address string, failurePolicy admissionregistrationv1.FailurePolicyType) {
	GinkgoHelper()
	configuration := &admissionregistrationv1.MutatingWebhookConfiguration{}
	Expect(admin.Get(context.Background(), types.NamespacedName{Name: configurationName}, configuration)).To(Succeed())
	before := configuration.DeepCopy()
	DeferCleanup(func(ctx context.Context) {
		latest := &admissionregistrationv1.MutatingWebhookConfiguration{}
		Expect(admin.Get(ctx, types.NamespacedName{Name: configurationName}, latest)).To(Succeed())
		latest.Webhooks = before.Webhooks
		Expect(admin.Update(ctx, latest)).To(Succeed())
		awaitWebhook()
	})
	for i := range configuration.Webhooks {
		configuration.Webhooks[i].FailurePolicy = ptr.To(failurePolicy)
		if address != "" {
			configuration.Webhooks[i].ClientConfig.URL = ptr.To("https://" + address + "/mutate")
		}
	}
	Expect(admin.Update(context.Background(), configuration)).To(Succeed())
}

var _ = Describe("The webhook", Serial, func() {
	var w *env
	BeforeEach(func() { w = newEnv() })

	It("delays a request once by the timeout where its port is black-holed, and refuses nothing", func() {
		// The listener accepts no connection, and its queue answers the handshake of TCP only.
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(listener.Close)
		setWebhook(listener.Addr().String(), admissionregistrationv1.Ignore)

		Eventually(func(g Gomega) {
			kiwi := w.restored()
			begun := time.Now()
			g.Expect(w.admin.Create(w.ctx, kiwi, client.DryRunAll)).To(Succeed())
			g.Expect(time.Since(begun)).To(And(BeNumerically(">=", 5*time.Second), BeNumerically("<", 8*time.Second)))
			g.Expect(names(kiwi)).To(Equal("my1"))
		}).WithTimeout(time.Minute).Should(Succeed())
		expectAlert("apiserver_admission_webhook_fail_open_count", `name="clusters.rehome.kubeblocks.io"`)
	})

	It("blocks restored Clusters, their Restores and changes of rewritten ones only with the policy Fail", func() {
		kiwi, stranger := w.restored(), w.source()
		kiwi.SetFinalizers([]string{"example.com/kept"})
		w.create(kiwi)
		w.create(stranger)
		refused := MatchError(ContainSubstring("failed calling webhook"))
		setWebhook("127.0.0.1:1", admissionregistrationv1.Fail)

		Eventually(func() error { return w.admin.Create(w.ctx, renamed(w.restored(), "plum"), client.DryRunAll) }).
			WithTimeout(time.Minute).Should(refused)
		other := renamed(w.restored(), "plum")
		other.SetAnnotations(nil)
		Expect(w.admin.Create(w.ctx, other, client.DryRunAll)).To(Succeed())
		By("a Restore of a component, with stale rules or with none")
		component := rehometesting.MakeComponent(kiwi, "mysql").Obj()
		w.create(component)
		restore := func() *rehometesting.RestoreWrapper {
			return rehometesting.MakeRestore(w.namespace, "kiwi-mysql").Of(component).Backup("bp1")
		}
		create := func(obj client.Object) error { return w.admin.Create(w.ctx, obj, client.DryRunAll) }
		Expect(create(restore().Stale("my1").Obj())).To(refused)
		Expect(create(restore().Obj())).To(Succeed())
		Expect(create(restore().Stale("my1").DataSourceRef("PersistentVolumeClaim", "data").Obj())).To(Succeed())
		Expect(create(rehometesting.MakeRestore(w.namespace, "postready").Of(component).Backup("bp1").PostReady().Obj())).To(Succeed())
		Expect(create(rehometesting.MakeRestore(w.namespace, "by-hand").Backup("bp1").Stale("my1").Obj())).To(Succeed())

		By("an update of a Cluster")
		merge := func(obj client.Object, patch string) error {
			return w.admin.Patch(w.ctx, obj, client.RawPatch(types.MergePatchType, []byte(patch)))
		}
		const label, spec = `{"metadata":{"labels":{"a":"b"}}}`, `{"spec":{"terminationPolicy":"Delete"}}`
		Expect(merge(w.get(kiwi), spec)).To(refused, "its rules were rewritten")
		Expect(merge(w.get(kiwi), label)).To(Succeed(), "its spec does not change")
		Expect(merge(w.get(stranger), spec)).To(Succeed(), "it was not rewritten")

		By("a Cluster that is being deleted")
		Expect(w.admin.Delete(w.ctx, w.get(kiwi))).To(Succeed())
		Expect(merge(w.get(kiwi), spec)).To(Succeed())
		Expect(merge(w.get(kiwi), `{"metadata":{"finalizers":null}}`)).To(Succeed())
		expectAlert("apiserver_admission_webhook_rejection_count", `error_type="calling_webhook_error",name="clusters.rehome.kubeblocks.io"`)
	})

	DescribeTable("has a certificate of a replica whose clock is not the API server's", func(ahead time.Duration, trusted bool) {
		other := clocktesting.NewFakeClock(time.Now().Add(ahead))
		replica := &certificates.SelfSigned{Client: rehome, Reader: rehome, Name: configurationName, Clock: other}
		setWebhook(serve(replica), admissionregistrationv1.Ignore)
		publish(replica, other)
		create := func() (string, error) {
			kiwi := w.restored()
			err := w.admin.Create(w.ctx, kiwi, client.DryRunAll)
			return names(kiwi), err
		}

		want := map[bool]string{true: "kiwi", false: "my1"}[trusted]
		Eventually(create).WithTimeout(30 * time.Second).Should(Equal(want))
		// The API server notices the address within a moment, and until then asks the replica before.
		Consistently(create).WithTimeout(2 * time.Second).Should(Equal(want))
	},
		Entry("an hour ahead", time.Hour, true),
		Entry("an hour behind", -time.Hour, true),
		Entry("and that has expired: nothing is refused", -8*24*time.Hour, false),
	)

	It("answers every request while its certificate is renewed", func() {
		ctx, stop := context.WithCancel(w.ctx)
		var group sync.WaitGroup
		failed := make(chan error, 1)
		count := 0
		group.Go(func() {
			// New connections: a connection that is kept does not show a certificate that is not trusted.
			c := newClient(adminConfig)
			for ctx.Err() == nil {
				kiwi := w.restored()
				err := c.Create(context.WithoutCancel(ctx), kiwi, client.DryRunAll)
				if err == nil && kiwi.GetAnnotations()["rehome.kubeblocks.io/rewritten-rules"] == "" {
					err = errors.New("the webhook was not asked")
				}
				if err != nil {
					failed <- err
					return
				}
				count++
			}
		})
		serials := map[string]bool{}
		for range 3 {
			clock.Step(21 * time.Minute)
			wait, err := certificate.Step(w.ctx)
			Expect(err).NotTo(HaveOccurred())
			// The API server has a clock of its own.
			<-time.After(wait)
			clock.Step(wait)
			_, err = certificate.Step(w.ctx)
			Expect(err).NotTo(HaveOccurred())
			served, err := certificate.GetCertificate(nil)
			Expect(err).NotTo(HaveOccurred())
			serials[served.Leaf.SerialNumber.String()] = true
			closeConnections()
		}
		stop()
		group.Wait()
		handler.before = nil
		Expect(failed).NotTo(Receive())
		Expect(serials).To(HaveLen(3))
		AddReportEntry("requests", fmt.Sprint(count))
	})

	// Dry runs ask the webhook as creates do. What the operator does afterwards with a Cluster that was missed, its own tests show.
	DescribeTable("refuses none of many requests at once", func(n int, every bool) {
		var group errgroup.Group
		group.SetLimit(maxInFlight)
		var rewritten atomic.Int32
		failed := make(chan error, n)
		for i := range n {
			group.Go(func() error {
				var kiwi *unstructured.Unstructured
				// An API server that is too busy for any request says so without the webhook.
				err := retry.OnError(retry.DefaultBackoff, isBusy, func() error {
					kiwi = w.restored()
					kiwi.SetName(fmt.Sprintf("kiwi-%d", i))
					return w.admin.Create(w.ctx, kiwi, client.DryRunAll)
				})
				if err != nil {
					failed <- err
				} else if names(kiwi) != "my1" {
					rewritten.Add(1)
				}
				return nil
			})
		}
		Expect(group.Wait()).To(Succeed())
		Expect(failed).NotTo(Receive())
		Expect(rewritten.Load()).To(BeNumerically(">=", maxAtOnce))
		if every {
			Expect(w.warnings.take()).To(HaveLen(n))
		}
		AddReportEntry("rewritten", fmt.Sprintf("%d of %d", rewritten.Load(), n))
	},
		Entry("and warns of those that it has no time for", 100, true),
		Entry("even where API servers give up", 2000, false),
	)

	It("cannot be changed by Rehome, except for caBundle", func() {
		content, err := os.ReadFile("../../config/webhook/policy.yaml")
		Expect(err).NotTo(HaveOccurred())
		text := strings.ReplaceAll(string(content), "system:serviceaccount:rehome-system:rehome", "rehome")
		for document := range strings.SplitSeq(text, "\n---\n") {
			object := &unstructured.Unstructured{}
			Expect(yaml.Unmarshal([]byte(document), &object.Object)).To(Succeed())
			w.create(object)
			DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, object)).To(Succeed()) })
		}
		patch := func(text string) error {
			configuration := &admissionregistrationv1.MutatingWebhookConfiguration{}
			configuration.Name = configurationName
			return rehome.Patch(w.ctx, configuration, client.RawPatch(types.JSONPatchType, []byte(text)), client.DryRunAll)
		}
		Eventually(func() error { return patch(`[{"op":"add","path":"/metadata/labels","value":{"a":"b"}}]`) }).
			WithTimeout(time.Minute).Should(MatchError(ContainSubstring("may change no metadata")))
		for _, forbidden := range []string{
			`[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Fail"}]`,
			`[{"op":"replace","path":"/webhooks/0/clientConfig/url","value":"https://127.0.0.1:1/mutate"}]`,
			`[{"op":"replace","path":"/webhooks/0/rules/0/resources","value":["*"]}]`,
			`[{"op":"remove","path":"/webhooks/0/matchConditions/0"}]`,
			`[{"op":"remove","path":"/webhooks/1"}]`,
			`[{"op":"replace","path":"/webhooks/0/timeoutSeconds","value":30}]`,
			`[{"op":"add","path":"/webhooks/0/namespaceSelector","value":{"matchLabels":{"a":"b"}}}]`,
			`[{"op":"add","path":"/webhooks/0/objectSelector","value":{"matchLabels":{"a":"b"}}}]`,
			`[{"op":"copy","from":"/webhooks/0","path":"/webhooks/2"},{"op":"replace","path":"/webhooks/2/name","value":"c.rehome.kubeblocks.io"}]`,
		} {
			Expect(patch(forbidden)).To(MatchError(ContainSubstring("may change only caBundle")), forbidden)
		}
		Expect(patch(`[{"op":"remove","path":"/webhooks/0/clientConfig/caBundle"}]`)).To(Succeed())
	})
})

// expectAlert expects that the API server counts a metric with labels, and that the alert asks for it.
func expectAlert(metric, labels string) {
	GinkgoHelper()
	rules, err := os.ReadFile("../../config/prometheus/rules.yaml")
	Expect(err).NotTo(HaveOccurred())
	Expect(string(rules)).To(ContainSubstring("sum(increase(" + metric + "{name=~\"(clusters|restores).rehome.kubeblocks.io\""))
	server, err := rest.HTTPClientFor(adminConfig)
	Expect(err).NotTo(HaveOccurred())
	response, err := server.Get(strings.TrimSuffix(adminConfig.Host, "/") + "/metrics") //nolint:noctx // local
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	Expect(err).NotTo(HaveOccurred())
	Expect(string(content)).To(ContainSubstring(metric + "{" + labels))
}

func renamed(obj *unstructured.Unstructured, name string) *unstructured.Unstructured {
	obj.SetName(name)
	return obj
}

// maxInFlight is how many creates an API server takes at once by default. It refuses others.
const maxInFlight = 200

func isBusy(err error) bool { return !strings.Contains(err.Error(), "webhook") }

// maxAtOnce is how many requests the webhook decides at once.
const maxAtOnce = 16

// closeConnections lets the API server connect again.
func closeConnections() {
	handler.before = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Connection", "close")
		return false
	}
}
