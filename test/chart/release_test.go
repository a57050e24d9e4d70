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

// TestAnUninstallLeavesNothingButRehomings first uses kustomize, which creates and deletes the operator's Namespace.
func TestAnUninstallLeavesNothingButRehomings(t *testing.T) {
	s := startServer(t)
	s.define(t, monitoringKinds(t)...)

	t.Run("kustomize", func(t *testing.T) { testKustomize(t, s) })
	s.createNamespaces(t)
	t.Run("helm, after an upgrade", func(t *testing.T) { testRelease(t, s) })
	t.Run("helm, with other values", func(t *testing.T) { testInstalls(t, s) })
}

// testInstalls installs and uninstalls the chart with each file of values.
func testInstalls(t *testing.T, s *server) {
	before := s.names(t)
	for _, file := range valueFiles(t) {
		t.Run(file, func(t *testing.T) {
			g := NewWithT(t)
			s.helm(t, read(t, file), "install", releaseName, chart(t))
			g.Expect(len(s.names(t))).To(BeNumerically(">", len(before)))
			s.helm(t, "", "uninstall", releaseName, "--wait")
		})
	}
	// Values with crds.keep: false remove the definition, too.
	NewWithT(t).Eventually(func() []string { return s.names(t) }).WithTimeout(soon).Should(HaveEach(BeElementOf(before)))
}

func testKustomize(t *testing.T, s *server) {
	g := NewWithT(t)
	before := s.names(t)
	l := parse(t, build(t, "monitoring"))

	for _, object := range l {
		g.Expect(s.apply(t, object)).To(Succeed(), nameOf(object))
	}
	g.Eventually(func() []string { return s.nodes(t) }).WithTimeout(soon).Should(ConsistOf("node-1", "node-2"))

	for _, object := range slices.Backward(l) {
		g.Expect(s.Delete(t.Context(), object)).To(Succeed(), nameOf(object))
	}
	g.Eventually(func() []string { return s.names(t) }).WithTimeout(soon).Should(ConsistOf(before))
}

// testRelease installs an older version with all options enabled, upgrades it to this version with other values, and uninstalls it.
func testRelease(t *testing.T, s *server) {
	const definition = "CustomResourceDefinition " + definitionName
	g := NewWithT(t)
	before := s.names(t)

	s.helm(t, read(t, "testdata/values/everything.yaml"), "install", releaseName, olderChart(t), "--wait")

	g.Expect(s.names(t)).To(ContainElements(definition,
		"Role shop/rehome-policies-manager", "ServiceMonitor rehome-system/rehome-policies", "PrometheusRule rehome-system/rehome-policies"))
	g.Expect(s.nodes(t)).To(HaveLen(3))
	g.Expect(s.chartOfDefinition(t)).To(Equal("rehome-0.0.1"))

	s.helm(t, "managedNamespaces: bank", "upgrade", releaseName, chart(t), "--wait")

	after := s.names(t)
	g.Expect(after).To(ContainElements(definition, "Role bank/rehome-manager", "Deployment rehome-system/rehome"))
	g.Expect(after).NotTo(ContainElement(ContainSubstring("policies")))
	g.Expect(s.nodes(t)).To(HaveLen(2))
	g.Expect(s.chartOfDefinition(t)).To(Equal("rehome-" + version(t)))
	s.createRehoming(t)

	s.helm(t, "", "uninstall", releaseName, "--wait")

	g.Eventually(func() []string { return s.names(t) }).WithTimeout(soon).
		Should(ConsistOf(append(before, definition, "Rehoming shop/carrot67")))
}

// olderChart returns the chart, packed as an older version.
func olderChart(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	_, err := helm(t.Context(), t, "", "package", chart(t), "--version", "0.0.1", "--app-version", "0.0.1", "--destination", dir)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return filepath.Join(dir, "rehome-0.0.1.tgz")
}

// chartOfDefinition returns the chart and version that the CustomResourceDefinition is from.
func (s *server) chartOfDefinition(t *testing.T) string {
	t.Helper()
	definition := &unstructured.Unstructured{}
	definition.SetGroupVersionKind(definitionKind)
	NewWithT(t).Expect(s.Get(t.Context(), client.ObjectKey{Name: definitionName}, definition)).To(Succeed())
	return definition.GetLabels()["helm.sh/chart"]
}

// nodes returns the node of each running Pod of the operator.
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

// createRehoming creates a Rehoming, which must outlive the release.
func (s *server) createRehoming(t *testing.T) {
	t.Helper()
	rehoming := parse(t, build(t, "samples"))[0]
	rehoming.SetNamespace(managed)
	NewWithT(t).Expect(s.Create(t.Context(), rehoming)).To(Succeed())
}

// transient are the resources whose objects controllers create and delete at any time.
var transient = []string{"events", "leases", "endpoints", "endpointslices", "apiservices"}

// names lists the names of all objects.
func (s *server) names(t *testing.T) []string {
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
				continue // its definition was deleted meanwhile
			}
			g.Expect(err).NotTo(HaveOccurred(), resource.Name)
			for i := range found.Items {
				names = append(names, nameOf(&found.Items[i]))
			}
		}
	}
	return names
}
