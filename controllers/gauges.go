package controllers

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// gauges are the metrics that are computed when they are read. A breaker, for one, opens and closes without an event.
type gauges struct{ *Metrics }

// readTimeout bounds what a scrape waits for the cache, which has nothing yet when a leader is new.
const readTimeout = time.Second

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	readyGauge    = gauge("rehome_ready", "1 while /readyz says so; else 0.")
	leaderGauge   = gauge("rehome_leader", "1 while this process acts, as the leader or because there is no election; else 0.")
	breakerGauge  = gauge("rehome_breaker_open", "1 while nothing is remediated, because remediation did not help lately; else 0.")
	clustersGauge = gauge("rehome_clusters", "Restored Clusters, by the reason that the condition PolicyRehomed of their Rehoming has.", "reason")
	restoresGauge = gauge("rehome_restores", "Restores of these Clusters, by the reason that their condition PolicyRehomed has.", "reason")
	findingsGauge = gauge("rehome_findings", "Rules of restored Clusters that there is something to say of, by class.", "class")
	waitingGauge  = gauge("rehome_restores_waiting", "Restores that have a Pod without a node.")
	sinceGauge    = gauge("rehome_waiting_since_timestamp_seconds",
		"Unix time since which the restored Cluster that has waited longest has had Pods without a node; absent while none has.")
)

// Describe is part of prometheus.Collector.
func (g gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		readyGauge, leaderGauge, breakerGauge, clustersGauge, restoresGauge, findingsGauge, waitingGauge, sinceGauge,
	} {
		to <- d
	}
}

// Collect is part of prometheus.Collector.
func (g gauges) Collect(to chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	leader := g.leader()
	send(leaderGauge, truth(leader != nil))
	if leader != nil {
		if open, err := leader.breakerOpen(); err != nil {
			log.Log.V(debug).Info("Left the breaker out of the metrics", "error", err.Error())
		} else {
			send(breakerGauge, truth(open))
		}
	}
	g.lock.Lock()
	defer g.lock.Unlock()
	send(readyGauge, truth(g.ready))
	all := totalOf(g.tallies)
	for reason, count := range all.clusters {
		send(clustersGauge, float64(count), reason)
	}
	for reason, count := range all.restores {
		send(restoresGauge, float64(count), reason)
	}
	for class, count := range all.findings {
		send(findingsGauge, float64(count), string(class))
	}
	send(waitingGauge, float64(all.waiting))
	if !all.since.IsZero() {
		send(sinceGauge, float64(all.since.Unix()))
	}
}

// total is the tallies of all Clusters added up.
type total struct {
	clusters, restores map[string]int
	findings           map[rewrite.Class]int
	waiting            int
	since              time.Time
}

func totalOf(tallies map[types.NamespacedName]tally) total {
	all := total{clusters: map[string]int{}, restores: map[string]int{}, findings: map[rewrite.Class]int{}}
	for _, t := range tallies {
		all.clusters[t.reason]++
		for reason, count := range t.restores {
			all.restores[reason] += count
		}
		for class, count := range t.findings {
			all.findings[class] += count
		}
		if since := t.wait.since; !since.IsZero() && (all.since.IsZero() || since.Before(all.since)) {
			all.since = since
		}
		all.waiting += t.waiting
	}
	return all
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// breakerOpen reports whether nothing is remediated now. It is an error when the cache cannot be read yet.
func (r *ClusterReconciler) breakerOpen() (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	recent, err := r.recent(ctx)
	if err != nil {
		return false, err
	}
	o := remedy.Observation{Now: metav1.NewTime(r.Clock.Now()), Recent: recent, Policy: remedy.Policy{Limits: r.Config.Limits}}
	return o.BreakerOpen(), nil
}
