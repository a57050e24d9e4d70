package alternatives

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// floor is a webhook that reads nothing and decides nothing: it repeats Rehome's answers. What it adds to a create is the work of
// Kubernetes for any webhook with this patch.
type floor struct {
	// rehome is the URL of Rehome's webhook.
	rehome string
	client *http.Client

	mu sync.Mutex
	// answers has those of the Clusters that were asked about, by the length of the request, and with the UID of the first one.
	answers map[int]answer
}

type answer struct{ uid, body []byte }

var requestUID = regexp.MustCompile(`"uid":"([^"]+)"`) // the first one is that of the request

func (f *floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		body, err = f.repeat(body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}

func (f *floor) repeat(body []byte) ([]byte, error) {
	uid := requestUID.FindSubmatch(body)
	if uid == nil {
		return nil, errors.New("the request has no UID")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	known, ok := f.answers[len(body)]
	if !ok {
		answered, err := f.ask(body)
		if err != nil {
			return nil, err
		}
		known = answer{uid[1], answered}
		f.answers[len(body)] = known
	}
	return bytes.Replace(known.body, known.uid, uid[1], 1), nil
}

func (f *floor) ask(body []byte) (answered []byte, err error) {
	response, err := f.client.Post(f.rehome, "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("Rehome's webhook answers %s", response.Status) //nolint:staticcheck // a name
	}
	return io.ReadAll(response.Body)
}

// startFloor serves a floor for floorNamespace, given Rehome's configuration, and returns how to stop it.
func (e *serverEnv) startFloor(ctx context.Context, own *admissionregistrationv1.MutatingWebhookConfiguration) (stop func(), err error) {
	f := &floor{
		rehome: *own.Webhooks[0].ClientConfig.URL, answers: map[int]answer{},
		client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}, //nolint:gosec // on this machine
	}
	server := httptest.NewTLSServer(f)
	configuration := &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "floor"}}
	for _, webhook := range own.Webhooks {
		url := server.URL
		webhook.ClientConfig = admissionregistrationv1.WebhookClientConfig{URL: &url, CABundle: certificateOf(server.Certificate())}
		webhook.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: floorNamespace}}
		configuration.Webhooks = append(configuration.Webhooks, webhook)
	}
	if err := e.client.Create(ctx, configuration); err != nil {
		server.Close()
		return nil, fmt.Errorf("create the floor's configuration: %w", err)
	}
	return server.Close, nil
}

func certificateOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
