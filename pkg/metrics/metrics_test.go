package metrics

import (
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

func TestGaugesAddUpClusters(t *testing.T) {
	g := NewWithT(t)
	registry := prometheus.NewPedanticRegistry()
	m := New(registry, "test")
	since := time.Unix(1_800_000_000, 0)
	one := Cluster{
		Reason: "Rehomed", Restores: map[string]int{"Rehomed": 2}, Findings: map[rewrite.Class]int{rewrite.ThirdParty: 1},
		Pending: 1, Wait: Wait{Since: since.Add(time.Minute)},
	}
	other := one
	other.Wait.Since = since
	m.Set(types.NamespacedName{Name: "a"}, one)
	m.Set(types.NamespacedName{Name: "b"}, other)
	m.Set(types.NamespacedName{Name: "gone"}, one)
	m.Forget(types.NamespacedName{Name: "gone"})

	g.Expect(testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP rehome_clusters Restored Clusters, by the reason of the condition PolicyRehomed of their Rehoming.
# TYPE rehome_clusters gauge
rehome_clusters{reason="Rehomed"} 2
# HELP rehome_findings Findings in rules of restored Clusters, by class.
# TYPE rehome_findings gauge
rehome_findings{class="ThirdParty"} 2
# HELP rehome_restores Restores of these Clusters, by the reason of their condition PolicyRehomed.
# TYPE rehome_restores gauge
rehome_restores{reason="Rehomed"} 4
# HELP rehome_restores_waiting Restores that have a Pod without a node.
# TYPE rehome_restores_waiting gauge
rehome_restores_waiting 2
`), "rehome_clusters", "rehome_restores", "rehome_findings", "rehome_restores_waiting")).To(Succeed())
}

func TestClustersThatWaitLongestAreNamed(t *testing.T) {
	g := NewWithT(t)
	registry := prometheus.NewPedanticRegistry()
	m := New(registry, "test")
	since := time.Unix(1_800_000_000, 0)
	m.Set(types.NamespacedName{Namespace: "shop", Name: "observed"}, Cluster{Wait: Wait{Since: since.Add(-time.Hour)}, Observed: true})
	m.Set(types.NamespacedName{Namespace: "shop", Name: "running"}, Cluster{})
	for i := range maxWaiting + 1 {
		name := types.NamespacedName{Namespace: "shop", Name: fmt.Sprintf("waiting-%02d", i)}
		m.Set(name, Cluster{Wait: Wait{Since: since.Add(-time.Duration(i) * time.Minute)}})
	}
	m.Set(types.NamespacedName{Namespace: "yard", Name: "late"}, Cluster{Wait: Wait{Since: since.Add(time.Minute)}})

	var names []string
	families, err := registry.Gather()
	g.Expect(err).NotTo(HaveOccurred())
	for _, family := range families {
		if family.GetName() != "rehome_cluster_waiting_since_timestamp_seconds" {
			continue
		}
		for _, metric := range family.GetMetric() {
			names = append(names, metric.GetLabel()[0].GetValue())
		}
	}
	g.Expect(names).To(HaveLen(maxWaiting))
	for _, name := range []string{"waiting-00", "waiting-01", "observed", "running"} {
		g.Expect(names).NotTo(ContainElement(name), "those that wait least, and those that need nobody")
	}
	g.Expect(names).To(ContainElements("waiting-02", "waiting-50"))
	g.Expect(names).To(ContainElement("late"), "no Namespace hides another")
}

func TestBreakerIsReadOnlyWhileThisProcessLeads(t *testing.T) {
	g := NewWithT(t)
	registry := prometheus.NewPedanticRegistry()
	m := New(registry, "test")
	leading := make(chan struct{})
	m.Lead(func() (bool, error) { return true, nil }, leading)
	count := func() int {
		n, err := testutil.GatherAndCount(registry, "rehome_breaker_open")
		g.Expect(err).NotTo(HaveOccurred())
		return n
	}
	g.Expect(count()).To(BeZero())

	close(leading)

	g.Expect(count()).To(Equal(1))
}

func TestEveryActionHasACounterAtZero(t *testing.T) {
	g := NewWithT(t)
	registry := prometheus.NewPedanticRegistry()
	m := New(registry, "test")

	names := map[string]bool{}
	for _, a := range remedy.Actions() {
		names[a.Name()] = true
	}
	for _, name := range []string{"rehome_remediations_total", "rehome_remediation_failures_total"} {
		n, err := testutil.GatherAndCount(registry, name)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(n).To(Equal(len(names)), name)
	}

	m.ObserveTaken(remedy.RecreateRestore{})
	m.ObserveFailed(remedy.RecreatePod{})
	m.ObserveTaken(remedy.RemoveSchedulingSpec{})
	m.ObserveTaken(remedy.AddSchedulingSpec{})
	g.Expect(testutil.ToFloat64(m.remediations.WithLabelValues("RecreateRestore", "RestoreRecreated"))).To(Equal(1.0))
	replaced := m.remediations.WithLabelValues(remedy.AddSchedulingSpec{}.Name(), remedy.AddSchedulingSpec{}.Reason())
	g.Expect(testutil.ToFloat64(replaced)).To(Equal(1.0), "two steps are one action")
	g.Expect(testutil.ToFloat64(m.failures.WithLabelValues("RecreatePod", "PodRecreated"))).To(Equal(1.0))
}

func TestBackupsAreServedOnlyWhereTheyAreCounted(t *testing.T) {
	g := NewWithT(t)
	registry := prometheus.NewPedanticRegistry()
	m := New(registry, "test")
	served := func() int {
		n, err := testutil.GatherAndCount(registry, "rehome_backups")
		g.Expect(err).NotTo(HaveOccurred())
		return n
	}
	g.Expect(served()).To(BeZero(), "off")

	var counts map[audit.Outcome]int
	m.SetBackups(func() map[audit.Outcome]int { return counts })
	g.Expect(served()).To(BeZero(), "not all were read")
	counts = map[audit.Outcome]int{audit.Hangs: 2}
	g.Expect(testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP rehome_backups Backups, by what a restore without Rehome ends in.
# TYPE rehome_backups gauge
rehome_backups{class="Differs"} 0
rehome_backups{class="Fine"} 0
rehome_backups{class="Hangs"} 2
rehome_backups{class="LosesSpread"} 0
rehome_backups{class="Noted"} 0
rehome_backups{class="StartsEmpty"} 0
rehome_backups{class="Unreadable"} 0
`), "rehome_backups")).To(Succeed())
}
