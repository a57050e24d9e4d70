package admission

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/singleflight"
	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/metrics"
)

// Path is where the handler is served.
const Path = "/mutate"

const (
	// deadline is when the handler answers at the latest. The API server waits for five seconds.
	deadline = 3 * time.Second
	// maxAtOnce is how many requests are decided at once. Others wait until the deadline.
	maxAtOnce = 16
	// maxOfNamespace is how many of these are of one Namespace.
	maxOfNamespace = 8
	// maxObject is the limit of an object in bytes. A Backup holds a copy of the Cluster in one annotation, so no restored Cluster is as large.
	maxObject = 1 << 20
)

// Handler answers requests about Clusters and Restores. It reads from the API server, so every replica answers alike.
type Handler struct {
	// APIReader makes live reads.
	APIReader client.Reader
	// Served is which of KubeBlocks' kinds the API server serves.
	Served  kubeblocks.Served
	Config  configv1alpha1.Configuration
	Metrics *metrics.Metrics

	slots *slots
	reads singleflight.Group
}

// NewHandler returns a handler.
func NewHandler(reader client.Reader, served kubeblocks.Served, config *configv1alpha1.Configuration, m *metrics.Metrics) *Handler {
	return &Handler{APIReader: reader, Served: served, Config: *config, Metrics: m, slots: newSlots()}
}

// Webhook returns the handler as an HTTP handler.
func (h *Handler) Webhook() http.Handler { return &webhook.Admission{Handler: h} }

// Handle answers one request. It always admits the object: what it cannot do for a create, the operator does afterwards.
func (h *Handler) Handle(ctx context.Context, req admission.Request) admission.Response {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	a := h.answer(ctx, req)
	h.Metrics.ObserveAdmission(req.Kind.Kind, a.outcome, time.Since(begun))
	if a.outcome != metrics.AdmissionUnchanged {
		logf.FromContext(ctx).Info("Answered", "outcome", a.outcome, "rules", a.rules, "source", a.source, "warning", a.warning)
	}
	return a.response()
}

// answer waits for a slot and decides. A panic must not become a refusal.
func (h *Handler) answer(ctx context.Context, req admission.Request) (a answer) {
	release := h.slots.acquire(ctx, req.Namespace)
	if release == nil {
		return unanswered(req, metrics.AdmissionFailed, textBusy)
	}
	defer release()
	defer func() {
		if r := recover(); r != nil {
			logf.FromContext(ctx).Error(fmt.Errorf("panic: %v", r), "Admitted the object unchanged")
			a = unanswered(req, metrics.AdmissionFailed, textPanic)
		}
	}()
	return h.decide(ctx, req)
}

func (h *Handler) decide(ctx context.Context, req admission.Request) answer {
	isCreate, isUpdate := req.Operation == admissionv1.Create, req.Operation == admissionv1.Update
	switch {
	case req.SubResource != "":
		return unchanged
	case len(req.Object.Raw) > maxObject:
		return unanswered(req, metrics.AdmissionDeferred, textTooLarge)
	case req.Kind.Kind == "Cluster" && isCreate:
		return h.createCluster(ctx, req)
	case req.Kind.Kind == "Cluster" && isUpdate:
		return h.updateCluster(ctx, req)
	case req.Kind.Kind == "Restore" && isCreate:
		return h.createRestore(ctx, req)
	default:
		return unchanged
	}
}
