package chart

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestTheAPIServerAcceptsEverything(t *testing.T) {
	s := startServer(t)
	s.namespaces(t)
	s.define(t, append(monitoringKinds(t), inRepository(t, "config", "crd"))...)
	schemas := s.schemas(t)

	forEachShape(t, func(t *testing.T, l objects) {
		s.accepts(t, l)
		schemas.accept(t, l)
		s.runs(t, podTemplate(t, l))
	})
	t.Run("samples", func(t *testing.T) {
		samples := parse(t, build(t, "samples"))
		s.accepts(t, samples)
		schemas.accept(t, samples)
	})
	t.Run("but not an unknown field", func(t *testing.T) {
		l := parse(t, build(t, "samples"))
		l[0].Object["spec"].(map[string]any)["modus"] = "Observe"
		NewWithT(t).Expect(s.apply(t, l[0], client.DryRunAll)).To(MatchError(ContainSubstring("modus")))
		NewWithT(t).Expect(schemas.check(t, l)).To(MatchError(ContainSubstring("modus")))
	})
	t.Run("but not a Pod that may do more", func(t *testing.T) {
		pod := podTemplate(t, parse(t, rendered(t, "")))
		pod.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = ptr.To(true)
		NewWithT(t).Expect(s.dryRun(t, pod)).To(MatchError(ContainSubstring(`violates PodSecurity "restricted:latest"`)))
	})
}

// accepts expects that the API server would take the objects.
func (s *server) accepts(t *testing.T, l objects) {
	t.Helper()
	for _, object := range l {
		NewWithT(t).Expect(s.apply(t, object, client.DryRunAll)).To(Succeed(), nameOf(object))
	}
}

// runs expects that the API server would take a Pod of the template, in a Namespace for restricted Pods only.
func (s *server) runs(t *testing.T, template *corev1.PodTemplateSpec) {
	t.Helper()
	NewWithT(t).Expect(s.dryRun(t, template)).To(Succeed())
}

func (s *server) dryRun(t *testing.T, template *corev1.PodTemplateSpec) error {
	t.Helper()
	pod := &corev1.Pod{ObjectMeta: *template.ObjectMeta.DeepCopy(), Spec: *template.Spec.DeepCopy()}
	pod.ObjectMeta = metav1.ObjectMeta{Namespace: ownNamespace, Name: "one", Labels: pod.Labels, Annotations: pod.Annotations}
	// Admission asks for an account that is there; which one it is, is no matter here.
	pod.Spec.ServiceAccountName = "default"
	return s.Create(t.Context(), pod, client.DryRunAll)
}
