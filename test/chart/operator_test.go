package chart

import (
	"context"
	"net/http"
	"testing"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// TestTheOperatorWorksWithTheRightsOfTheChart runs the built operator with the configuration and the service account that the chart
// gives it.
func TestTheOperatorWorksWithTheRightsOfTheChart(t *testing.T) {
	const readers = "\nmetrics: {readers: [{kind: ServiceAccount, name: default, namespace: vault}]}"
	s := startServer(t)
	s.createNamespaces(t)

	t.Run("it is ready while it waits for KubeBlocks", func(t *testing.T) {
		s.install(t, "")
		s.runOperator(t)
	})
	s.defineKubeBlocks(t)
	t.Run("in all Namespaces", func(t *testing.T) {
		s.install(t, readers)
		o := s.runOperator(t)
		s.expectRewrite(t)
		s.expectNothingForbidden(t, o)
	})
	t.Run("the audit of all Namespaces", func(t *testing.T) {
		s.install(t, "audit: {enabled: true, report: {configMap: true}}")
		s.expectAudit(t)
	})
	t.Run("the audit of single Namespaces", func(t *testing.T) {
		s.install(t, namespaced+"\naudit: {enabled: true, report: {configMap: true}}")
		s.expectAudit(t)
	})
	t.Run("in single Namespaces", func(t *testing.T) {
		s.install(t, namespaced+readers)
		o := s.runOperator(t)
		s.expectRewrite(t)
		s.expectNothingForbidden(t, o)
		s.expectUnreadableBackupReported(t)
	})
}

// install installs the chart for the time of a test.
func (s *server) install(t *testing.T, values string) {
	t.Helper()
	s.helm(t, values, "install", releaseName, chart(t))
	t.Cleanup(func() {
		g := NewWithT(t)
		ctx := context.WithoutCancel(t.Context())
		s.helm(t, "", "uninstall", releaseName, "--wait")
		definition := &unstructured.Unstructured{}
		definition.SetGroupVersionKind(definitionKind)
		definition.SetName(definitionName)
		g.Expect(s.Delete(ctx, definition)).To(Succeed())
		// The API server retries later and later when it cannot yet list what it has to delete with a new definition.
		g.Eventually(func() error { return s.Get(ctx, client.ObjectKeyFromObject(definition), definition) }).
			WithTimeout(5 * soon).Should(Satisfy(apierrors.IsNotFound))
	})
}

var definitionKind = schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}

const definitionName = "rehomings.rehome.kubeblocks.io"

// expectRewrite expects that the operator leads, and rewrites a restored Cluster.
func (s *server) expectRewrite(t *testing.T) {
	t.Helper()
	g := NewWithT(t)
	g.Eventually(func(g Gomega) {
		lease := &coordinationv1.Lease{}
		g.Expect(s.Get(t.Context(), client.ObjectKey{Namespace: ownNamespace, Name: leaseName}, lease)).To(Succeed())
		g.Expect(lease.Spec.HolderIdentity).To(HaveValue(Not(BeEmpty())))
		var events corev1.EventList
		g.Expect(s.List(t.Context(), &events, client.InNamespace(ownNamespace))).To(Succeed())
		g.Expect(events.Items).To(ContainElement(HaveField("Reason", "LeaderElection")))
	}).WithTimeout(soon).Should(Succeed())

	cluster := s.restore(t, "carrot67", managed)
	g.Eventually(func() any { return s.specOf(t, cluster) }).WithTimeout(soon).Should(Equal(specNaming("carrot67", "carrot67")))
	g.Eventually(func() any { return s.ready(t, cluster) }).WithTimeout(soon).Should(HaveValue(
		HaveField("Reason", v1alpha1.ReasonNoPods)), "KubeBlocks, which would create a Restore, does not run")
}

// expectNothingForbidden expects that the operator lacks no right, and that the chart's readers can get its metrics, and others cannot.
func (s *server) expectNothingForbidden(t *testing.T, o operator) {
	t.Helper()
	g := NewWithT(t)
	g.Expect(o.scrape(t, s.as(t, unmanaged, "default"))).To(Equal(http.StatusOK))
	g.Expect(o.scrape(t, s.as(t, managed, "default"))).To(Equal(http.StatusForbidden))
	g.Expect(read(t, o.log)).NotTo(ContainSubstring("forbidden"))
}

// expectUnreadableBackupReported restores a Cluster from a Backup that the operator must not read.
func (s *server) expectUnreadableBackupReported(t *testing.T) {
	t.Helper()
	g := NewWithT(t)
	cluster := s.restore(t, "melon3", unmanaged)

	g.Eventually(func() any { return s.ready(t, cluster) }).WithTimeout(soon).Should(HaveValue(SatisfyAll(
		HaveField("Reason", v1alpha1.ReasonSourceUnknown),
		HaveField("Message", ContainSubstring("Backup vault/bp1 in another Namespace cannot be used")))))
	g.Expect(s.specOf(t, cluster)).To(Equal(specNaming("melon3", "my1")))
}

// restore creates, for the time of a test, a Cluster that is restored from a Backup in a Namespace and has inherited its rules, and its
// Component, which has followed the Cluster.
func (s *server) restore(t *testing.T, name, backupNamespace string) *unstructured.Unstructured {
	t.Helper()
	source := rehometesting.MakeCluster(rehometesting.V10(), backupNamespace, "my1").Component("mysql", rehometesting.Apart("my1")).Obj()
	cluster := rehometesting.MakeCluster(rehometesting.V10(), managed, name).
		Annotation(kubeblocks.AnnotationRestoreFromBackup, `{"mysql":{"name":"bp1","namespace":"`+backupNamespace+`"}}`).
		Component("mysql", rehometesting.Apart("my1")).Obj()
	s.createForTest(t, rehometesting.MakeBackup(backupNamespace, "bp1").Of(source).Obj())
	s.createForTest(t, cluster)
	s.createForTest(t, rehometesting.MakeComponent(cluster, "mysql").Obj())
	return cluster
}

func (s *server) createForTest(t *testing.T, object client.Object) {
	t.Helper()
	NewWithT(t).Expect(s.Create(t.Context(), object)).To(Succeed())
	t.Cleanup(func() { NewWithT(t).Expect(s.Delete(context.WithoutCancel(t.Context()), object)).To(Succeed()) })
}

// specNaming returns the spec of a Cluster whose rules name the cluster source.
func specNaming(cluster, source string) any {
	return rehometesting.MakeCluster(rehometesting.V10(), managed, cluster).Component("mysql", rehometesting.Apart(source)).Obj().Object["spec"]
}

func (s *server) specOf(t *testing.T, cluster *unstructured.Unstructured) any {
	t.Helper()
	latest := &unstructured.Unstructured{}
	latest.SetGroupVersionKind(cluster.GroupVersionKind())
	NewWithT(t).Expect(s.Get(t.Context(), client.ObjectKeyFromObject(cluster), latest)).To(Succeed())
	return latest.Object["spec"]
}

// ready returns the condition Ready of a Cluster's Rehoming, or nil.
func (s *server) ready(t *testing.T, cluster *unstructured.Unstructured) *metav1.Condition {
	t.Helper()
	g := NewWithT(t)
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("Rehoming"))
	err := s.Get(t.Context(), client.ObjectKeyFromObject(cluster), object)
	g.Expect(client.IgnoreNotFound(err)).To(Succeed())
	rehoming := decoded[v1alpha1.Rehoming](t, object)
	return meta.FindStatusCondition(rehoming.Status.Conditions, v1alpha1.ConditionReady)
}
