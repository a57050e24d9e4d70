package controlplane

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"

	"github.com/rehome-operator/rehome/test/controlplane/ports"
)

// credentials are the paths of certificates, keys and tokens.
type credentials struct {
	authority         string // certificate of the issuer of the serving certificate
	servingCert       string
	servingKey        string
	serviceAccountKey string
	tokens            string // static tokens of kube-apiserver: the administrator's
	kubeconfig        string // the administrator's
}

// writeCredentials makes credentials for the API server at address in folder dir.
func writeCredentials(dir, address string) (credentials, error) {
	c := credentials{
		authority:         filepath.Join(dir, "ca.crt"),
		servingCert:       filepath.Join(dir, "serving.crt"),
		servingKey:        filepath.Join(dir, "serving.key"),
		serviceAccountKey: filepath.Join(dir, "service-account.key"),
		tokens:            filepath.Join(dir, "tokens.csv"),
		kubeconfig:        filepath.Join(dir, "kubeconfig"),
	}
	serving, key, err := cert.GenerateSelfSignedCertKey(ports.Loopback, nil, []string{"localhost"})
	if err != nil {
		return c, fmt.Errorf("making the serving certificate: %w", err)
	}
	authority, err := lastCertificate(serving)
	if err != nil {
		return c, err
	}
	serviceAccountKey, err := keyutil.MakeEllipticPrivateKeyPEM()
	if err != nil {
		return c, fmt.Errorf("making the service account key: %w", err)
	}
	token := rand.Text()
	for path, content := range map[string][]byte{
		c.authority:         authority,
		c.servingCert:       serving,
		c.servingKey:        key,
		c.serviceAccountKey: serviceAccountKey,
		c.tokens:            []byte(token + ",admin,admin,system:masters\n"),
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return c, err
		}
	}
	return c, clientcmd.WriteToFile(adminKubeconfig(address, authority, token), c.kubeconfig)
}

// lastCertificate returns the issuer's certificate of a chain.
func lastCertificate(chain []byte) ([]byte, error) {
	certificates, err := cert.ParseCertsPEM(chain)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate chain: %w", err)
	}
	return cert.EncodeCertificates(certificates[len(certificates)-1])
}

func adminKubeconfig(address string, authority []byte, token string) clientcmdapi.Config {
	const name = "controlplane"
	return clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{name: {Server: address, CertificateAuthorityData: authority}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{name: {Token: token}},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: name}},
		CurrentContext: name,
	}
}

// adminConfig reads the administrator's kubeconfig. Its clients have no rate limit, because tests send bursts.
func (c credentials) adminConfig() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS = -1
	return config, nil
}
