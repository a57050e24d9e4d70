package kubeblocks

import (
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// mapperOf returns a mapper of KubeBlocks' kinds in versions of the apps group.
func mapperOf(versions ...schema.GroupVersion) meta.RESTMapper {
	mapper := meta.NewDefaultRESTMapper(nil)
	add := func(kind schema.GroupVersionKind) { mapper.Add(kind, meta.RESTScopeNamespace) }
	add(DataProtectionV1alpha1.WithKind("Restore"))
	for _, apps := range versions {
		add(apps.WithKind("Cluster"))
		add(apps.WithKind("Component"))
		add(workloads(apps).WithKind("InstanceSet"))
	}
	return mapper
}

func TestClusterBelongsToTheVersionsOfKubeBlocksThatWorkOnIt(t *testing.T) {
	marked := func(mark string) *Cluster {
		if mark == "" {
			return &Cluster{}
		}
		return &Cluster{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{AnnotationCRDAPIVersion: mark}}}
	}
	const v1, v1alpha1, none = "apps.kubeblocks.io/v1", "apps.kubeblocks.io/v1alpha1", ""
	for name, c := range map[string]struct {
		versions []schema.GroupVersion
		owned    []string
		foreign  []string
	}{
		"0.9":         {[]schema.GroupVersion{AppsV1alpha1}, []string{none, v1alpha1}, []string{v1}},
		"1.0 and 1.1": {[]schema.GroupVersion{AppsV1, AppsV1alpha1}, []string{v1}, []string{none, v1alpha1}},
		"1.2":         {[]schema.GroupVersion{AppsV1}, []string{none, v1}, []string{v1alpha1}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			served, err := Discover(mapperOf(c.versions...))
			g.Expect(err).NotTo(HaveOccurred())
			for _, mark := range c.owned {
				g.Expect(served.Owns(marked(mark))).To(BeTrue(), "mark %q", mark)
			}
			for _, mark := range c.foreign {
				g.Expect(served.Owns(marked(mark))).To(BeFalse(), "mark %q", mark)
			}
		})
	}
}
