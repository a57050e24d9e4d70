package admission

import (
	"encoding/json"
	"strconv"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/metrics"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// answer is what the API server is told about one object. It is never a refusal.
type answer struct {
	outcome metrics.AdmissionOutcome
	// operations change the object; none where it stays as it is.
	operations []patch.Operation
	// edits are those that operations make in scheduling rules, on a create.
	edits []rewrite.Edit
	// edited is the object in JSON with these edits.
	edited []byte
	// warning is shown to the client that sent the object; empty for none.
	warning string
	// source and rules go into the audit log: the cluster that the rules were inherited from, and how many of them changed.
	source string
	rules  int
}

var unchanged = answer{outcome: metrics.AdmissionUnchanged}

// later leaves the object to the operator.
func later(outcome metrics.AdmissionOutcome, name, why string) answer {
	return answer{outcome: outcome, warning: warning(textLater, name, why)}
}

// unanswered admits an object unchanged. No operator repairs what an update stores.
func unanswered(req admission.Request, outcome metrics.AdmissionOutcome, why string) answer {
	if req.Operation == admissionv1.Update {
		return answer{outcome: outcome, warning: warning(textUnchecked, req.Name, why)}
	}
	return later(outcome, req.Name, why)
}

// laterIn is later for a Cluster whose mode is known.
func laterIn(mode configv1alpha1.Mode, outcome metrics.AdmissionOutcome, name, why string) answer {
	if mode == configv1alpha1.Observe {
		return answer{outcome: outcome, warning: warning(textUnjudged, name, why)}
	}
	return later(outcome, name, why)
}

func (a answer) response() admission.Response {
	response := admission.Response{AdmissionResponse: admissionv1.AdmissionResponse{Allowed: true}}
	if a.warning != "" {
		response.Warnings = []string{a.warning}
	}
	if a.outcome != metrics.AdmissionUnchanged {
		response.AuditAnnotations = map[string]string{"outcome": string(a.outcome)}
	}
	if a.rules > 0 {
		response.AuditAnnotations["rules"] = strconv.Itoa(a.rules)
	}
	if a.source != "" {
		response.AuditAnnotations["source"] = a.source
	}
	if len(a.operations) > 0 {
		data, err := json.Marshal(a.operations)
		if err != nil {
			panic(err) // operations hold nothing that JSON cannot encode
		}
		response.Patch, response.PatchType = data, ptr.To(admissionv1.PatchTypeJSONPatch)
	}
	return response
}
