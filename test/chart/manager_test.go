package chart

import (
	"net/http"
	"testing"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// TestTheOperatorWorksWithItsRights runs the operator as it is built, with the configuration and the service account that the
// chart gives it: it becomes ready, leads and rewrites, and nothing that it asks for is forbidden.
func TestTheOperatorWorksWithItsRights(t *testing.T) {
	const readers = "\nmetrics: {readers: [{kind: ServiceAccount, name: default, namespace: vault}]}"
	for _, test := range []struct{ name, values string }{
		{"everywhere", readers},
		{"in single Namespaces", namespaced + readers},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := NewWithT(t)
			s := startServer(t)
			s.namespaces(t)
			s.defineKubeBlocks(t)
			s.helm(t, test.values, "install", releaseName, chart(t))

			o := s.runOperator(t)

			g.Eventually(func(g Gomega) {
				lease := &coordinationv1.Lease{}
				g.Expect(s.Get(t.Context(), client.ObjectKey{Namespace: ownNamespace, Name: "rehome.kubeblocks.io"}, lease)).To(Succeed())
				g.Expect(lease.Spec.HolderIdentity).To(HaveValue(Not(BeEmpty())))
				var events corev1.EventList
				g.Expect(s.List(t.Context(), &events, client.InNamespace(ownNamespace))).To(Succeed())
				g.Expect(events.Items).To(ContainElement(HaveField("Reason", "LeaderElection")))
			}).WithTimeout(soon).Should(Succeed())

			cluster := s.restore(t, managed)
			g.Eventually(func() any { return s.specOf(t, cluster) }).WithTimeout(soon).Should(Equal(named("carrot67", "carrot67")))
			g.Eventually(func() any { return s.ready(t, cluster) }).WithTimeout(soon).Should(HaveValue(
				HaveField("Reason", v1alpha1.ReasonNoPods)), "KubeBlocks, which would create a Restore, does not run")
			g.Expect(o.scrape(t, s.as(t, unmanaged, "default"))).To(Equal(http.StatusOK))
			g.Expect(o.scrape(t, s.as(t, managed, "default"))).To(Equal(http.StatusForbidden))
			g.Expect(read(t, o.log)).NotTo(ContainSubstring("forbidden"))
		})
	}
}

// TestABackupThatMayNotBeRead is what an operator of single Namespaces meets when a Cluster is restored from another.
func TestABackupThatMayNotBeRead(t *testing.T) {
	g := NewWithT(t)
	s := startServer(t)
	s.namespaces(t)
	s.defineKubeBlocks(t)
	s.helm(t, namespaced, "install", releaseName, chart(t))
	s.runOperator(t)

	cluster := s.restore(t, unmanaged)

	g.Eventually(func() any { return s.ready(t, cluster) }).WithTimeout(soon).Should(HaveValue(SatisfyAll(
		HaveField("Reason", v1alpha1.ReasonSourceUnknown),
		HaveField("Message", ContainSubstring("no right to get Backup vault/bp1")))))
	g.Expect(s.specOf(t, cluster)).To(Equal(named("carrot67", "my1")))
}

// restore creates a Cluster that is restored from a Backup in a Namespace, and has inherited its rules.
func (s *server) restore(t *testing.T, of string) *unstructured.Unstructured {
	t.Helper()
	g := NewWithT(t)
	source := rehometesting.MakeCluster(rehometesting.V10(), of, "my1").Component("mysql", rehometesting.Apart("my1")).Obj()
	g.Expect(s.Create(t.Context(), rehometesting.MakeBackup(of, "bp1").Of(source).Obj())).To(Succeed())
	cluster := rehometesting.MakeCluster(rehometesting.V10(), managed, "carrot67").
		Annotation(kubeblocks.AnnotationRestoreFromBackup, `{"mysql":{"name":"bp1","namespace":"`+of+`"}}`).
		Component("mysql", rehometesting.Apart("my1")).Obj()
	g.Expect(s.Create(t.Context(), cluster)).To(Succeed())
	return cluster
}

// named returns the spec of a Cluster whose rules name a cluster.
func named(cluster, name string) any {
	return rehometesting.MakeCluster(rehometesting.V10(), managed, cluster).Component("mysql", rehometesting.Apart(name)).Obj().Object["spec"]
}

func (s *server) specOf(t *testing.T, cluster *unstructured.Unstructured) any {
	t.Helper()
	now := &unstructured.Unstructured{}
	now.SetGroupVersionKind(cluster.GroupVersionKind())
	NewWithT(t).Expect(s.Get(t.Context(), client.ObjectKeyFromObject(cluster), now)).To(Succeed())
	return now.Object["spec"]
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
