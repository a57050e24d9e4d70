package controllers

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Metrics are what Rehome counts. No label holds the name of an object.
type Metrics struct {
	remediations  *prometheus.CounterVec
	unschedulable prometheus.Histogram
	waiting       prometheus.Gauge
	findings      *prometheus.GaugeVec
	breaker       prometheus.Gauge

	lock    sync.Mutex
	tallies map[types.NamespacedName]tally
}

// tally is what the gauges add up over all Clusters.
type tally struct {
	waiting  int
	findings map[rewrite.Class]int
}

// NewMetrics registers the metrics.
func NewMetrics(registry prometheus.Registerer, version string) *Metrics {
	m := &Metrics{
		remediations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rehome_remediations_total",
			Help: "Actions taken, by action and by the reason that the condition PolicyRehomed gives for them.",
		}, []string{"action", "reason"}),
		unschedulable: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "rehome_unschedulable_seconds",
			Help:    "Time from the report that Pods of a restored Cluster find no node until the report that all have found one.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 14),
		}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "rehome_restores_waiting",
			Help: "Restores that have a Pod without a node.",
		}),
		findings: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rehome_findings",
			Help: "Rules of restored Clusters that there is something to say of, by class.",
		}, []string{"class"}),
		breaker: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "rehome_breaker_open",
			Help: "1 while nothing is remediated, because remediation did not help lately; else 0.",
		}),
		tallies: map[types.NamespacedName]tally{},
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "rehome_build_info", Help: "Always 1; the label says which version runs.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	registry.MustRegister(m.remediations, m.unschedulable, m.waiting, m.findings, m.breaker, build)
	return m
}

func (m *Metrics) setBreaker(open bool) {
	m.breaker.Set(0)
	if open {
		m.breaker.Set(1)
	}
}

// set enters what there is to say of one Cluster into the gauges.
func (m *Metrics) set(cluster types.NamespacedName, t tally) {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.tallies[cluster] = t
	m.add()
}

// forget takes a Cluster out of the gauges.
func (m *Metrics) forget(cluster types.NamespacedName) {
	m.lock.Lock()
	defer m.lock.Unlock()
	if _, known := m.tallies[cluster]; known {
		delete(m.tallies, cluster)
		m.add()
	}
}

func (m *Metrics) add() {
	waiting, findings := 0, map[rewrite.Class]int{}
	for _, t := range m.tallies {
		waiting += t.waiting
		for class, count := range t.findings {
			findings[class] += count
		}
	}
	m.waiting.Set(float64(waiting))
	m.findings.Reset()
	for class, count := range findings {
		m.findings.WithLabelValues(string(class)).Set(float64(count))
	}
}
