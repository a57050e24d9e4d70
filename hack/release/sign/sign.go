package sign

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Blob returns the signature of bytes, as `cosign sign-blob` prints it.
func Blob(key *ecdsa.PrivateKey, content []byte) (string, error) {
	digest := sha256.Sum256(content)
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	return base64.StdEncoding.EncodeToString(signature), err
}

// The format of an image's signature: an image with one layer, whose annotation holds the signature.
const (
	payloadType         = types.MediaType("application/vnd.dev.cosign.simplesigning.v1+json")
	signatureAnnotation = "dev.cosignproject.cosign/signature"
)

// payload is what is signed for an image.
type payload struct {
	Critical critical       `json:"critical"`
	Optional map[string]any `json:"optional"`
}

type critical struct {
	Identity struct {
		Reference string `json:"docker-reference"`
	} `json:"identity"`
	Image struct {
		Digest string `json:"docker-manifest-digest"`
	} `json:"image"`
	Type string `json:"type"`
}

// Tag returns the tag of the signature of an image or of a chart.
func Tag(image name.Digest) name.Tag {
	return image.Tag(strings.Replace(image.DigestStr(), ":", "-", 1) + ".sig")
}

// Image signs what a registry has under a digest, and writes the signature beside it.
func Image(key *ecdsa.PrivateKey, image name.Digest, options ...remote.Option) error {
	p := payload{Critical: critical{Type: "cosign container image signature"}}
	p.Critical.Identity.Reference = image.Repository.Name()
	p.Critical.Image.Digest = image.DigestStr()
	content, err := json.Marshal(p)
	if err != nil {
		return err
	}
	signature, err := Blob(key, content)
	if err != nil {
		return err
	}
	signed, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), mutate.Addendum{
		Layer:       static.NewLayer(content, payloadType),
		Annotations: map[string]string{signatureAnnotation: signature},
	})
	if err != nil {
		return fmt.Errorf("make the signature of %s: %w", image, err)
	}
	if err := remote.Write(Tag(image), mutate.ConfigMediaType(signed, types.OCIConfigJSON), options...); err != nil {
		return fmt.Errorf("write the signature of %s: %w", image, err)
	}
	return nil
}
