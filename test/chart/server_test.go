package chart

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/module"
)

// soon bounds every wait.
const soon = time.Minute

// server is a control plane with two nodes, and its administrator's client, which refuses unknown fields.
type server struct {
	*controlplane.ControlPlane
	client.Client
}

func TestMain(m *testing.M) {
	// The logs of client libraries would hide the failures.
	ctrllog.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

// startServer starts a control plane. That takes seconds, so tests that leave it as it was share one.
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

// createNamespaces creates the operator's Namespace, which accepts restricted Pods only, and those of users.
func (s *server) createNamespaces(t *testing.T) {
	t.Helper()
	names := []string{ownNamespace, managed, "bank", unmanaged}
	for _, name := range names {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if name == ownNamespace {
			namespace.Labels = map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}
		}
		NewWithT(t).Expect(s.Create(t.Context(), namespace)).To(Succeed())
	}
	for _, name := range names {
		s.awaitDefaults(t, name)
	}
}

// awaitDefaults waits for the objects that Kubernetes' own controllers create in each Namespace. A test that compares all objects
// before and after would otherwise blame Rehome for them.
func (s *server) awaitDefaults(t *testing.T, namespace string) {
	t.Helper()
	for name, object := range map[string]client.Object{"default": &corev1.ServiceAccount{}, "kube-root-ca.crt": &corev1.ConfigMap{}} {
		NewWithT(t).Eventually(func() error {
			return s.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, object)
		}).WithTimeout(soon).Should(Succeed(), "%s/%s", namespace, name)
	}
}

// define creates the CustomResourceDefinitions in files or folders.
func (s *server) define(t *testing.T, paths ...string) {
	t.Helper()
	_, err := envtest.InstallCRDs(s.Config(), envtest.CRDInstallOptions{Paths: paths, ErrorIfPathMissing: true})
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
}

// defineKubeBlocks creates the CustomResourceDefinitions of KubeBlocks 1.1, which has the kinds of 1.0 and Instances.
func (s *server) defineKubeBlocks(t *testing.T) {
	t.Helper()
	_, err := envtest.InstallCRDs(s.Config(), envtest.CRDInstallOptions{CRDs: rehometesting.V11().CRDs()})
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
}

// monitoringKinds returns the files with the CustomResourceDefinitions of the Prometheus Operator.
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

// apply applies an object, as kubectl does with --server-side.
func (s *server) apply(t *testing.T, object *unstructured.Unstructured, options ...client.ApplyOption) error {
	t.Helper()
	options = append(options, client.FieldOwner("test"), client.ForceOwnership)
	return s.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(object.DeepCopy()), options...)
}

// helm runs helm against the server, in the operator's Namespace.
func (s *server) helm(t *testing.T, values string, args ...string) {
	t.Helper()
	// A cleanup uses helm, too, when the test's context has ended.
	_, err := helm(context.WithoutCancel(t.Context()), t, values,
		append(args, "--kubeconfig", s.Kubeconfig(), "--namespace", ownNamespace, "--timeout", soon.String())...)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
}

// as returns the client configuration of a service account.
func (s *server) as(t *testing.T, namespace, name string) *rest.Config {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	request := &authenticationv1.TokenRequest{}
	NewWithT(t).Expect(s.SubResource("token").Create(t.Context(), account, request)).To(Succeed())
	config := rest.AnonymousClientConfig(s.Config())
	config.BearerToken = request.Status.Token
	return config
}
