package controlplane_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/kubernetes"

	"github.com/rehome-operator/rehome/test/controlplane"
)

// kinds are the files of a folder with a definition and another object.
const kinds = `
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.example.com
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object}}
`

func TestDefineCreatesTheDefinitionsInAFolder(t *testing.T) {
	g := NewWithT(t)
	folder := t.TempDir()
	g.Expect(os.WriteFile(filepath.Join(folder, "kinds.yaml"), []byte(kinds), 0o600)).To(Succeed())
	plane, err := controlplane.Start(t.Context(), controlplane.Options{})
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { g.Expect(plane.Stop()).To(Succeed()) })

	g.Expect(plane.Define(t.Context(), folder)).To(Succeed())

	discovery := kubernetes.NewForConfigOrDie(plane.Config()).Discovery()
	g.Eventually(func() error {
		_, err := discovery.ServerResourcesForGroupVersion("example.com/v1")
		return err
	}).WithTimeout(20 * time.Second).Should(Succeed())
	g.Expect(plane.Define(t.Context(), t.TempDir())).To(MatchError(HaveSuffix("has no YAML files")))
}
