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

// floor is a webhook that decides nothing: it repeats Rehome's answers. What it adds to a create is the work of Kubernetes for any webhook
// with this patch, and, if it reads, for any webhook that has to know the Backup.
type floor struct {
	// rehome is the URL of Rehome's webhook.
	rehome string
	client *http.Client
	// read reads the Backup, which has the name of the Cluster; nil reads nothing.
	read func(ctx context.Context, name string) error

	mu sync.Mutex
	// answers has those of the Clusters that were asked about, by the length of the request, and with the UID of the first one.
	answers map[int]answer
}

type answer struct{ uid, body []byte }

// Of several matches, the first is the request's own.
var (
	requestUID  = regexp.MustCompile(`"uid":"([^"]+)"`)
	requestName = regexp.MustCompile(`"name":"([^"]+)"`)
)

func (f *floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		body, err = f.answer(r.Context(), body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}

func (f *floor) answer(ctx context.Context, body []byte) ([]byte, error) {
	uid, name := requestUID.FindSubmatch(body), requestName.FindSubmatch(body)
	if uid == nil || name == nil {
		return nil, errors.New("the request has no UID or no name")
	}
	if f.read != nil {
		if err := f.read(ctx, string(name[1])); err != nil {
			return nil, err
		}
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

// startFloors serves a floor for each of its Namespaces, and returns how to stop those that were started.
func (e *serverEnv) startFloors(ctx context.Context, own *admissionregistrationv1.MutatingWebhookConfiguration) (stop func(), err error) {
	var stops []func()
	stop = func() {
		for _, one := range stops {
			one()
		}
	}
	for _, namespace := range []string{floorNamespace, readingFloorNamespace} {
		one, err := e.startFloor(ctx, own, namespace)
		if err != nil {
			return stop, err
		}
		stops = append(stops, one)
	}
	return stop, nil
}

// startFloor serves a floor for one of its Namespaces, given Rehome's configuration, and returns how to stop it.
func (e *serverEnv) startFloor(
	ctx context.Context, own *admissionregistrationv1.MutatingWebhookConfiguration, namespace string,
) (stop func(), err error) {
	f := &floor{
		rehome: *own.Webhooks[0].ClientConfig.URL, answers: map[int]answer{},
		client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}, //nolint:gosec // on this machine
	}
	if namespace == readingFloorNamespace {
		f.read = func(ctx context.Context, name string) error { return e.getBackup(ctx, namespace, name) }
	}
	server := httptest.NewTLSServer(f)
	configuration := &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	for _, webhook := range own.Webhooks {
		url := server.URL
		webhook.ClientConfig = admissionregistrationv1.WebhookClientConfig{URL: &url, CABundle: certificateOf(server.Certificate())}
		webhook.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}}
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
