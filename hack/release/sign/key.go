// Package sign signs files and images with a key of cosign, in the format that `cosign verify-blob` and `cosign verify` read.
package sign

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
)

// The types of PEM blocks that hold keys: those of `cosign generate-key-pair`, and of openssl.
const (
	typeSigstore = "ENCRYPTED SIGSTORE PRIVATE KEY"
	typeCosign   = "ENCRYPTED COSIGN PRIVATE KEY"
	typePKCS8    = "PRIVATE KEY"
)

// ReadKey reads a private key in PEM. The password is that of an encrypted key.
func ReadKey(text, password []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("the key is not in PEM")
	}
	encoded := block.Bytes
	switch block.Type {
	case typePKCS8:
	case typeSigstore, typeCosign:
		var err error
		if encoded, err = encrypted.Decrypt(block.Bytes, password); err != nil {
			return nil, fmt.Errorf("decrypt the key with the password in COSIGN_PASSWORD: %w", err)
		}
	default:
		return nil, fmt.Errorf("the key is of type %q: make one by `cosign generate-key-pair`", block.Type)
	}
	key, err := x509.ParsePKCS8PrivateKey(encoded)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	ecdsaKey, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the key is %T, not ECDSA as those of cosign", key)
	}
	return ecdsaKey, nil
}
