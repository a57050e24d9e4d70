package chart

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/ports"
)

// leaseName is the name of the lease in the operator's Namespace.
const leaseName = "rehome.kubeblocks.io"

// operator is an operator that runs.
type operator struct {
	*controlplane.Process
	// log is the path of its log, metrics the address of its metrics.
	log, metrics string
}

// runOperator runs the installed operator for the time of a test, outside of the cluster, with its configuration and as its service
// account. It returns when the operator is ready.
func (s *server) runOperator(t *testing.T) operator {
	t.Helper()
	g := NewWithT(t)
	dir := t.TempDir()
	config, kubeconfig := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "kubeconfig")
	installed := &corev1.ConfigMap{}
	g.Expect(s.Get(t.Context(), client.ObjectKey{Namespace: ownNamespace, Name: rehome}, installed)).To(Succeed())
	g.Expect(os.WriteFile(config, []byte(installed.Data["config.yaml"]), 0o600)).To(Succeed())
	g.Expect(clientcmd.WriteToFile(kubeconfigOf(s.as(t, ownNamespace, rehome)), kubeconfig)).To(Succeed())
	health, metrics := freeAddress(t), freeAddress(t)

	process, err := s.Run(path.Base(t.Name()), exec.Command(tool(t, "REHOME"), "manager", "--config", config, "--kubeconfig", kubeconfig,
		"--health-probe-bind-address", health, "--metrics-bind-address", metrics))
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		g.Expect(process.Stop()).To(Succeed())
		// The next operator must acquire the lease and record the events itself.
		lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: ownNamespace, Name: leaseName}}
		g.Expect(client.IgnoreNotFound(s.Delete(ctx, lease))).To(Succeed())
		g.Expect(s.DeleteAllOf(ctx, &corev1.Event{}, client.InNamespace(ownNamespace))).To(Succeed())
	})
	g.Eventually(func(g Gomega) {
		g.Expect(process.Err()).NotTo(HaveOccurred())
		response, err := http.Get("http://" + health + "/readyz") //nolint:noctx // bounded by Eventually
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(response.Body.Close()).To(Succeed())
		g.Expect(response).To(HaveHTTPStatus(http.StatusOK))
	}).WithTimeout(soon).Should(Succeed())
	return operator{process, process.Log(), metrics}
}

// scrape returns the status of a request for metrics.
func (o operator) scrape(t *testing.T, as *rest.Config) int {
	t.Helper()
	g := NewWithT(t)
	config := rest.CopyConfig(as)
	// Each operator makes a self-signed certificate when it starts.
	config.TLSClientConfig = rest.TLSClientConfig{Insecure: true}
	scraper, err := rest.HTTPClientFor(config)
	g.Expect(err).NotTo(HaveOccurred())
	response, err := scraper.Get("https://" + o.metrics + "/metrics") //nolint:noctx // local
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(response.Body.Close()).To(Succeed())
	return response.StatusCode
}

// kubeconfigOf returns the kubeconfig of a client with a token.
func kubeconfigOf(config *rest.Config) clientcmdapi.Config {
	const name = "test"
	return clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{name: {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{name: {Token: config.BearerToken}},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: name}},
		CurrentContext: name,
	}
}

// freeAddress returns a free loopback address.
func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := ports.ReserveAddress()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return address
}
