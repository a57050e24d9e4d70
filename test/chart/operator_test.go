package chart

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// operator is one that runs.
type operator struct {
	// log is the file of its log, metrics the address where it serves metrics.
	log, metrics string
}

// runOperator runs the operator that is installed, outside of the cluster: with its configuration and as its service account. It
// returns when the operator is ready.
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

	process, err := s.Run("rehome", exec.Command(tool(t, "REHOME"), "manager", "--config", config, "--kubeconfig", kubeconfig,
		"--health-probe-bind-address", health, "--metrics-bind-address", metrics))
	g.Expect(err).NotTo(HaveOccurred())
	g.Eventually(func(g Gomega) {
		g.Expect(process.Err()).NotTo(HaveOccurred())
		response, err := http.Get("http://" + health + "/readyz") //nolint:noctx // bounded by Eventually
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(response.Body.Close()).To(Succeed())
		g.Expect(response).To(HaveHTTPStatus(http.StatusOK))
	}).WithTimeout(soon).Should(Succeed())
	return operator{process.Log(), metrics}
}

// scrape returns the status that a client gets who asks for metrics.
func (o operator) scrape(t *testing.T, as *rest.Config) int {
	t.Helper()
	g := NewWithT(t)
	config := rest.CopyConfig(as)
	// Each operator signs a certificate of its own when it starts.
	config.TLSClientConfig = rest.TLSClientConfig{Insecure: true}
	scraper, err := rest.HTTPClientFor(config)
	g.Expect(err).NotTo(HaveOccurred())
	response, err := scraper.Get("https://" + o.metrics + "/metrics") //nolint:noctx // local
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(response.Body.Close()).To(Succeed())
	return response.StatusCode
}

// kubeconfigOf returns the kubeconfig of a client that has a token.
func kubeconfigOf(config *rest.Config) clientcmdapi.Config {
	const name = "test"
	return clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{name: {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{name: {Token: config.BearerToken}},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: name}},
		CurrentContext: name,
	}
}

// freeAddress returns a loopback address nobody listens on now.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	NewWithT(t).Expect(listener.Close()).To(Succeed())
	return listener.Addr().String()
}
