package chart

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestTheAPIServerAcceptsAllManifestsAndGrantsOnlyTheRightsInThem changes nothing on its server but what it deletes again.
func TestTheAPIServerAcceptsAllManifestsAndGrantsOnlyTheRightsInThem(t *testing.T) {
	s := startServer(t)
	s.createNamespaces(t)
	s.define(t, append(monitoringKinds(t), inRepository(t, "config", "crd"))...)
	s.defineKubeBlocks(t)

	t.Run("it accepts all manifests", func(t *testing.T) { testManifests(t, s) })
	t.Run("it grants only the rights in them", func(t *testing.T) { testRights(t, s) })
	t.Run("it grants the audit its rights", func(t *testing.T) { testAuditRights(t, s) })
	t.Run("their policies limit what the operator writes", func(t *testing.T) { testPolicies(t, s) })
}

func testManifests(t *testing.T, s *server) {
	schemas := s.schemas(t)
	forEachShape(t, func(t *testing.T, l objects) {
		s.expectAccepted(t, l)
		schemas.expectValid(t, l)
		NewWithT(t).Expect(s.dryRunPod(t, podTemplate(t, l))).To(Succeed())
	})
	t.Run("samples", func(t *testing.T) {
		samples := parse(t, build(t, "samples"))
		s.expectAccepted(t, samples)
		schemas.expectValid(t, samples)
	})
	t.Run("but no unknown field", func(t *testing.T) {
		l := parse(t, build(t, "samples"))
		l[0].Object["spec"].(map[string]any)["modus"] = "Observe"
		NewWithT(t).Expect(s.apply(t, l[0], client.DryRunAll)).To(MatchError(ContainSubstring("modus")))
		NewWithT(t).Expect(schemas.check(t, l)).To(MatchError(ContainSubstring("modus")))
	})
	t.Run("but no Pod that violates the restricted standard", func(t *testing.T) {
		pod := podTemplate(t, parse(t, rendered(t, "")))
		pod.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = ptr.To(true)
		NewWithT(t).Expect(s.dryRunPod(t, pod)).To(MatchError(ContainSubstring(`violates PodSecurity "restricted:latest"`)))
	})
}

// expectAccepted expects that the API server would accept the objects.
func (s *server) expectAccepted(t *testing.T, l objects) {
	t.Helper()
	for _, object := range l {
		NewWithT(t).Expect(s.apply(t, object, client.DryRunAll)).To(Succeed(), nameOf(object))
	}
}

// dryRunPod creates a Pod of the template in a dry run, in a Namespace that accepts restricted Pods only.
func (s *server) dryRunPod(t *testing.T, template *corev1.PodTemplateSpec) error {
	t.Helper()
	pod := &corev1.Pod{ObjectMeta: *template.ObjectMeta.DeepCopy(), Spec: *template.Spec.DeepCopy()}
	pod.ObjectMeta = metav1.ObjectMeta{Namespace: ownNamespace, Name: "one", Labels: pod.Labels, Annotations: pod.Annotations}
	// Admission requires a service account that exists.
	pod.Spec.ServiceAccountName = "default"
	return s.Create(t.Context(), pod, client.DryRunAll)
}
