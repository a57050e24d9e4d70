package controllers_test

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	dto "github.com/prometheus/client_model/go"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/remedy"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// metric returns the metric of that name with those label values, in the order of their names; nil when there is none.
func (w *world) metric(name string, labels ...string) *dto.Metric {
	GinkgoHelper()
	families, err := w.registry.Gather()
	Expect(err).NotTo(HaveOccurred())
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && hasLabels(m, labels) {
				return m
			}
		}
	}
	return nil
}

func hasLabels(m *dto.Metric, values []string) bool {
	if len(m.GetLabel()) != len(values) {
		return false
	}
	for i, label := range m.GetLabel() {
		if label.GetValue() != values[i] {
			return false
		}
	}
	return true
}

var _ = besideEachGeneration("A metric", func(w *world) {
	It("counts an action that was taken, and none that was not", func() {
		h := w.hang(source)
		w.before["patch Cluster"] = func() { w.merge(h.cluster, `{"spec":{"terminationPolicy":"Halt"}}`) }
		w.reconcile()
		Expect(w.metric("rehome_remediations_total", "PatchCluster", "RewritingCluster").GetCounter().GetValue()).To(BeZero())
		Expect(w.metric("rehome_remediation_failures_total", "PatchCluster", "RewritingCluster").GetCounter().GetValue()).To(BeZero())

		w.reconcile()
		Expect(w.metric("rehome_remediations_total", "PatchCluster", "RewritingCluster").GetCounter().GetValue()).To(Equal(1.0))
	})

	It("counts an action that failed, and none that was taken", func() {
		w.hang(source)
		w.refused["patch Cluster "+target] = apierrors.NewForbidden(schema.GroupResource{}, target, nil)

		_, err := w.tryReconcile()

		Expect(err).To(MatchError(apierrors.IsForbidden, "forbidden"))
		Expect(w.metric("rehome_remediation_failures_total", "PatchCluster", "RewritingCluster").GetCounter().GetValue()).To(Equal(1.0))
		Expect(w.metric("rehome_remediations_total", "PatchCluster", "RewritingCluster").GetCounter().GetValue()).To(BeZero())
	})

	It("says what waits, and no more when it does not", func() {
		h := w.hang(source)
		w.reconcile()
		Expect(w.metric("rehome_restores_waiting").GetGauge().GetValue()).To(Equal(1.0))
		Expect(w.metric("rehome_restores", "RewritingCluster").GetGauge().GetValue()).To(Equal(1.0))
		Expect(w.metric("rehome_clusters", "RewritingCluster").GetGauge().GetValue()).To(Equal(1.0))
		Expect(w.metric("rehome_findings", "SourceIdentity").GetGauge().GetValue()).To(Equal(2.0))

		w.remove(h.cluster)
		w.reconcile()
		Expect(w.metric("rehome_restores_waiting").GetGauge().GetValue()).To(BeZero())
		Expect(w.metric("rehome_waiting_since_timestamp_seconds")).To(BeNil())
		Expect(w.metric("rehome_restores", "RewritingCluster")).To(BeNil())
		Expect(w.metric("rehome_clusters", "RewritingCluster")).To(BeNil())
		Expect(w.metric("rehome_findings", "SourceIdentity")).To(BeNil())
	})

	DescribeTable("says since when the first waits, whoever drops conditions and whoever leads", func(rehomings bool) {
		h := w.hang(source)
		w.reconciler.Rehomings = rehomings
		w.reconcile()
		w.reconcile()
		w.clock.Step(time.Minute)
		if rehomings {
			w.setConditions(h.restore, validated)
		}
		w.reconciler = w.newReconciler(servers[w.generation.Apps])
		w.reconciler.Rehomings = rehomings

		w.reconcile()

		Expect(w.metric("rehome_waiting_since_timestamp_seconds").GetGauge().GetValue()).To(BeEquivalentTo(today.Unix()))
	}, Entry("with Rehomings", true), Entry("without, where a condition that stays tells", false))

	It("says who leads, and nothing of Clusters that another looks after", func() {
		w.hang(source)
		w.reconcile()
		Expect(w.metric("rehome_leader").GetGauge().GetValue()).To(Equal(1.0))
		Expect(w.metric("rehome_breaker_open").GetGauge().GetValue()).To(BeZero())

		w.reconciler.Metrics.Attach(w.reconciler, make(chan struct{}))()

		Expect(w.metric("rehome_leader").GetGauge().GetValue()).To(BeZero())
		Expect(w.metric("rehome_breaker_open")).To(BeNil())
		Expect(w.metric("rehome_restores", "RewritingCluster")).To(BeNil())
	})

	It("leaves the breaker out while the cache cannot be read, and tells the rest", func() {
		w.refused["ClusterList"] = apierrors.NewTimeoutError("no cache yet", 1)

		Expect(w.metric("rehome_breaker_open")).To(BeNil())
		Expect(w.metric("rehome_leader").GetGauge().GetValue()).To(Equal(1.0))
	})

	It("says whether the process is ready", func() {
		Expect(w.metric("rehome_ready").GetGauge().GetValue()).To(BeZero())
		w.reconciler.Metrics.SetReady(true)
		Expect(w.metric("rehome_ready").GetGauge().GetValue()).To(Equal(1.0))
	})

	It("observes how long Pods found no node", func() {
		h := w.hang(source)
		w.remove(h.pod)
		w.create(rehometesting.MakeRestorePod(h.restore, "waiting").Of(h.job).Unschedulable("0/3 nodes are available.").Obj())
		w.reconcile()
		w.clock.SetTime(today.Add(40 * time.Second))
		w.remove(rehometesting.MakeRestorePod(h.restore, "waiting").Obj())
		w.create(rehometesting.MakeRestorePod(h.restore, "bound").Of(h.job).OnNode("node1").Obj())

		w.reconcile()

		Expect(w.metric("rehome_unschedulable_seconds").GetHistogram().GetSampleSum()).To(Equal(40.0))
		Expect(w.metric("rehome_unschedulable_seconds").GetHistogram().GetSampleCount()).To(Equal(uint64(1)))
	})

	It("observes how long Pods found no node, the time included in which they were made anew", func() {
		h := w.hang(target)
		w.reconcile()
		since := w.metric("rehome_waiting_since_timestamp_seconds").GetGauge().GetValue()
		Expect(w.writes).To(ContainElement("delete Restore " + h.restore.GetName()))
		w.remove(h.pod, h.job, h.restore)
		w.clock.Step(10 * time.Second)
		w.reconcile()
		Expect(w.metric("rehome_restores_waiting").GetGauge().GetValue()).To(BeZero())
		Expect(w.metric("rehome_waiting_since_timestamp_seconds").GetGauge().GetValue()).To(Equal(since))
		restore := rehometesting.MakeRestore(w.namespace, h.restore.GetName()).Of(h.component).Backup(backup).Policy(rehometesting.Apart(target)).Obj()
		w.create(restore)
		job := rehometesting.MakeJob(restore, "restore-preparedata-0").Obj()
		w.create(job)
		w.create(rehometesting.MakeRestorePod(restore, "bound").Of(job).OnNode("node1").Obj())
		w.clock.Step(10 * time.Second)

		w.reconcile()

		Expect(w.metric("rehome_waiting_since_timestamp_seconds")).To(BeNil())
		Expect(w.metric("rehome_unschedulable_seconds").GetHistogram().GetSampleSum()).To(Equal(20.0))
		Expect(w.metric("rehome_unschedulable_seconds").GetHistogram().GetSampleCount()).To(Equal(uint64(1)))
	})

	It("is documented", func() {
		w.hang(source)
		w.reconcile()
		families, err := w.registry.Gather()
		Expect(err).NotTo(HaveOccurred())
		var names []string
		for _, family := range families {
			names = append(names, family.GetName())
		}
		page, err := os.ReadFile("../docs/metrics.md")
		Expect(err).NotTo(HaveOccurred())
		var documented []string
		for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(string(page), -1) {
			documented = append(documented, row[1])
		}
		Expect(documented).To(ConsistOf(names))
		for _, deed := range remedy.Deeds() {
			Expect(string(page)).To(ContainSubstring("`" + deed.Action + "`"))
		}
	})
})

var _ = besideEachGeneration("An event", func(w *world) {
	It("is sent when a reason changes, and only then", func() {
		h := w.hang(source)

		w.reconcile()
		Expect(w.transitions).To(BeEmpty())
		Expect(w.events).To(ConsistOf(SatisfyAll(HavePrefix("Normal RewritingCluster Rewrote 2 places to carrot67."),
			ContainSubstring("required anti-affinity per node against Pods of cluster my1 (componentSpecs/mysql, from Backup "))))

		w.reconcile()
		w.reconcile()
		Expect(w.transitions).To(ConsistOf(HavePrefix("Restore Normal WaitingForComponent "),
			HavePrefix("Restore Normal Unschedulable 1 of 1 Pods wait for a node. "), HavePrefix("Rehoming Normal WaitingForComponent ")))
		told := len(w.transitions)

		w.remove(h.pod, h.job)
		w.reconcile()
		w.reconcile()
		Expect(w.transitions[told:]).To(BeEmpty(), "no Pods is what always is for a moment")
	})

	It("is not sent because a condition was dropped and put back", func() {
		h := w.hang(source)
		w.reconcile()
		w.reconcile()
		before := len(w.transitions)
		w.setConditions(h.restore, validated)

		w.reconcile()

		Expect(w.condition(h.restore)).NotTo(BeNil())
		Expect(w.transitions).To(HaveLen(before))
	})

	DescribeTable("is sent once when a report fails half-way", func(refused string) {
		h := w.hang(target)
		w.reconcile()
		w.remove(h.pod, h.job, h.restore)
		w.reconcile()
		restore := rehometesting.MakeRestore(w.namespace, h.restore.GetName()).Of(h.component).Backup(backup).Policy(rehometesting.Apart(target)).Obj()
		w.create(restore)
		w.transitions = nil
		w.refused[refused+target] = errors.New("the API server is busy")
		w.refused[refused+restore.GetName()] = w.refused[refused+target]
		_, err := w.tryReconcile()
		Expect(err).To(HaveOccurred())
		clear(w.refused)

		w.reconcile()

		Expect(w.condition(restore)).To(say(metav1.ConditionTrue, v1alpha1.ReasonRehomed))
		Expect(slices.DeleteFunc(w.transitions, func(t string) bool { return !strings.HasPrefix(t, "Restore Normal Rehomed ") })).To(HaveLen(1))
	},
		Entry("on the Restore", "patch status of Restore "),
		Entry("on the Rehoming", "patch status of Rehoming "),
	)

	It("warns of what needs a person", func() {
		h := w.hang(source)
		w.remove(h.backup)

		w.reconcile()

		Expect(w.transitions).To(ContainElement(HavePrefix("Restore Warning SourceUnknown ")))
	})
})
