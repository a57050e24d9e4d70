package certificates

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rehome-operator/rehome/pkg/patch"
)

const (
	// spread is how long API servers need to notice a changed bundle.
	spread = 2 * time.Second
	// checkInterval is how often the bundle is read: somebody can have replaced it.
	checkInterval = 10 * time.Second
	// retryInterval is how soon a failed read or write is repeated.
	retryInterval = time.Second
)

// +kubebuilder:rbac:roleName=rehome-webhook,groups=admissionregistration.k8s.io,resources=mutatingwebhookconfigurations,resourceNames=rehome-webhook,verbs=get;patch

// SelfSigned holds a certificate that it made itself, and adds it to the caBundle of one MutatingWebhookConfiguration. Replicas do so
// side by side. The names in the certificate are those under which the configuration reaches the webhook.
type SelfSigned struct {
	// Client patches, and Reader reads live: a cache would need the right to list and watch all configurations.
	Client client.Client
	Reader client.Reader
	// Name is that of the configuration.
	Name string
	// Replica names this process among others, and stays the same when it is started again.
	Replica string
	Clock   clock.Clock
	// Lifetime is how long a certificate is valid. Default: 7 days.
	Lifetime time.Duration

	mu sync.Mutex
	// current is served. next is served once API servers trust it; it is published since publishedAt.
	current, next *tls.Certificate
	publishedAt   time.Time
	trusted       chan struct{}
}

// Trusted is closed once API servers trust the certificate.
func (s *SelfSigned) Trusted() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trustedLocked()
}

func (s *SelfSigned) trustedLocked() chan struct{} {
	if s.trusted == nil {
		s.trusted = make(chan struct{})
	}
	return s.trusted
}

var errNoCertificate = errors.New("no certificate has been made yet")

// GetCertificate returns the certificate to serve.
func (s *SelfSigned) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.current != nil:
		return s.current, nil
	case s.next != nil:
		return s.next, nil
	default:
		return nil, errNoCertificate
	}
}

// Start makes, publishes and renews certificates until the context ends. Then it takes them out of the bundle.
func (s *SelfSigned) Start(ctx context.Context) error {
	failed := false
	for {
		wait, err := s.Step(ctx)
		if err != nil && !patch.IsStale(err) && ctx.Err() == nil && !failed {
			logf.FromContext(ctx).Error(err, "The webhook's certificate is not published", "configuration", s.Name)
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			s.withdraw()
			return nil
		case <-s.Clock.After(wait):
		}
	}
}

// Step does what is due, and returns how long to wait for the next step.
func (s *SelfSigned) Step(ctx context.Context) (time.Duration, error) {
	configuration := &admissionregistrationv1.MutatingWebhookConfiguration{}
	if err := s.Reader.Get(ctx, types.NamespacedName{Name: s.Name}, configuration); err != nil {
		return retryInterval, fmt.Errorf("get MutatingWebhookConfiguration %s: %w", s.Name, err)
	}
	now := s.Clock.Now()
	if err := s.prepare(hostsOf(configuration), now); err != nil {
		return retryInterval, err
	}
	changed, err := s.publish(ctx, configuration, now)
	if err != nil {
		return retryInterval, err
	}
	return s.advance(changed, now), nil
}

// prepare makes the next certificate where one is due.
func (s *SelfSigned) prepare(hosts []string, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	latest := s.next
	if latest == nil {
		latest = s.current
	}
	if latest != nil && now.Before(renewal(latest)) && covers(latest, hosts) {
		return nil
	}
	next, err := newLeaf(s.Replica, hosts, now, cmp.Or(s.Lifetime, lifetime))
	if err != nil {
		return err
	}
	s.next = next
	return nil
}

// publish adds the certificates to the bundles that lack them, and reports whether any did.
func (s *SelfSigned) publish(ctx context.Context, configuration *admissionregistrationv1.MutatingWebhookConfiguration, now time.Time) (bool, error) {
	own := s.own()
	return s.write(ctx, configuration, func(b bundle) bundle { return b.succeeding(s.Replica, own).with(own) }, now)
}

func (s *SelfSigned) own() bundle {
	s.mu.Lock()
	defer s.mu.Unlock()
	var own bundle
	for _, c := range []*tls.Certificate{s.current, s.next} {
		if c != nil {
			own = append(own, c.Leaf)
		}
	}
	return own
}

// write changes nothing of the configuration but bundles, and only the version that was read.
func (s *SelfSigned) write(
	ctx context.Context, configuration *admissionregistrationv1.MutatingWebhookConfiguration, change func(bundle) bundle, now time.Time,
) (bool, error) {
	operations := patch.Version(configuration.UID, configuration.ResourceVersion)
	pinned := len(operations)
	for i := range configuration.Webhooks {
		before := configuration.Webhooks[i].ClientConfig.CABundle
		after := change(parseBundle(before, now)).pem()
		if !bytes.Equal(before, after) {
			operations = append(operations, patch.Add(fmt.Sprintf("/webhooks/%d/clientConfig/caBundle", i), after))
		}
	}
	if len(operations) == pinned {
		return false, nil
	}
	p, err := patch.JSON(operations)
	if err != nil {
		return false, err
	}
	if err := s.Client.Patch(ctx, configuration, p); err != nil {
		return false, fmt.Errorf("publish a certificate: %w", err)
	}
	return true, nil
}

// advance serves the next certificate once API servers trust it, and returns how long to wait.
func (s *SelfSigned) advance(published bool, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if published || s.publishedAt.IsZero() {
		s.publishedAt = now
	}
	if s.next == nil {
		return checkInterval
	}
	if wait := s.publishedAt.Add(spread).Sub(now); wait > 0 {
		return wait
	}
	s.current, s.next = s.next, nil
	select {
	case <-s.trustedLocked():
	default:
		close(s.trusted)
	}
	return checkInterval
}

// withdraw takes the certificates out of the bundle. One that stays there does no harm: it expires.
func (s *SelfSigned) withdraw() {
	ctx, cancel := context.WithTimeout(context.Background(), spread)
	defer cancel()
	configuration := &admissionregistrationv1.MutatingWebhookConfiguration{}
	if err := s.Reader.Get(ctx, types.NamespacedName{Name: s.Name}, configuration); err != nil {
		return
	}
	own := s.own()
	_, _ = s.write(ctx, configuration, func(b bundle) bundle { return b.without(own) }, s.Clock.Now())
}

// hostsOf returns the names under which API servers reach the webhook.
func hostsOf(configuration *admissionregistrationv1.MutatingWebhookConfiguration) []string {
	var hosts []string
	seen := map[string]bool{}
	for i := range configuration.Webhooks {
		host := hostOf(&configuration.Webhooks[i].ClientConfig)
		if host != "" && !seen[host] {
			seen[host] = true
			hosts = append(hosts, host)
		}
	}
	return hosts
}

func hostOf(c *admissionregistrationv1.WebhookClientConfig) string {
	switch {
	case c.Service != nil:
		return c.Service.Name + "." + c.Service.Namespace + ".svc"
	case c.URL != nil:
		if u, err := url.Parse(*c.URL); err == nil {
			return u.Hostname()
		}
	}
	return ""
}
