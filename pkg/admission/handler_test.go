package admission_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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

// created is the request to create an object of a kind.
func created(kind string, raw []byte) webhook.Request {
	return webhook.Request{AdmissionRequest: admissionv1.AdmissionRequest{
		Operation: admissionv1.Create, Kind: metav1.GroupVersionKind{Kind: kind}, Namespace: metav1.NamespaceDefault, Name: "kiwi",
		Object: runtime.RawExtension{Raw: raw},
	}}
}

// createdIn is the request to create a Cluster in a Namespace.
func createdIn(namespace string, cluster *unstructured.Unstructured) webhook.Request {
	GinkgoHelper()
	request := created("Cluster", asJSON(cluster.Object))
	request.Namespace = namespace
	return request
}

// answering makes a handler, and returns its metrics, too.
func answering(reader client.Reader) (*admission.Handler, *prometheus.Registry) {
	registry := prometheus.NewRegistry()
	served := kubeblocks.Served{Apps: kubeblocks.AppsV1}
	return admission.NewHandler(reader, served, configv1alpha1.Defaults(), metrics.New(registry, "test")), registry
}

func handle(reader client.Reader, request webhook.Request) webhook.Response {
	h, _ := answering(reader)
	return h.Handle(context.Background(), request)
}

var _ = Describe("A request that cannot be answered", func() {
	expectAdmitted := func(response webhook.Response, why string) {
		GinkgoHelper()
		Expect(response.Allowed).To(BeTrue())
		Expect(response.Patches).To(BeEmpty())
		Expect(response.Warnings).To(ConsistOf(HaveSuffix(why)))
	}

	It("is admitted although Rehome panics: failurePolicy does not cover that", func() {
		owner := map[string]any{"kind": "Component", "name": "kiwi-mysql", "controller": true}
		restore := asJSON(map[string]any{"metadata": map[string]any{"name": "kiwi", "ownerReferences": []any{owner}}})
		expectAdmitted(handle(broken{}, created("Restore", restore)), "Rehome failed, see its log")
	})

	It("is admitted although the object is too large", func() {
		expectAdmitted(handle(broken{}, created("Cluster", []byte(strings.Repeat(" ", 1<<20)+"{}"))), "the object is too large")
	})

	It("is admitted with a warning of its own where it is an update, because no operator repairs that", func() {
		w := newEnv()
		kiwi := w.restored()
		w.create(kiwi)
		update := createdIn(w.namespace, w.restored())
		update.Operation, update.OldObject.Raw = admissionv1.Update, asJSON(w.get(kiwi).Object)
		const consequence = "If the manifest has those from before the restore, KubeBlocks can restart the database"

		failed := handle(&unreadable{rehome, "Namespace", apierrors.NewInternalError(errors.New("etcd"))}, update)
		Expect(failed.Patches).To(BeEmpty())
		Expect(failed.Warnings).To(Equal([]string{
			"Rehome could not check the rules of kiwi: a read from the API server failed, see the log of Rehome. " + consequence}))

		update.Object.Raw = []byte(strings.Repeat(" ", 1<<20) + "{}")
		expectAdmitted(handle(rehome, update), "the object is too large. "+consequence)
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
		expectAdmitted(handle(rehome, createdIn(w.namespace, kiwi)), "a scheduling rule is invalid")
	})
})

var _ = It("An answer has the outcome, the source and the number of rules as annotations of the audit log", func() {
	w := newEnv()
	kiwi := w.restored()
	create := createdIn(w.namespace, kiwi)
	Expect(handle(rehome, create).AuditAnnotations).To(Equal(map[string]string{"outcome": "Rewritten", "source": "my1", "rules": "1"}))

	w.create(kiwi)
	update := createdIn(w.namespace, w.restored())
	update.Operation, update.OldObject.Raw = admissionv1.Update, asJSON(w.get(kiwi).Object)
	Expect(handle(rehome, update).AuditAnnotations).To(Equal(map[string]string{"outcome": "Held", "rules": "1"}))

	update.Object.Raw = update.OldObject.Raw
	Expect(handle(rehome, update).AuditAnnotations).To(BeEmpty())
})

// unreadable is a reader that does not let objects of a kind be read.
type unreadable struct {
	client.Reader
	kind string
	err  error
}

func (u *unreadable) Get(ctx context.Context, key client.ObjectKey, obj client.Object, options ...client.GetOption) error {
	if obj.GetObjectKind().GroupVersionKind().Kind == u.kind {
		return u.err
	}
	return u.Reader.Get(ctx, key, obj, options...)
}

var _ = DescribeTable("A Backup that cannot be read", func(err error, namespaces []string, outcome metrics.AdmissionOutcome, why string) {
	w := newEnv()
	h, registry := answering(&unreadable{rehome, "Backup", err})
	h.Config.WatchNamespaces = namespaces
	answer := h.Handle(context.Background(), createdIn(w.namespace, w.restored()))

	Expect(answer.Patches).To(BeEmpty())
	Expect(answer.Warnings).To(ConsistOf(HaveSuffix(why)))
	Expect(outcomes(registry)).To(Equal(map[string]float64{string(outcome): 1}), "the alert asks for Failed")
},
	Entry("because it does not exist", notFound, nil, metrics.AdmissionDeferred, "a Backup that it names cannot be read"),
	Entry("because Rehome has no right to", forbidden, nil, metrics.AdmissionFailed, "see the log of Rehome"),
	Entry("because Rehome has no right in its Namespace", forbidden, []string{"databases"}, metrics.AdmissionDeferred, "a Backup that it names cannot be read"),
	Entry("because the API server fails", apierrors.NewInternalError(errors.New("etcd")), nil, metrics.AdmissionFailed, "see the log of Rehome"),
)

var (
	backups   = kubeblocks.DataProtectionV1alpha1.WithResource("backups").GroupResource()
	notFound  = apierrors.NewNotFound(backups, "bp1")
	forbidden = apierrors.NewForbidden(backups, "bp1", errors.New("RBAC"))
)

// outcomes returns how many requests had each outcome.
func outcomes(registry *prometheus.Registry) map[string]float64 {
	GinkgoHelper()
	families, err := registry.Gather()
	Expect(err).NotTo(HaveOccurred())
	counts := map[string]float64{}
	for _, family := range families {
		if family.GetName() != "rehome_admission_requests_total" {
			continue
		}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if value := metric.GetCounter().GetValue(); label.GetName() == "outcome" && value > 0 {
					counts[label.GetValue()] += value
				}
			}
		}
	}
	return counts
}

func asJSON(value any) []byte {
	GinkgoHelper()
	data, err := json.Marshal(value)
	Expect(err).NotTo(HaveOccurred())
	return data
}
