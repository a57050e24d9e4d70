package archives

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	. "github.com/onsi/gomega"
	"github.com/secure-systems-lab/go-securesystemslib/encrypted"

	"github.com/rehome-operator/rehome/hack/release/sign"
	"github.com/rehome-operator/rehome/hack/release/test"
)

// newKey returns a key, and the settings that sign with it. Its file is as cosign makes it.
func newKey(t *testing.T) (*ecdsa.PrivateKey, []string) {
	t.Helper()
	g := NewWithT(t)
	const password = "secret"
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	g.Expect(err).NotTo(HaveOccurred())
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	g.Expect(err).NotTo(HaveOccurred())
	sealed, err := encrypted.Encrypt(encoded, []byte(password))
	g.Expect(err).NotTo(HaveOccurred())
	file := filepath.Join(t.TempDir(), "cosign.key")
	text := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED SIGSTORE PRIVATE KEY", Bytes: sealed})
	g.Expect(os.WriteFile(file, text, 0o600)).To(Succeed())
	return key, []string{"COSIGN_KEY=" + file, "COSIGN_PASSWORD=" + password}
}

// expectSignature verifies as `cosign verify-blob --key` does.
func expectSignature(t *testing.T, key *ecdsa.PrivateKey, content []byte, text string) {
	t.Helper()
	g := NewWithT(t)
	signature, err := base64.StdEncoding.DecodeString(text)
	g.Expect(err).NotTo(HaveOccurred())
	digest := sha256.Sum256(content)
	g.Expect(ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature)).To(BeTrue())
}

func (r *release) testSignature(t *testing.T, key *ecdsa.PrivateKey) {
	g := NewWithT(t)
	content, err := os.ReadFile(filepath.Join(r.dir, "checksums.txt"))
	g.Expect(err).NotTo(HaveOccurred())
	signature, err := os.ReadFile(filepath.Join(r.dir, "checksums.txt.sig"))
	g.Expect(err).NotTo(HaveOccurred())
	expectSignature(t, key, content, string(signature))
}

// testChart pushes the chart to a registry of its own, and compares what is there.
func (r *release) testChart(t *testing.T, clone string, key *ecdsa.PrivateKey, settings []string) {
	g := NewWithT(t)
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	charts := strings.TrimPrefix(server.URL, "http://") + "/charts"
	test.Make(t, clone, settings, "release-chart", "CHARTS=oci://"+charts, "CHARTS_FLAGS=--plain-http")

	version := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(r.chart(t)), "rehome-"), ".tgz")
	tag, err := name.NewTag(charts + "/rehome:" + version)
	g.Expect(err).NotTo(HaveOccurred())
	pushed, err := remote.Get(tag)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(pushed.Manifest)).To(ContainSubstring("sha256:" + sum(t, r.chart(t))))

	signature, err := remote.Image(sign.Tag(tag.Context().Digest(pushed.Digest.String())))
	g.Expect(err).NotTo(HaveOccurred())
	layers, err := signature.Layers()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(layers).To(HaveLen(1))
	reader, err := layers[0].Uncompressed()
	g.Expect(err).NotTo(HaveOccurred())
	payload, err := io.ReadAll(reader)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(payload)).To(ContainSubstring(pushed.Digest.String()))
	manifest, err := signature.Manifest()
	g.Expect(err).NotTo(HaveOccurred())
	expectSignature(t, key, payload, manifest.Layers[0].Annotations["dev.cosignproject.cosign/signature"])
}
