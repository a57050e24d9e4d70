package controllers_test

import (
	"errors"
	"fmt"
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
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/attempts"
	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// metric returns the metric of that name with those label values, in the order of their names; nil when there is none.
func (e *env) metric(name string, labels ...string) *dto.Metric {
	GinkgoHelper()
	families, err := e.registry.Gather()
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

var _ = besideKubeBlocks("A metric", func(e *env) {
	It("counts an action that was taken, and none that was not", func() {
		h := e.stuckRestore(clusterStale)
		e.before["patch Cluster"] = func() { e.merge(h.cluster, `{"spec":{"terminationPolicy":"Halt"}}`) }
		e.reconcile()
		Expect(e.metric("rehome_remediations_total", "PatchCluster", "ClusterRewritten").GetCounter().GetValue()).To(BeZero())
		Expect(e.metric("rehome_remediation_failures_total", "PatchCluster", "ClusterRewritten").GetCounter().GetValue()).To(BeZero())

		e.reconcile()
		Expect(e.metric("rehome_remediations_total", "PatchCluster", "ClusterRewritten").GetCounter().GetValue()).To(Equal(1.0))
	})

	It("counts an action that failed, and none that was taken", func() {
		e.stuckRestore(clusterStale)
		e.refused["patch Cluster "+target] = apierrors.NewForbidden(schema.GroupResource{}, target, nil)

		_, err := e.tryReconcile()

		Expect(err).To(MatchError(apierrors.IsForbidden, "forbidden"))
		Expect(e.metric("rehome_remediation_failures_total", "PatchCluster", "ClusterRewritten").GetCounter().GetValue()).To(Equal(1.0))
		Expect(e.metric("rehome_remediations_total", "PatchCluster", "ClusterRewritten").GetCounter().GetValue()).To(BeZero())
	})

	It("says what waits, and no more when it does not", func() {
		h := e.stuckRestore(clusterStale)
		e.reconcile()
		Expect(e.metric("rehome_restores_waiting").GetGauge().GetValue()).To(Equal(1.0))
		Expect(e.metric("rehome_restores", "RewritingCluster").GetGauge().GetValue()).To(Equal(1.0))
		Expect(e.metric("rehome_clusters", "RewritingCluster").GetGauge().GetValue()).To(Equal(1.0))
		Expect(e.metric("rehome_findings", "SourceIdentity").GetGauge().GetValue()).To(Equal(2.0))

		e.remove(h.cluster)
		e.reconcile()
		Expect(e.metric("rehome_restores_waiting").GetGauge().GetValue()).To(BeZero())
		Expect(e.metric("rehome_cluster_waiting_since_timestamp_seconds", target, e.namespace)).To(BeNil())
		Expect(e.metric("rehome_restores", "RewritingCluster")).To(BeNil())
		Expect(e.metric("rehome_clusters", "RewritingCluster")).To(BeNil())
		Expect(e.metric("rehome_findings", "SourceIdentity")).To(BeNil())
	})

	It("says since when the first Cluster waits, also after conditions were dropped and the leader changed", func() {
		h := e.stuckRestore(clusterStale)
		e.reconcile()
		e.reconcile()
		e.clock.Step(time.Minute)
		e.setConditions(h.restore, validated)
		e.reconciler = e.newReconciler()

		e.reconcile()

		Expect(e.metric("rehome_cluster_waiting_since_timestamp_seconds", target, e.namespace).GetGauge().GetValue()).To(BeEquivalentTo(today.Unix()))
	})

	DescribeTable("keeps its value, and the queue its Clusters, while a read fails", func(kind string) {
		h := e.stuckRestore(clusterRewritten)
		e.reconciler.Config.Limits.RemediationBurst = 1
		taken := attempts.Attempt{Namespace: e.namespace, Key: attempts.Key{Kind: "Restore", Name: "another"}, Time: metav1.NewTime(today)}
		_, err := e.reconciler.Attempts.All(taken.Time, func() ([]attempts.Attempt, error) { return []attempts.Attempt{taken}, nil })
		Expect(err).NotTo(HaveOccurred())
		e.reconcile()
		since := e.metric("rehome_cluster_waiting_since_timestamp_seconds", target, e.namespace).GetGauge().GetValue()
		Expect(since).To(BeEquivalentTo(today.Unix()))
		Expect(e.condition(h.restore)).To(say(metav1.ConditionFalse, v1alpha1.ReasonRateLimited))
		e.refused[kind] = errors.New("the API server is busy")

		_, err = e.tryReconcile()

		Expect(err).To(MatchError(ContainSubstring("busy")))
		Expect(e.metric("rehome_cluster_waiting_since_timestamp_seconds", target, e.namespace).GetGauge().GetValue()).To(Equal(since))
		Expect(e.metric("rehome_restores_waiting").GetGauge().GetValue()).To(Equal(1.0))
		Expect(e.metric("rehome_clusters", v1alpha1.ReasonRateLimited).GetGauge().GetValue()).To(Equal(1.0))
		behind := types.NamespacedName{Namespace: e.namespace, Name: "behind"}
		own, all := e.reconciler.Attempts.Position(behind)
		Expect([]int{own, all}).To(Equal([]int{1, 1}), "carrot67 is still in the queue")
	},
		Entry("of the Cluster", "Cluster"), Entry("of its Components", "ComponentList"), Entry("of its Restores", "RestoreList"),
		Entry("of its Rehoming", "Rehoming"), Entry("of its Backup", "Backup"), Entry("of its Jobs", "JobList"), Entry("of its Pods", "PodList"),
	)

	It("shows an open breaker although the Restores' names are longer than a label's value", func() {
		h := e.stuckRestore(clusterRewritten)
		var taken []attempts.Attempt
		for i := range attempts.BreakerWindow {
			long := rehometesting.MakeRestore(e.namespace, fmt.Sprintf("analytics-prod-eu-west-clickhouse-keeper-1a2b3c4d-preparedata-ssd-%d", i)).
				Of(h.component).Backup(backup).Stale(target).Obj()
			e.create(long)
			job := rehometesting.MakeJob(long, fmt.Sprintf("restore-preparedata-%.8s-bp1-0", long.GetUID())).Obj()
			delete(job.Labels, kubeblocks.LabelRestore)
			delete(job.Spec.Template.Labels, kubeblocks.LabelRestore)
			e.create(job)
			pod := rehometesting.MakeRestorePod(long, job.Name+"-x7k2p").Of(job).Unschedulable(unschedulable).Obj()
			delete(pod.Labels, kubeblocks.LabelRestore)
			e.create(pod)
			key := attempts.Key{Kind: "Restore", Name: long.GetName()}
			taken = append(taken, attempts.Attempt{Namespace: e.namespace, Cluster: target, Key: key, Time: metav1.NewTime(today)})
		}
		_, err := e.reconciler.Attempts.All(metav1.NewTime(today), func() ([]attempts.Attempt, error) { return taken, nil })
		Expect(err).NotTo(HaveOccurred())

		Expect(e.metric("rehome_breaker_open").GetGauge().GetValue()).To(Equal(1.0))
	})

	It("shows an open breaker of all Namespaces although no Namespace has one of its own", func() {
		Expect(e.metric("rehome_breaker_open").GetGauge().GetValue()).To(BeZero())
		for range 3 {
			namespace := newEnv(e.server, e.generation, e.clock).namespace
			for i := range 2 {
				restore := rehometesting.MakeRestore(namespace, fmt.Sprintf("restore-%d", i)).Obj()
				e.create(rehometesting.MakeRestorePod(restore, restore.GetName()).Unschedulable(unschedulable).Obj())
				key := attempts.Key{Kind: remedy.KindRestore, Name: restore.GetName()}
				attempt := attempts.Attempt{Namespace: namespace, Key: key, Time: metav1.NewTime(today)}
				e.reconciler.Attempts.Reserve(attempt, e.reconciler.Config.Limits)
			}
		}

		Expect(e.metric("rehome_breaker_open").GetGauge().GetValue()).To(Equal(1.0))
	})

	It("says which process leads", func() {
		e.stuckRestore(clusterStale)
		e.reconcile()
		Expect(e.metric("rehome_leader").GetGauge().GetValue()).To(Equal(1.0))
		Expect(e.metric("rehome_breaker_open").GetGauge().GetValue()).To(BeZero())

		e.reconciler.Metrics.Lead(e.reconciler.BreakerOpen, make(chan struct{}))

		Expect(e.metric("rehome_leader").GetGauge().GetValue()).To(BeZero())
		Expect(e.metric("rehome_breaker_open")).To(BeNil())
	})

	It("omits the breaker while the cache cannot be read, and has all others", func() {
		e.refused["ClusterList"] = apierrors.NewTimeoutError("no cache yet", 1)

		Expect(e.metric("rehome_breaker_open")).To(BeNil())
		Expect(e.metric("rehome_leader").GetGauge().GetValue()).To(Equal(1.0))
	})

	undecided := func(*rehometesting.PodWrapper) {}
	bound := func(p *rehometesting.PodWrapper) { p.OnNode("node1") }
	DescribeTable("observes how long Pods found no node", func(successors ...func(*rehometesting.PodWrapper)) {
		h := e.stuckRestore(clusterStale)
		e.reconcile()
		pod := h.pod
		for i, change := range successors {
			e.clock.Step(20 * time.Second)
			e.remove(pod)
			successor := rehometesting.MakeRestorePod(h.restore, fmt.Sprintf("successor-%d", i)).Of(h.job)
			change(successor)
			pod = successor.Obj()
			e.create(pod)
			e.reconcile()
		}

		Expect(e.metric("rehome_unschedulable_seconds").GetHistogram().GetSampleSum()).To(Equal(20.0 * float64(len(successors))))
		Expect(e.metric("rehome_unschedulable_seconds").GetHistogram().GetSampleCount()).To(Equal(uint64(1)))
	},
		Entry("until they are bound", bound),
		Entry("also when they wait for something else in the end", undecided, bound),
	)

	It("observes how long Pods found no node, including the time in which they were re-created", func() {
		h := e.stuckRestore(clusterRewritten)
		e.reconcile()
		since := e.metric("rehome_cluster_waiting_since_timestamp_seconds", target, e.namespace).GetGauge().GetValue()
		Expect(e.writes).To(ContainElement("delete Restore " + h.restore.GetName()))
		e.remove(h.pod, h.job, h.restore)
		e.clock.Step(10 * time.Second)
		e.reconcile()
		Expect(e.metric("rehome_restores_waiting").GetGauge().GetValue()).To(BeZero())
		Expect(e.metric("rehome_cluster_waiting_since_timestamp_seconds", target, e.namespace).GetGauge().GetValue()).To(Equal(since))
		restore := rehometesting.MakeRestore(e.namespace, h.restore.GetName()).Of(h.component).Backup(backup).Policy(rehometesting.Apart(target)).Obj()
		e.create(restore)
		job := rehometesting.MakeJob(restore, "restore-preparedata-0").Obj()
		e.create(job)
		e.create(rehometesting.MakeRestorePod(restore, "bound").Of(job).OnNode("node1").Obj())
		e.clock.Step(10 * time.Second)

		e.reconcile()

		Expect(e.metric("rehome_cluster_waiting_since_timestamp_seconds", target, e.namespace)).To(BeNil())
		Expect(e.metric("rehome_unschedulable_seconds").GetHistogram().GetSampleSum()).To(Equal(20.0))
		Expect(e.metric("rehome_unschedulable_seconds").GetHistogram().GetSampleCount()).To(Equal(uint64(1)))
	})

	It("is documented", func() {
		e.stuckRestore(clusterStale)
		e.reconciler.Metrics.SetBackups(func() map[audit.Outcome]int { return map[audit.Outcome]int{} })
		e.reconcile()
		families, err := e.registry.Gather()
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
		for _, action := range remedy.Actions() {
			Expect(string(page)).To(ContainSubstring("`" + action.Name() + "`"))
		}
	})
})

var _ = besideKubeBlocks("An event", func(e *env) {
	It("is sent when a reason changes, and only then", func() {
		h := e.stuckRestore(clusterStale)

		e.reconcile()
		Expect(e.transitions).To(BeEmpty())
		Expect(e.events).To(ConsistOf("Normal ClusterRewritten Rewrote 2 places of stale scheduling rules to carrot67."))

		e.reconcile()
		e.reconcile()
		Expect(e.transitions).To(ConsistOf("Restore Normal Unschedulable The scheduler found no node for a Pod."))
		sent := len(e.transitions)

		e.remove(h.pod, h.job)
		e.reconcile()
		e.reconcile()
		Expect(e.transitions[sent:]).To(BeEmpty(), "every Restore is without Pods for a moment")
	})

	It("is not sent because a condition was dropped and put back", func() {
		h := e.stuckRestore(clusterStale)
		e.reconcile()
		e.reconcile()
		before := len(e.transitions)
		e.setConditions(h.restore, validated)

		e.reconcile()

		Expect(e.condition(h.restore)).NotTo(BeNil())
		Expect(e.transitions).To(HaveLen(before))
	})

	DescribeTable("is sent once when a report fails half-way", func(refused string) {
		h := e.stuckRestore(clusterRewritten)
		e.reconcile()
		e.remove(h.pod, h.job, h.restore)
		e.reconcile()
		restore := rehometesting.MakeRestore(e.namespace, h.restore.GetName()).Of(h.component).Backup(backup).Policy(rehometesting.Apart(target)).Obj()
		e.create(restore)
		e.transitions = nil
		e.refused[refused+target] = errors.New("the API server is busy")
		e.refused[refused+restore.GetName()] = e.refused[refused+target]
		_, err := e.tryReconcile()
		Expect(err).To(HaveOccurred())
		clear(e.refused)

		e.reconcile()

		Expect(e.condition(restore)).To(say(metav1.ConditionTrue, v1alpha1.ReasonRehomed))
		Expect(slices.DeleteFunc(e.transitions, func(t string) bool { return !strings.HasPrefix(t, "Restore Normal Rehomed ") })).To(HaveLen(1))
	},
		Entry("on the Restore", "patch status of Restore "),
		Entry("on the Rehoming", "patch status of Rehoming "),
	)

	It("warns of what needs a person", func() {
		h := e.stuckRestore(clusterStale)
		e.remove(h.backup)

		e.reconcile()

		Expect(e.transitions).To(ContainElement(HavePrefix("Restore Warning SourceUnknown ")))
	})
})
