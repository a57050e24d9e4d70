package chart

import (
	"path/filepath"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const definition = "CustomResourceDefinition rehomings.rehome.kubeblocks.io"

// TestAReleaseComesAndGoes installs a version that is older, with all that can be turned on, upgrades it to this one, with other
// values, and uninstalls it.
func TestAReleaseComesAndGoes(t *testing.T) {
	s := startServer(t)
	s.namespaces(t)
	s.define(t, monitoringKinds(t)...)
	g := NewWithT(t)
	before := s.everything(t)

	s.helm(t, read(t, "testdata/values/everything.yaml"), "install", releaseName, older(t), "--wait")

	g.Expect(s.everything(t)).To(ContainElements(definition,
		"Role shop/rehome-policies-manager", "ServiceMonitor rehome-system/rehome-policies", "PrometheusRule rehome-system/rehome-policies"))
	g.Expect(s.nodes(t)).To(HaveLen(3))

	s.helm(t, "managedNamespaces: bank", "upgrade", releaseName, chart(t), "--wait")

	after := s.everything(t)
	g.Expect(after).To(ContainElements(definition, "Role bank/rehome-manager", "Deployment rehome-system/rehome"))
	g.Expect(after).NotTo(ContainElement(ContainSubstring("policies")))
	g.Expect(s.nodes(t)).To(HaveLen(2))
	s.keepsRehomings(t)

	s.helm(t, "", "uninstall", releaseName, "--wait")

	g.Eventually(func() []string { return s.everything(t) }).WithTimeout(soon).
		Should(ConsistOf(append(before, definition, "Rehoming shop/carrot67")))
}

func TestAnUpgradeUpdatesTheDefinition(t *testing.T) {
	s := startServer(t)
	s.namespaces(t)
	g := NewWithT(t)
	s.helm(t, "", "install", releaseName, older(t))
	name := client.ObjectKey{Name: "rehomings.rehome.kubeblocks.io"}
	of := &unstructured.Unstructured{}
	of.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	g.Expect(s.Get(t.Context(), name, of)).To(Succeed())
	g.Expect(of.GetLabels()).To(HaveKeyWithValue("helm.sh/chart", "rehome-0.0.1"))

	s.helm(t, "", "upgrade", releaseName, chart(t))

	g.Expect(s.Get(t.Context(), name, of)).To(Succeed())
	g.Expect(of.GetLabels()).To(HaveKeyWithValue("helm.sh/chart", "rehome-"+version(t)))
}

func TestKustomizeComesAndGoes(t *testing.T) {
	s := startServer(t)
	s.define(t, monitoringKinds(t)...)
	g := NewWithT(t)
	before := s.everything(t)
	l := parse(t, build(t, "monitoring"))

	for _, object := range l {
		g.Expect(s.apply(t, object)).To(Succeed(), nameOf(object))
	}
	g.Eventually(func() []string { return s.nodes(t) }).WithTimeout(soon).Should(ConsistOf("node-1", "node-2"))

	for _, object := range slices.Backward(l) {
		g.Expect(s.Delete(t.Context(), object)).To(Succeed(), nameOf(object))
	}
	g.Eventually(func() []string { return s.everything(t) }).WithTimeout(soon).Should(ConsistOf(before))
}

// older returns the chart as a version before this one.
func older(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	_, err := helm(t, "", "package", chart(t), "--version", "0.0.1", "--app-version", "0.0.1", "--destination", dir)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return filepath.Join(dir, "rehome-0.0.1.tgz")
}

// helm runs helm against the server, in the operator's Namespace.
func (s *server) helm(t *testing.T, values string, args ...string) {
	t.Helper()
	_, err := helm(t, values, append(args, "--kubeconfig", s.Kubeconfig(), "--namespace", ownNamespace, "--timeout", soon.String())...)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
}

// nodes returns where the Pods of the operator run, once for each.
func (s *server) nodes(t *testing.T) []string {
	t.Helper()
	g := NewWithT(t)
	var deployments appsv1.DeploymentList
	g.Expect(s.List(t.Context(), &deployments, client.InNamespace(ownNamespace))).To(Succeed())
	g.Expect(deployments.Items).To(HaveLen(1))
	var pods corev1.PodList
	g.Expect(s.List(t.Context(), &pods, client.InNamespace(ownNamespace),
		client.MatchingLabels(deployments.Items[0].Spec.Selector.MatchLabels))).To(Succeed())
	var nodes []string
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp == nil && pod.Status.Phase == corev1.PodRunning {
			nodes = append(nodes, pod.Spec.NodeName)
		}
	}
	return nodes
}

// keepsRehomings creates a Rehoming, which is to outlive the release.
func (s *server) keepsRehomings(t *testing.T) {
	t.Helper()
	rehoming := parse(t, build(t, "samples"))[0]
	rehoming.SetNamespace(managed)
	NewWithT(t).Expect(s.Create(t.Context(), rehoming)).To(Succeed())
}

// transient are the resources that come and go by themselves.
var transient = []string{"events", "leases", "endpoints", "endpointslices", "apiservices"}

// everything lists all objects.
func (s *server) everything(t *testing.T) []string {
	t.Helper()
	g := NewWithT(t)
	d, err := discovery.NewDiscoveryClientForConfig(s.Config())
	g.Expect(err).NotTo(HaveOccurred())
	resources, err := d.ServerPreferredResources()
	g.Expect(err).NotTo(HaveOccurred())
	var names []string
	for _, list := range resources {
		for _, resource := range list.APIResources {
			if !slices.Contains(resource.Verbs, "list") || slices.Contains(transient, resource.Name) {
				continue
			}
			found := &unstructured.UnstructuredList{}
			found.SetGroupVersionKind(schema.FromAPIVersionAndKind(list.GroupVersion, resource.Kind+"List"))
			err := s.List(t.Context(), found)
			if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
				continue // it went meanwhile
			}
			g.Expect(err).NotTo(HaveOccurred(), resource.Name)
			for i := range found.Items {
				names = append(names, nameOf(&found.Items[i]))
			}
		}
	}
	return names
}
