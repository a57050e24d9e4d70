package certificates

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"slices"
	"time"
)

const (
	// lifetime is how long a certificate is valid by default. Its successor is made after two thirds of it.
	lifetime = 7 * 24 * time.Hour
	// clockSkew is how far the clock of an API server may be behind.
	clockSkew = 2 * time.Hour
)

// newLeaf makes a self-signed certificate of a replica for hosts. It cannot sign others.
func newLeaf(replica string, hosts []string, now time.Time, lifetime time.Duration) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("make a serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               subject(replica),
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.Add(lifetime),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse a new certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

func subject(replica string) pkix.Name {
	name := pkix.Name{CommonName: "rehome-webhook"}
	if replica != "" {
		name.OrganizationalUnit = []string{replica}
	}
	return name
}

// renewal is when the successor of a certificate is made.
func renewal(c *tls.Certificate) time.Time {
	made := c.Leaf.NotBefore.Add(clockSkew)
	return c.Leaf.NotAfter.Add(-c.Leaf.NotAfter.Sub(made) / 3)
}

// covers reports whether a certificate is for exactly these hosts.
func covers(c *tls.Certificate, hosts []string) bool {
	names := slices.Clone(c.Leaf.DNSNames)
	for _, ip := range c.Leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(hosts)))
}
