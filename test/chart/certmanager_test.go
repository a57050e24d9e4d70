package chart

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/rehome-operator/rehome/test/controlplane/module"
)

// defineCertManager creates the CustomResourceDefinitions of cert-manager.
func (s *server) defineCertManager(t *testing.T) {
	t.Helper()
	g := NewWithT(t)
	dir, err := module.Module{
		Path: "github.com/cert-manager/cert-manager", Version: "v1.18.2", Sum: "h1:H2P75ycGcTMauV3gvpkDqLdS3RSXonWF2S49QGA1PZE=",
	}.Download(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	var definitions []*apiextensionsv1.CustomResourceDefinition
	for _, kind := range []string{"certificates", "issuers"} {
		definition := &apiextensionsv1.CustomResourceDefinition{}
		g.Expect(yaml.Unmarshal([]byte(read(t, filepath.Join(dir, "deploy", "crds", "crd-"+kind+".yaml"))), definition)).To(Succeed())
		definition.Labels = nil // Helm's templates
		definitions = append(definitions, definition)
	}
	_, err = envtest.InstallCRDs(s.Config(), envtest.CRDInstallOptions{CRDs: definitions})
	g.Expect(err).NotTo(HaveOccurred())
}

// testCertManager stands in for cert-manager and for the kubelet.
func testCertManager(t *testing.T, s *server) {
	g := NewWithT(t)
	s.install(t, certManager)
	m := &issuer{server: s, t: t, secrets: map[string]*keyPair{}}
	secret := mountedSecret{t, t.TempDir()}
	secret.write(m.issue("rehome-webhook"))
	address := s.reachWebhook(t, secret.dir)
	m.inject()
	o := s.runOperator(t)
	s.expectAnswers(t)
	before := served(t, address)

	t.Log("renewing the certificate: no request is lost until the operator has read it")
	delete(m.secrets, "rehome-webhook")
	renewed := m.issue("rehome-webhook")
	m.inject()
	for begun := time.Now(); time.Since(begun) < time.Second; {
		asked := time.Now()
		g.Expect(s.isRewritten(t.Context())).To(BeTrue(), func() string {
			return fmt.Sprintf("asked %s after the renewal, answered after %s; the operator's log:\n%s", asked.Sub(begun), time.Since(asked), read(t, o.log))
		})
	}
	secret.write(renewed)
	g.Eventually(func() string {
		g.Expect(s.isRewritten(t.Context())).To(BeTrue())
		return served(t, address)
	}).WithTimeout(soon).Should(And(Not(Equal(before)), Equal(renewed.certificate.SerialNumber.String())))
	g.Expect(read(t, o.log)).NotTo(ContainSubstring("forbidden"))
}

func testExistingCertificate(t *testing.T, s *server) {
	ca := newKeyPair(t, nil, nil)
	s.install(t, fmt.Sprintf("webhook: {certificates: Existing, existingSecret: theirs, caBundle: %s}", base64.StdEncoding.EncodeToString(ca.pem())))
	secret := mountedSecret{t, t.TempDir()}
	secret.write(newKeyPair(t, ca, []string{"127.0.0.1"}))
	s.reachWebhook(t, secret.dir)
	s.runOperator(t)
	s.expectAnswers(t)
}

// issuer does what cert-manager does with the objects of the chart.
type issuer struct {
	*server
	t       *testing.T
	secrets map[string]*keyPair
}

// issue returns the content of the Secret of a Certificate.
func (m *issuer) issue(name string) *keyPair {
	m.t.Helper()
	g := NewWithT(m.t)
	certificate := m.get("Certificate", name)
	secret, _, _ := unstructured.NestedString(certificate.Object, "spec", "secretName")
	if issued := m.secrets[secret]; issued != nil {
		return issued
	}
	by, _, _ := unstructured.NestedString(certificate.Object, "spec", "issuerRef", "name")
	ca, signs, _ := unstructured.NestedString(m.get("Issuer", by).Object, "spec", "ca", "secretName")
	var parent *keyPair
	if signs {
		parent = m.issue(ca) // its Secret and its Certificate have one name
		g.Expect(parent.certificate.IsCA).To(BeTrue())
	}
	hosts, _, _ := unstructured.NestedStringSlice(certificate.Object, "spec", "dnsNames")
	if len(hosts) > 0 {
		g.Expect(hosts).To(ConsistOf("rehome-webhook.rehome-system.svc"))
		hosts = append(hosts, "127.0.0.1")
	}
	m.secrets[secret] = newKeyPair(m.t, parent, hosts)
	return m.secrets[secret]
}

// inject sets caBundle to the CA of the Certificate that the annotation names.
func (m *issuer) inject() {
	m.t.Helper()
	g := NewWithT(m.t)
	configuration := m.webhookConfiguration(m.t)
	g.Expect(configuration.Annotations).To(HaveKeyWithValue("cert-manager.io/inject-ca-from", ownNamespace+"/rehome-webhook"))
	ca := m.issue("rehome-webhook").ca
	for i := range configuration.Webhooks {
		configuration.Webhooks[i].ClientConfig.CABundle = ca.pem()
	}
	g.Expect(m.Update(m.t.Context(), configuration)).To(Succeed())
}

func (m *issuer) get(kind, name string) *unstructured.Unstructured {
	m.t.Helper()
	object := &unstructured.Unstructured{}
	object.SetAPIVersion("cert-manager.io/v1")
	object.SetKind(kind)
	NewWithT(m.t).Expect(m.Get(m.t.Context(), client.ObjectKey{Namespace: ownNamespace, Name: name}, object)).To(Succeed())
	return object
}

// keyPair is a certificate, its key, and the CA that signed it, which can be itself.
type keyPair struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	ca          *keyPair
}

// newKeyPair makes a certificate for hosts, or a CA without hosts. It signs itself where there is no CA.
func newKeyPair(t *testing.T, ca *keyPair, hosts []string) *keyPair {
	t.Helper()
	g := NewWithT(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	g.Expect(err).NotTo(HaveOccurred())
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	g.Expect(err).NotTo(HaveOccurred())
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: serial.String()}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: len(hosts) == 0, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	k := &keyPair{certificate: template, key: key, ca: ca}
	if ca == nil {
		k.ca = k
	}
	der, err := x509.CreateCertificate(rand.Reader, template, k.ca.certificate, key.Public(), k.ca.key)
	g.Expect(err).NotTo(HaveOccurred())
	k.certificate, err = x509.ParseCertificate(der)
	g.Expect(err).NotTo(HaveOccurred())
	return k
}

func (k *keyPair) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.certificate.Raw})
}

// mountedSecret is a folder in which the kubelet mounts a Secret.
type mountedSecret struct {
	t   *testing.T
	dir string
}

// write replaces the content in one step, by a link to a new folder.
func (m mountedSecret) write(k *keyPair) {
	m.t.Helper()
	g := NewWithT(m.t)
	key, err := x509.MarshalECPrivateKey(k.key)
	g.Expect(err).NotTo(HaveOccurred())
	content, err := os.MkdirTemp(m.dir, "..content-")
	g.Expect(err).NotTo(HaveOccurred())
	for name, data := range map[string][]byte{
		"tls.crt": k.pem(), "tls.key": pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key}),
	} {
		g.Expect(os.WriteFile(filepath.Join(content, name), data, 0o600)).To(Succeed())
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(m.dir, name)); !os.IsExist(err) {
			g.Expect(err).NotTo(HaveOccurred())
		}
	}
	next := filepath.Join(m.dir, "..next")
	g.Expect(os.Symlink(content, next)).To(Succeed())
	g.Expect(os.Rename(next, filepath.Join(m.dir, "..data"))).To(Succeed())
}

// served returns the serial number of the certificate that the webhook serves.
func served(t *testing.T, address string) string {
	t.Helper()
	g := NewWithT(t)
	connection, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // it is not trusted
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = connection.Close() }()
	return connection.ConnectionState().PeerCertificates[0].SerialNumber.String()
}
