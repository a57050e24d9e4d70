package certificates

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"time"
)

// maxBundle bounds how many certificates a bundle holds. Pods whose node crashed leave theirs behind.
const maxBundle = 16

// bundle is what API servers trust.
type bundle []*x509.Certificate

// parseBundle reads the certificates of a caBundle, and leaves out what is none or has expired.
func parseBundle(data []byte, now time.Time) bundle {
	var b bundle
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if block.Type == "CERTIFICATE" && err == nil && now.Before(certificate.NotAfter) && !b.holds(certificate) {
			b = append(b, certificate)
		}
	}
	return b
}

func (b bundle) holds(c *x509.Certificate) bool { return slices.ContainsFunc(b, c.Equal) }

// with returns the bundle with own certificates. Where it becomes too large, those that expire first go.
func (b bundle) with(own bundle) bundle {
	with := slices.Clone(b)
	for _, c := range own {
		if !with.holds(c) {
			with = append(with, c)
		}
	}
	for len(with) > maxBundle {
		first := -1
		for i, c := range with {
			if !own.holds(c) && (first < 0 || c.NotAfter.Before(with[first].NotAfter)) {
				first = i
			}
		}
		with = slices.Delete(with, first, first+1)
	}
	return with
}

// without returns the bundle without some certificates.
func (b bundle) without(own bundle) bundle {
	return slices.DeleteFunc(slices.Clone(b), own.holds)
}

// succeeding returns the bundle without what earlier processes of a replica left behind. Otherwise a replica that crashes again and
// again would fill the bundle, and the certificate of a replica that lives, which expires first, would go.
func (b bundle) succeeding(replica string, own bundle) bundle {
	return slices.DeleteFunc(slices.Clone(b), func(c *x509.Certificate) bool {
		return replica != "" && slices.Contains(c.Subject.OrganizationalUnit, replica) && !own.holds(c)
	})
}

func (b bundle) pem() []byte {
	var data bytes.Buffer
	for _, c := range b {
		_ = pem.Encode(&data, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}) // a buffer takes everything
	}
	return data.Bytes()
}
