package metrics

import "time"

// AdmissionOutcome says what the webhook did with an object.
type AdmissionOutcome string

// The outcomes.
const (
	// AdmissionRewritten: inherited rules were rewritten.
	AdmissionRewritten AdmissionOutcome = "Rewritten"
	// AdmissionHeld: an update would have brought stale rules back, and did not.
	AdmissionHeld AdmissionOutcome = "Held"
	// AdmissionUnchanged: nothing was due.
	AdmissionUnchanged AdmissionOutcome = "Unchanged"
	// AdmissionObserved: something was due, and the mode is Observe.
	AdmissionObserved AdmissionOutcome = "Observed"
	// AdmissionDeferred: the operator decides: the webhook lacks something, or cannot prove that a rewrite is safe.
	AdmissionDeferred AdmissionOutcome = "Deferred"
	// AdmissionFailed: the object was admitted unchanged because of an error or a timeout.
	AdmissionFailed AdmissionOutcome = "Failed"
)

var (
	admissionKinds    = []string{"Cluster", "Restore"}
	admissionOutcomes = []AdmissionOutcome{
		AdmissionRewritten, AdmissionHeld, AdmissionUnchanged, AdmissionObserved, AdmissionDeferred, AdmissionFailed,
	}
)

// ObserveAdmission counts one answer of the webhook, and the time that it took.
func (m *Metrics) ObserveAdmission(kind string, outcome AdmissionOutcome, took time.Duration) {
	m.admissions.WithLabelValues(kind, string(outcome)).Inc()
	m.admissionSeconds.WithLabelValues(kind).Observe(took.Seconds())
}
