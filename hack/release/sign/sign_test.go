package sign

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	. "github.com/onsi/gomega"
	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
)

// newKey returns a key, and the file that cosign would make of it with a password.
func newKey(t *testing.T, password string) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	g := NewWithT(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	g.Expect(err).NotTo(HaveOccurred())
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	g.Expect(err).NotTo(HaveOccurred())
	block := &pem.Block{Type: typePKCS8, Bytes: encoded}
	if password != "" {
		block.Type = typeSigstore
		block.Bytes, err = encrypted.Encrypt(encoded, []byte(password))
		g.Expect(err).NotTo(HaveOccurred())
	}
	return key, pem.EncodeToMemory(block)
}

func TestReadKeyReadsKeysOfCosignAndOpenSSL(t *testing.T) {
	g := NewWithT(t)
	for _, password := range []string{"", "secret"} {
		key, text := newKey(t, password)
		read, err := ReadKey(text, []byte(password))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(read.Equal(key)).To(BeTrue())
	}
}

func TestReadKeySaysWhatIsWrong(t *testing.T) {
	g := NewWithT(t)
	_, text := newKey(t, "secret")
	for message, input := range map[string][]byte{
		"is not in PEM":        []byte("a key"),
		"COSIGN_PASSWORD":      text,
		`of type "PUBLIC KEY"`: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY"}),
	} {
		_, err := ReadKey(input, []byte("wrong"))
		g.Expect(err).To(MatchError(ContainSubstring(message)))
	}
}

// TestABlobIsVerifiedByItsPublicKey verifies as `openssl dgst -sha256 -verify` does. cosign's own format is the signature in base64.
func TestABlobIsVerifiedByItsPublicKey(t *testing.T) {
	g := NewWithT(t)
	key, _ := newKey(t, "")
	public, ok := key.Public().(*ecdsa.PublicKey)
	g.Expect(ok).To(BeTrue())
	text, err := Blob(key, []byte("checksums"))
	g.Expect(err).NotTo(HaveOccurred())
	signature, err := base64.StdEncoding.DecodeString(text)
	g.Expect(err).NotTo(HaveOccurred())

	verify := func(blob string) bool {
		digest := sha256.Sum256([]byte(blob))
		return ecdsa.VerifyASN1(public, digest[:], signature)
	}
	g.Expect(verify("checksums")).To(BeTrue())
	g.Expect(verify("x")).To(BeFalse())
}

func TestImageWritesASignatureBesideTheImage(t *testing.T) {
	g := NewWithT(t)
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	tag, err := name.NewTag(strings.TrimPrefix(server.URL, "http://") + "/rehome:1")
	g.Expect(err).NotTo(HaveOccurred())
	image, err := random.Image(64, 1)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(remote.Write(tag, image)).To(Succeed())
	hash, err := image.Digest()
	g.Expect(err).NotTo(HaveOccurred())
	digest := tag.Context().Digest(hash.String())
	key, _ := newKey(t, "")

	g.Expect(Image(key, digest)).To(Succeed())

	signature, err := remote.Image(tag.Context().Tag("sha256-" + hash.Hex + ".sig"))
	g.Expect(err).NotTo(HaveOccurred())
	manifest, err := signature.Manifest()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(manifest.Layers).To(HaveLen(1))
	layers, err := signature.Layers()
	g.Expect(err).NotTo(HaveOccurred())
	reader, err := layers[0].Uncompressed()
	g.Expect(err).NotTo(HaveOccurred())
	content, err := io.ReadAll(reader)
	g.Expect(err).NotTo(HaveOccurred())
	expectSigned(g, key, content, manifest.Layers[0].Annotations[signatureAnnotation])

	var signed payload
	g.Expect(json.Unmarshal(content, &signed)).To(Succeed())
	g.Expect(signed.Critical.Image.Digest).To(Equal(hash.String()))
	g.Expect(signed.Critical.Identity.Reference).To(Equal(tag.Context().Name()))
}

func expectSigned(g Gomega, key *ecdsa.PrivateKey, content []byte, text string) {
	signature, err := base64.StdEncoding.DecodeString(text)
	g.Expect(err).NotTo(HaveOccurred())
	digest := sha256.Sum256(content)
	g.Expect(ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature)).To(BeTrue())
}
