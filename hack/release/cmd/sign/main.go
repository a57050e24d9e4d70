// Command sign signs a file, or an image in a registry, with a key of cosign. The password of the key is in COSIGN_PASSWORD, and the
// credentials for the registry are those of docker and skopeo.
package main

import (
	"crypto/ecdsa"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/rehome-operator/rehome/hack/release/sign"
)

func main() {
	keyFile := flag.String("key", "", "file with the private key")
	file := flag.String("file", "", "file to sign; the signature is written to FILE.sig")
	image := flag.String("image", "", "image or chart to sign, as REPOSITORY@DIGEST")
	flag.Parse()
	if err := run(*keyFile, *file, *image); err != nil {
		fmt.Fprintln(os.Stderr, "sign:", err)
		os.Exit(1)
	}
}

func run(keyFile, file, image string) error {
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return fmt.Errorf("read the key, which COSIGN_KEY names: %w", err)
	}
	key, err := sign.ReadKey(text, []byte(os.Getenv("COSIGN_PASSWORD")))
	switch {
	case err != nil:
		return err
	case file != "":
		return signFile(key, file)
	case image != "":
		return signImage(key, image)
	}
	return errors.New("nothing to sign: give --file or --image")
}

func signFile(key *ecdsa.PrivateKey, file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	signature, err := sign.Blob(key, content)
	if err != nil {
		return err
	}
	return os.WriteFile(file+".sig", []byte(signature), 0o644)
}

func signImage(key *ecdsa.PrivateKey, image string) error {
	digest, err := name.NewDigest(image)
	if err != nil {
		return err
	}
	return sign.Image(key, digest, remote.WithAuthFromKeychain(authn.DefaultKeychain))
}
