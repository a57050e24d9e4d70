package metrics

import (
	"cmp"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// gauges are the metrics that are computed when they are scraped.
type gauges struct{ *Metrics }

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	readyGauge    = gauge("rehome_ready", "1 while /readyz answers ok; else 0.")
	servedGauge   = gauge("rehome_kubeblocks_served", "1 while the API server serves KubeBlocks' kinds; 0 while Rehome waits for them.")
	modeGauge     = gauge("rehome_mode", "Always 1; the label is the mode of the configuration.", "mode")
	leaderGauge   = gauge("rehome_leader", "1 while this process acts, as the leader or because there is no election; else 0.")
	breakerGauge  = gauge("rehome_breaker_open", "1 while nothing is remediated, because recent remediations did not help; else 0.")
	clustersGauge = gauge("rehome_clusters", "Restored Clusters, by the reason of the condition PolicyRehomed of their Rehoming.", "reason")
	restoresGauge = gauge("rehome_restores", "Restores of these Clusters, by the reason of their condition PolicyRehomed.", "reason")
	findingsGauge = gauge("rehome_findings", "Findings in rules of restored Clusters, by class.", "class")
	waitingGauge  = gauge("rehome_restores_waiting", "Restores that have a Pod without a node.")
	backupsGauge  = gauge("rehome_backups", "Backups, by what a restore without Rehome ends in.", "class")
	sinceGauge    = gauge("rehome_cluster_waiting_since_timestamp_seconds",
		"Unix time since which a restored Cluster has had Pods without a node, of the Clusters that have waited longest.", "namespace", "name")
)

// maxWaiting is how many Clusters are named in the metrics.
const maxWaiting = 50

// Describe is part of prometheus.Collector.
func (g gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		readyGauge, servedGauge, modeGauge, leaderGauge, breakerGauge, clustersGauge, restoresGauge, findingsGauge, waitingGauge, backupsGauge, sinceGauge,
	} {
		to <- d
	}
}

// Collect is part of prometheus.Collector.
func (g gauges) Collect(to chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	breakerOpen := g.leader()
	send(leaderGauge, boolToFloat(breakerOpen != nil))
	if breakerOpen != nil {
		if open, err := breakerOpen(); err != nil {
			log.Log.V(1).Info("Left the breaker out of the metrics", "error", err.Error())
		} else {
			send(breakerGauge, boolToFloat(open))
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	send(readyGauge, boolToFloat(g.ready))
	send(servedGauge, boolToFloat(g.served))
	if g.mode != "" {
		send(modeGauge, 1, string(g.mode))
	}
	if g.backups != nil {
		sendBackups(g.backups(), send)
	}
	all := sum(g.clusters)
	for reason, count := range all.clusters {
		send(clustersGauge, float64(count), reason)
	}
	for reason, count := range all.restores {
		send(restoresGauge, float64(count), reason)
	}
	for class, count := range all.findings {
		send(findingsGauge, float64(count), string(class))
	}
	send(waitingGauge, float64(all.pending))
	for _, name := range longestWaiting(g.clusters) {
		send(sinceGauge, float64(g.clusters[name].Wait.Since.Unix()), name.Namespace, name.Name)
	}
}

// sendBackups sends every class, so that one without Backups is 0. Before all Backups are counted it sends none.
func sendBackups(counts map[audit.Outcome]int, send func(d *prometheus.Desc, value float64, labels ...string)) {
	if counts == nil {
		return
	}
	for _, outcome := range audit.Outcomes() {
		send(backupsGauge, float64(counts[outcome]), string(outcome))
	}
}

// leader returns the function that reads the breaker, or nil where this process does not act.
func (m *Metrics) leader() func() (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.leading:
		return m.breakerOpen
	default:
		return nil
	}
}

// total is the sum over all Clusters.
type total struct {
	clusters, restores map[string]int
	findings           map[rewrite.Class]int
	pending            int
}

func sum(clusters map[types.NamespacedName]Cluster) total {
	all := total{clusters: map[string]int{}, restores: map[string]int{}, findings: map[rewrite.Class]int{}}
	for _, c := range clusters {
		all.clusters[c.Reason]++
		for reason, count := range c.Restores {
			all.restores[reason] += count
		}
		for class, count := range c.Findings {
			all.findings[class] += count
		}
		all.pending += c.Pending
	}
	return all
}

// longestWaiting returns the names of the Clusters that wait longest, at most maxWaiting: first one of each Namespace, then the second of each,
// so that no Namespace hides the others. Those that Rehome only observes do not count.
func longestWaiting(clusters map[types.NamespacedName]Cluster) []types.NamespacedName {
	var waiting []types.NamespacedName
	for name, c := range clusters {
		if !c.Wait.Since.IsZero() && !c.Observed {
			waiting = append(waiting, name)
		}
	}
	slices.SortFunc(waiting, func(a, b types.NamespacedName) int {
		return cmp.Or(clusters[a].Wait.Since.Compare(clusters[b].Wait.Since), strings.Compare(a.String(), b.String()))
	})
	ofNamespace, place := map[string]int{}, map[types.NamespacedName]int{}
	for _, name := range waiting {
		place[name] = ofNamespace[name.Namespace]
		ofNamespace[name.Namespace]++
	}
	slices.SortStableFunc(waiting, func(a, b types.NamespacedName) int { return cmp.Compare(place[a], place[b]) })
	return waiting[:min(len(waiting), maxWaiting)]
}

func boolToFloat(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
