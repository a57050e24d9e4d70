package admission_test

import (
	"context"
	"encoding/json"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	webhook "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/admission"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/metrics"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// broken is a reader with a fault.
type broken struct{ client.Reader }

func (broken) List(context.Context, client.ObjectList, ...client.ListOption) error { panic("broken") }

var _ = Describe("A request that cannot be answered", func() {
	// created is the request to create an object of a kind.
	created := func(kind string, raw []byte) webhook.Request {
		return webhook.Request{AdmissionRequest: admissionv1.AdmissionRequest{
			Operation: admissionv1.Create, Kind: metav1.GroupVersionKind{Kind: kind}, Namespace: metav1.NamespaceDefault, Name: "kiwi",
			Object: runtime.RawExtension{Raw: raw},
		}}
	}
	handle := func(reader client.Reader, request webhook.Request) webhook.Response {
		served := kubeblocks.Served{Apps: kubeblocks.AppsV1}
		m := metrics.New(prometheus.NewRegistry(), "test")
		return admission.NewHandler(reader, served, configv1alpha1.Defaults(), m).Handle(context.Background(), request)
	}
	expectAdmitted := func(response webhook.Response, why string) {
		GinkgoHelper()
		Expect(response.Allowed).To(BeTrue())
		Expect(response.Patches).To(BeEmpty())
		Expect(response.Warnings).To(ConsistOf(HaveSuffix(why)))
	}

	It("is admitted although Rehome panics: failurePolicy does not cover that", func() {
		restore := asJSON(map[string]any{"metadata": map[string]any{"name": "kiwi"}})
		expectAdmitted(handle(broken{}, created("Restore", restore)), "Rehome failed, see its log")
	})

	It("is admitted although the object is too large", func() {
		expectAdmitted(handle(broken{}, created("Cluster", []byte(strings.Repeat(" ", 1<<20)+"{}"))), "the object is too large")
	})

	It("is admitted although a rule is invalid", func() {
		w := newEnv()
		kiwi := w.restored()
		components, _, err := unstructured.NestedSlice(kiwi.Object, "spec", "componentSpecs")
		Expect(err).NotTo(HaveOccurred())
		policy := rehometesting.Apart("my1")
		policy["topologySpreadConstraints"] = []any{map[string]any{"maxSkew": int64(0), "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}}
		components[0].(map[string]any)["schedulingPolicy"] = policy
		Expect(unstructured.SetNestedSlice(kiwi.Object, components, "spec", "componentSpecs")).To(Succeed())
		request := created("Cluster", asJSON(kiwi.Object))
		request.Namespace = w.namespace
		expectAdmitted(handle(rehome, request), "a scheduling rule is invalid")
	})
})

func asJSON(value any) []byte {
	GinkgoHelper()
	data, err := json.Marshal(value)
	Expect(err).NotTo(HaveOccurred())
	return data
}
