package controllers

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Metrics are what Rehome counts. No label holds the name of an object.
type Metrics struct {
	remediations  *prometheus.CounterVec
	failures      *prometheus.CounterVec
	unschedulable prometheus.Histogram

	lock    sync.Mutex
	ready   bool
	tallies map[types.NamespacedName]tally
	// reconciler is the one that the gauges speak of; it acts once leading is closed. Both are nil while there is none.
	reconciler *ClusterReconciler
	leading    <-chan struct{}
}

// tally is what the gauges add up over all Clusters.
type tally struct {
	// reason is the Cluster's own, restores counts its Restores by theirs.
	reason   string
	restores map[string]int
	findings map[rewrite.Class]int
	// waiting counts the Restores that have a Pod without a node.
	waiting int
	wait    wait
}

// wait is a time in which not all Pods of a Cluster have nodes. It goes on while they are made anew, and there are none.
type wait struct {
	// since is zero where nothing waits.
	since time.Time
	// unschedulable says that the scheduler has turned one down: for a moment, every Pod has no node.
	unschedulable bool
}

// NewMetrics registers the metrics. Every counter begins at zero: of one that appears with its first count, rate() sees nothing.
func NewMetrics(registry prometheus.Registerer, version string) *Metrics {
	deed := []string{"action", "reason"}
	m := &Metrics{
		remediations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rehome_remediations_total",
			Help: "Actions taken, by action and by the reason that the condition PolicyRehomed gives for them.",
		}, deed),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rehome_remediation_failures_total",
			Help: "Actions that failed, by action and by the reason that the condition PolicyRehomed gives for them.",
		}, deed),
		unschedulable: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "rehome_unschedulable_seconds",
			Help:    "Time from the report that Pods of a restored Cluster find no node until the report that all have found one.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 14),
		}),
		tallies: map[types.NamespacedName]tally{},
	}
	for _, d := range remedy.Deeds() {
		m.remediations.WithLabelValues(d.Action, d.Reason)
		m.failures.WithLabelValues(d.Action, d.Reason)
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "rehome_build_info", Help: "Always 1; the label says which version runs.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	registry.MustRegister(m.remediations, m.failures, m.unschedulable, gauges{m}, build)
	return m
}

// Attach has the gauges speak of a reconciler, which acts once leading is closed. They forget it when detach is called.
func (m *Metrics) Attach(r *ClusterReconciler, leading <-chan struct{}) (detach func()) {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.reconciler, m.leading = r, leading
	return m.detach
}

func (m *Metrics) detach() {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.reconciler, m.leading = nil, nil
	clear(m.tallies)
}

// SetReady notes whether the process is ready.
func (m *Metrics) SetReady(ready bool) {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.ready = ready
}

// leader returns the reconciler that the gauges speak of, or nil where none acts.
func (m *Metrics) leader() *ClusterReconciler {
	m.lock.Lock()
	defer m.lock.Unlock()
	select {
	case <-m.leading:
		return m.reconciler
	default:
		return nil
	}
}

// set enters what there is to say of one Cluster into the gauges.
func (m *Metrics) set(cluster types.NamespacedName, t tally) {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.tallies[cluster] = t
}

// waitOf returns how long a Cluster waits, and false where nothing has been said of the Cluster yet.
func (m *Metrics) waitOf(cluster types.NamespacedName) (wait, bool) {
	m.lock.Lock()
	defer m.lock.Unlock()
	t, known := m.tallies[cluster]
	return t.wait, known
}

// forget takes a Cluster out of the gauges.
func (m *Metrics) forget(cluster types.NamespacedName) {
	m.lock.Lock()
	defer m.lock.Unlock()
	delete(m.tallies, cluster)
}

// did counts an action by what became of it. One that came too late is neither taken nor failed.
func (m *Metrics) did(d remedy.Deed, err error) {
	switch {
	case err == nil:
		m.remediations.WithLabelValues(d.Action, d.Reason).Inc()
	case !isStale(err):
		m.failures.WithLabelValues(d.Action, d.Reason).Inc()
	}
}
