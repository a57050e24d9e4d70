// Package metrics holds Rehome's Prometheus metrics. Labels name objects in one metric only, which is limited to 50 Clusters.
package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Metrics are the counters, and the values that the gauges add up.
type Metrics struct {
	remediations  *prometheus.CounterVec
	failures      *prometheus.CounterVec
	unschedulable prometheus.Histogram
	// admissions and admissionSeconds count what the webhook answered.
	admissions       *prometheus.CounterVec
	admissionSeconds *prometheus.HistogramVec

	mu       sync.Mutex
	ready    bool
	served   bool
	mode     configv1alpha1.Mode
	clusters map[types.NamespacedName]Cluster
	// breakerOpen and leading are nil until Lead is called.
	breakerOpen func() (bool, error)
	leading     <-chan struct{}
	// backups is nil unless Backups are counted.
	backups func() map[audit.Outcome]int
}

// Cluster is what the gauges add up over all Clusters.
type Cluster struct {
	// Reason is that of the Cluster's condition PolicyRehomed; Restores counts its Restores by theirs.
	Reason   string
	Restores map[string]int
	Findings map[rewrite.Class]int
	// Pending counts the Restores that have a Pod without a node.
	Pending int
	Wait    Wait
	// Observed says that Rehome may not act on the Cluster.
	Observed bool
}

// Wait is a time in which not all Pods of a Cluster have nodes. It continues while Pods are re-created.
type Wait struct {
	// Since is zero when no Pod is Pending.
	Since time.Time
	// Unschedulable says that the scheduler found no node for one. Every Pod is without a node for a moment.
	Unschedulable bool
}

// New registers the metrics. Every counter starts at zero: rate() misses the first count of a counter that appears with it.
func New(registry prometheus.Registerer, version string) *Metrics {
	labels := []string{"action", "reason"}
	m := &Metrics{
		remediations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rehome_remediations_total", Help: "Actions taken, by action and by the reason of its event.",
		}, labels),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rehome_remediation_failures_total", Help: "Actions that failed, by action and by the reason of its event.",
		}, labels),
		unschedulable: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "rehome_unschedulable_seconds",
			Help:    "Time from the report that Pods of a restored Cluster are Unschedulable until the report that all have nodes.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 14),
		}),
		admissions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rehome_admission_requests_total", Help: "Objects that the webhook answered for, by kind and outcome.",
		}, []string{"kind", "outcome"}),
		admissionSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rehome_admission_seconds", Help: "Time that the webhook took to answer, by kind.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 13),
		}, []string{"kind"}),
		clusters: map[types.NamespacedName]Cluster{},
	}
	for _, kind := range admissionKinds {
		m.admissionSeconds.WithLabelValues(kind)
		for _, outcome := range admissionOutcomes {
			m.admissions.WithLabelValues(kind, string(outcome))
		}
	}
	for _, a := range remedy.Actions() {
		m.remediations.WithLabelValues(a.Name(), a.Reason())
		m.failures.WithLabelValues(a.Name(), a.Reason())
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "rehome_build_info", Help: "Always 1; the label is the version.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	registry.MustRegister(m.remediations, m.failures, m.unschedulable, m.admissions, m.admissionSeconds, gauges{m}, build)
	return m
}

// Lead makes the process the leader in the gauges once leading is closed. The breaker's gauge calls breakerOpen, because the
// breaker opens and closes without an event.
func (m *Metrics) Lead(breakerOpen func() (bool, error), leading <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.breakerOpen, m.leading = breakerOpen, leading
}

// SetReady records whether /readyz answers ok.
func (m *Metrics) SetReady(ready bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ready = ready
}

// SetServed records whether the API server serves KubeBlocks' kinds.
func (m *Metrics) SetServed(served bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.served = served
}

// SetMode records the mode of the configuration.
func (m *Metrics) SetMode(mode configv1alpha1.Mode) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mode = mode
}

// SetBackups adds the gauge of Backups, for as long as the function is not nil. The function returns nil while it has not counted all.
func (m *Metrics) SetBackups(count func() map[audit.Outcome]int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.backups = count
}

// Set replaces what the gauges hold of one Cluster.
func (m *Metrics) Set(name types.NamespacedName, c Cluster) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clusters[name] = c
}

// WaitOf returns how long a Cluster waits, and false where nothing was set for the Cluster.
func (m *Metrics) WaitOf(name types.NamespacedName) (Wait, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, known := m.clusters[name]
	return c.Wait, known
}

// Forget removes a Cluster from the gauges.
func (m *Metrics) Forget(name types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.clusters, name)
}

// ObserveScheduled records that Pods which were Unschedulable all have nodes after so long.
func (m *Metrics) ObserveScheduled(after time.Duration) { m.unschedulable.Observe(after.Seconds()) }

// ObserveTaken counts an action that was taken. A replacement of rules counts when its last step is taken.
func (m *Metrics) ObserveTaken(a remedy.Action) {
	if _, begun := a.(remedy.RemoveSchedulingSpec); begun {
		return
	}
	m.remediations.WithLabelValues(a.Name(), a.Reason()).Inc()
}

// ObserveFailed counts an action that failed.
func (m *Metrics) ObserveFailed(a remedy.Action) {
	m.failures.WithLabelValues(a.Name(), a.Reason()).Inc()
}
