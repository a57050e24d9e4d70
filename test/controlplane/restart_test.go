package controlplane_test

import (
	"os"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/rehome-operator/rehome/test/controlplane"
)

const auditDeletes = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  verbs: [delete]
  resources: [{group: "", resources: [configmaps]}]
`

func TestRestartAPIServerKeepsItsDataAndItsAuditLog(t *testing.T) {
	g := NewWithT(t)
	ctx := t.Context()
	plane, err := controlplane.Start(ctx, controlplane.Options{AuditPolicy: []byte(auditDeletes), LogDir: t.TempDir()})
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { g.Expect(plane.Stop()).To(Succeed()) })
	client := kubernetes.NewForConfigOrDie(plane.Config()).CoreV1().ConfigMaps(namespace)
	for _, name := range []string{"first", "second"} {
		_, err := client.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		g.Expect(err).NotTo(HaveOccurred())
	}
	g.Expect(client.Delete(ctx, "first", metav1.DeleteOptions{})).To(Succeed())

	g.Expect(plane.RestartAPIServer(ctx)).To(Succeed())

	g.Expect(client.Delete(ctx, "second", metav1.DeleteOptions{})).To(Succeed(), "its data is kept")
	log, err := os.ReadFile(plane.AuditLog())
	g.Expect(err).NotTo(HaveOccurred())
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	g.Expect(lines).To(HaveExactElements(
		ContainSubstring(`"name":"first"`), ContainSubstring(`"name":"second"`)), "and no creates")
}
