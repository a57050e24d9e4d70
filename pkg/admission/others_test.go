package admission_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

const (
	firstTerm = "/spec/componentSpecs/0/schedulingPolicy/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/0"
	siteRule  = "site"
)

// siteRules puts a rule of the site before all others in each Cluster that lacks it.
func siteRules(cluster *unstructured.Unstructured) []patch.Operation {
	if hasSiteRule(cluster) {
		return nil
	}
	rule := rehometesting.Apart(siteRule)
	terms, _, _ := unstructured.NestedSlice(rule, "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
	return []patch.Operation{patch.Add(firstTerm, terms[0]), patch.Add("/spec/terminationPolicy", "Delete")}
}

// siteWebhook registers, until the end of a spec, the webhook of a policy engine such as Kyverno. API servers ask webhooks in the order of
// their names.
func siteWebhook(
	w *env, name string, again admissionregistrationv1.ReinvocationPolicyType, operations func(*unstructured.Unstructured) []patch.Operation,
) {
	GinkgoHelper()
	var asked atomic.Bool
	server := httptest.NewTLSServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		var review admissionv1.AdmissionReview
		if err := json.NewDecoder(request.Body).Decode(&review); err != nil {
			http.Error(writer, err.Error(), http.StatusBadRequest)
			return
		}
		review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
		if cluster := decode(review.Request.Object.Raw); cluster != nil {
			asked.Store(true)
			if changes := operations(cluster); len(changes) > 0 {
				review.Response.PatchType = ptr.To(admissionv1.PatchTypeJSONPatch)
				review.Response.Patch, _ = json.Marshal(changes)
			}
		}
		_ = json.NewEncoder(writer).Encode(review)
	}))
	DeferCleanup(server.Close)
	configuration := &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: name}}
	configuration.Webhooks = []admissionregistrationv1.MutatingWebhook{{
		Name: "clusters.example.com", SideEffects: ptr.To(admissionregistrationv1.SideEffectClassNone), AdmissionReviewVersions: []string{"v1"},
		ReinvocationPolicy: ptr.To(again),
		NamespaceSelector:  &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: w.namespace}},
		ClientConfig: admissionregistrationv1.WebhookClientConfig{
			URL: ptr.To(server.URL), CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
		},
		Rules: []admissionregistrationv1.RuleWithOperations{{
			Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
			Rule:       admissionregistrationv1.Rule{APIGroups: []string{kubeblocks.AppsV1.Group}, APIVersions: []string{"*"}, Resources: []string{"clusters"}},
		}},
	}}
	w.create(configuration)
	DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, configuration)).To(Succeed()) })
	Eventually(func(g Gomega) {
		g.Expect(w.admin.Create(w.ctx, w.restored(), client.DryRunAll)).To(Succeed())
		g.Expect(asked.Load()).To(BeTrue())
	}).WithTimeout(30 * time.Second).Should(Succeed())
	w.warnings.take()
}

func decode(raw []byte) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	if object.UnmarshalJSON(raw) != nil {
		return nil
	}
	return object
}

func hasSiteRule(cluster *unstructured.Unstructured) bool {
	data, _ := json.Marshal(cluster.Object["spec"])
	return strings.Contains(string(data), fmt.Sprintf("%q:%q", kubeblocks.LabelInstance, siteRule))
}

var _ = Describe("Another webhook that changes Clusters", Serial, func() {
	for _, order := range []struct{ when, name string }{{"before Rehome's", "a-site"}, {"after Rehome's", "z-site"}} {
		It("is obeyed, and so is Rehome, when it is asked "+order.when, func() {
			w := newEnv()
			siteWebhook(w, order.name, admissionregistrationv1.IfNeededReinvocationPolicy, siteRules)
			kiwi := w.restored()
			w.create(kiwi)

			created := w.get(kiwi)
			Expect(hasSiteRule(created)).To(BeTrue())
			Expect(names(created)).To(Equal("kiwi"))
			Expect(created.GetAnnotations()).To(HaveKey(v1alpha1.AnnotationRewrittenRules))

			By("applying the stale manifest")
			stale := w.get(kiwi)
			stale.Object["spec"] = w.restored().Object["spec"]
			Expect(w.admin.Update(w.ctx, stale)).To(Succeed())

			Expect(w.get(kiwi).Object["spec"]).To(Equal(created.Object["spec"]))
			Expect(w.get(kiwi).GetGeneration()).To(Equal(created.GetGeneration()))
		})
	}

	It("does not bring the stale rule back, because Rehome is asked again", func() {
		w := newEnv()
		siteWebhook(w, "z-site", admissionregistrationv1.NeverReinvocationPolicy, func(*unstructured.Unstructured) []patch.Operation {
			terms, _, _ := unstructured.NestedSlice(rehometesting.Apart("my1"), "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
			return []patch.Operation{patch.Replace(firstTerm, terms[0])}
		})
		kiwi := w.restored()
		w.create(kiwi)
		Expect(names(w.get(kiwi))).To(Equal("kiwi"))

		changed := w.get(kiwi)
		Expect(unstructured.SetNestedField(changed.Object, "WipeOut", "spec", "terminationPolicy")).To(Succeed())
		Expect(w.admin.Update(w.ctx, changed)).To(Succeed())
		Expect(names(w.get(kiwi))).To(Equal("kiwi"))
	})
})
