package chart

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/module"
)

// soon bounds what happens by itself.
const soon = time.Minute

// server is a control plane of two nodes, for one test, and its administrator's client, which refuses unknown fields.
type server struct {
	*controlplane.ControlPlane
	client.Client
}

func TestMain(m *testing.M) {
	// What the client libraries log would be noise between the failures.
	ctrllog.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

func startServer(t *testing.T) *server {
	t.Helper()
	g := NewWithT(t)
	cp, err := controlplane.Start(t.Context(), controlplane.Options{
		Nodes: []controlplane.Node{{Name: "node-1", Zone: "zone-1"}, {Name: "node-2", Zone: "zone-2"}},
	})
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { g.Expect(cp.Stop()).To(Succeed()) })
	c, err := client.New(cp.Config(), client.Options{})
	g.Expect(err).NotTo(HaveOccurred())
	return &server{cp, client.WithFieldValidation(c, metav1.FieldValidationStrict)}
}

// namespaces creates that of the operator, which takes restricted Pods only, and those of the users.
func (s *server) namespaces(t *testing.T) {
	t.Helper()
	for _, name := range []string{ownNamespace, managed, "bank", unmanaged} {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if name == ownNamespace {
			namespace.Labels = map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}
		}
		NewWithT(t).Expect(s.Create(t.Context(), namespace)).To(Succeed())
	}
}

// define creates the kinds that are defined in files or folders.
func (s *server) define(t *testing.T, paths ...string) {
	t.Helper()
	_, err := envtest.InstallCRDs(s.Config(), envtest.CRDInstallOptions{Paths: paths, ErrorIfPathMissing: true})
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
}

// monitoringKinds returns the files that define the Prometheus Operator's kinds.
func monitoringKinds(t *testing.T) []string {
	t.Helper()
	dir, err := module.Module{
		Path:    "github.com/prometheus-operator/prometheus-operator",
		Version: "v0.85.0",
		Sum:     "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
	}.Download(t.Context())
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	folder := filepath.Join(dir, "example", "prometheus-operator-crd")
	return []string{
		filepath.Join(folder, "monitoring.coreos.com_servicemonitors.yaml"),
		filepath.Join(folder, "monitoring.coreos.com_prometheusrules.yaml"),
	}
}

// as returns the configuration of a client that is a service account.
func (s *server) as(t *testing.T, namespace, name string) *rest.Config {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	request := &authenticationv1.TokenRequest{}
	NewWithT(t).Expect(s.SubResource("token").Create(t.Context(), account, request)).To(Succeed())
	config := rest.AnonymousClientConfig(s.Config())
	config.BearerToken = request.Status.Token
	return config
}
