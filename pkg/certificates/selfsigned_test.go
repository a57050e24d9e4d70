package certificates

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

const host = "rehome-webhook.rehome-system.svc"

// site is an API server that holds the configuration, and replicas that publish certificates in it.
type site struct {
	*WithT
	client client.WithWatch
	clock  *clocktesting.FakeClock
}

func newSite(t *testing.T, bundle ...byte) *site {
	service := &admissionregistrationv1.ServiceReference{Namespace: "rehome-system", Name: "rehome-webhook"}
	configuration := &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "rehome-webhook", UID: "one"}}
	for _, name := range []string{"clusters.rehome.kubeblocks.io", "restores.rehome.kubeblocks.io"} {
		configuration.Webhooks = append(configuration.Webhooks, admissionregistrationv1.MutatingWebhook{
			Name: name, SideEffects: ptr.To(admissionregistrationv1.SideEffectClassNone), AdmissionReviewVersions: []string{"v1"},
			ClientConfig: admissionregistrationv1.WebhookClientConfig{Service: service, CABundle: bundle},
		})
	}
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	return &site{NewWithT(t), fake.NewClientBuilder().WithObjects(configuration).Build(), clocktesting.NewFakeClock(now)}
}

func (s *site) replica() *SelfSigned {
	return &SelfSigned{Client: s.client, Reader: s.client, Name: "rehome-webhook", Clock: s.clock}
}

func (s *site) step(r *SelfSigned) time.Duration {
	wait, err := r.Step(context.Background())
	s.Expect(err).NotTo(HaveOccurred())
	return wait
}

// start brings a replica to where API servers trust it.
func (s *site) start() *SelfSigned {
	r := s.replica()
	s.Expect(s.step(r)).To(Equal(spread))
	s.Expect(r.Trusted()).NotTo(BeClosed())
	s.clock.Step(spread)
	s.step(r)
	s.Expect(r.Trusted()).To(BeClosed())
	return r
}

func (s *site) configuration() *admissionregistrationv1.MutatingWebhookConfiguration {
	c := &admissionregistrationv1.MutatingWebhookConfiguration{}
	s.Expect(s.client.Get(context.Background(), client.ObjectKey{Name: "rehome-webhook"}, c)).To(Succeed())
	return c
}

// trusts reports whether API servers that read the bundle now trust what the replica serves now.
func (s *site) trusts(r *SelfSigned) error {
	served, err := r.GetCertificate(nil)
	s.Expect(err).NotTo(HaveOccurred())
	for _, w := range s.configuration().Webhooks {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(w.ClientConfig.CABundle)
		if _, err := served.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, CurrentTime: s.clock.Now()}); err != nil {
			return err
		}
	}
	return nil
}

func (s *site) bundle() bundle {
	return parseBundle(s.configuration().Webhooks[0].ClientConfig.CABundle, s.clock.Now())
}

func TestReplicasAreTrustedSideBySide(t *testing.T) {
	s := newSite(t)
	a, b := s.start(), s.start()

	s.Expect(s.trusts(a)).To(Succeed())
	s.Expect(s.trusts(b)).To(Succeed())
	s.Expect(s.bundle()).To(HaveLen(2))
}

func TestTheKeyIsAnECDSALeafThatSignsNothing(t *testing.T) {
	s := newSite(t)
	served, err := s.start().GetCertificate(nil)

	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(served.Leaf.IsCA).To(BeFalse())
	s.Expect(served.Leaf.PublicKeyAlgorithm).To(Equal(x509.ECDSA))
	s.Expect(served.Leaf.DNSNames).To(Equal([]string{host}))
	s.Expect(served.Leaf.NotAfter.Sub(s.clock.Now())).To(BeNumerically("~", lifetime, time.Minute))
}

// At every moment of three lifetimes, what is served is trusted for long enough that API servers know it.
func TestARenewalLosesNoRequest(t *testing.T) {
	s := newSite(t)
	r := s.start()
	first, _ := r.GetCertificate(nil)
	end := s.clock.Now().Add(3 * lifetime)
	serials := map[string]bool{}
	var trustedSince time.Time
	for s.clock.Now().Before(end) {
		served, _ := r.GetCertificate(nil)
		serials[served.Leaf.SerialNumber.String()] = true
		s.Expect(s.trusts(r)).To(Succeed())
		before := len(s.bundle())
		wait := s.step(r)
		if len(s.bundle()) > before {
			trustedSince = s.clock.Now()
		}
		now, _ := r.GetCertificate(nil)
		if now != served {
			s.Expect(s.clock.Since(trustedSince)).To(BeNumerically(">=", spread))
		}
		s.clock.Step(max(wait, spread) + time.Hour*min(1, wait/checkInterval))
	}
	s.Expect(len(serials)).To(BeNumerically(">=", 4))
	s.Expect(s.bundle()).To(HaveLen(2), "expired certificates go")
	s.Expect(first.Leaf.NotAfter).To(BeTemporally("<", s.clock.Now()))
}

// API servers and other replicas have clocks of their own.
func TestReplicasWhoseClocksAreTwoHoursApartAreTrustedAtEveryMoment(t *testing.T) {
	s := newSite(t)
	var replicas []*SelfSigned
	var clocks []*clocktesting.FakeClock
	for _, ahead := range []time.Duration{-time.Hour, time.Hour} {
		clock := clocktesting.NewFakeClock(s.clock.Now().Add(ahead))
		r := s.replica()
		r.Clock = clock
		replicas, clocks = append(replicas, r), append(clocks, clock)
	}
	for end := s.clock.Now().Add(3 * lifetime); s.clock.Now().Before(end); {
		for _, r := range replicas {
			s.step(r)
		}
		for _, r := range replicas {
			s.Expect(s.trusts(r)).To(Succeed())
		}
		for _, clock := range append(clocks, s.clock) {
			clock.Step(time.Hour)
		}
	}
	s.Expect(len(s.bundle())).To(BeNumerically("<=", 2*len(replicas)), "expired certificates go")
}

func TestABundleThatSomebodyReplacedIsFilledAgain(t *testing.T) {
	s := newSite(t)
	r := s.start()
	c := s.configuration()
	c.Webhooks[1].ClientConfig.CABundle = nil
	s.Expect(s.client.Update(context.Background(), c)).To(Succeed())
	s.Expect(s.trusts(r)).NotTo(Succeed())

	s.step(r)

	s.Expect(s.trusts(r)).To(Succeed())
}

func TestNothingIsWrittenWhereNothingIsDue(t *testing.T) {
	s := newSite(t)
	r := s.start()
	before := s.configuration().ResourceVersion
	for range 10 {
		s.clock.Step(s.step(r))
	}
	s.Expect(s.configuration().ResourceVersion).To(Equal(before))
}

func TestABundleIsBoundedAndKeepsItsOwn(t *testing.T) {
	s := newSite(t)
	for range 30 {
		s.start()
		s.clock.Step(time.Minute)
	}
	s.Expect(s.bundle()).To(HaveLen(maxBundle))
	r := s.start()
	s.Expect(s.trusts(r)).To(Succeed())
	s.Expect(s.bundle()).To(HaveLen(maxBundle))
}

// A replica that crashes takes no certificate along.
func TestAReplicaThatCrashesAgainAndAgainPushesOutNoOther(t *testing.T) {
	s := newSite(t)
	other := s.start()
	for range 3 * maxBundle {
		s.clock.Step(time.Minute)
		crashing := s.replica()
		crashing.Replica = "rehome-b"
		s.step(crashing)
		s.Expect(s.trusts(other)).To(Succeed())
		s.Expect(s.trusts(crashing)).To(Succeed())
	}
	s.Expect(s.bundle()).To(HaveLen(2))
}

func TestWhatIsNoCertificateIsDropped(t *testing.T) {
	s := newSite(t, []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\nrubbish")...)
	r := s.start()
	s.Expect(s.trusts(r)).To(Succeed())
	s.Expect(s.bundle()).To(HaveLen(1))
}

func TestAConflictIsRetried(t *testing.T) {
	s := newSite(t)
	r := s.replica()
	once := true
	r.Client = interceptor.NewClient(s.client, interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, p client.Patch, opts ...client.PatchOption) error {
			if once {
				once = false
				other := s.configuration()
				other.Labels = map[string]string{"a": "b"}
				s.Expect(s.client.Update(ctx, other)).To(Succeed())
			}
			return c.Patch(ctx, obj, p, opts...)
		},
	})
	wait, err := r.Step(context.Background())
	s.Expect(err).To(HaveOccurred())
	s.Expect(wait).To(Equal(retryInterval))
	s.step(r)
	s.Expect(s.trusts(r)).To(Succeed())
	s.Expect(s.configuration().Labels).To(HaveKey("a"))
}

func TestACertificateIsNotTrustedWhileItCannotBePublished(t *testing.T) {
	s := newSite(t)
	r := s.replica()
	r.Client = interceptor.NewClient(s.client, interceptor.Funcs{
		Patch: func(context.Context, client.WithWatch, client.Object, client.Patch, ...client.PatchOption) error {
			return errors.New("refused")
		},
	})
	for range 5 {
		wait, err := r.Step(context.Background())
		s.Expect(err).To(MatchError(ContainSubstring("refused")))
		s.clock.Step(wait)
	}
	s.Expect(r.Trusted()).NotTo(BeClosed())
}

func TestAReplicaThatStopsTakesItsCertificateAlong(t *testing.T) {
	s := newSite(t)
	other := s.start()
	r := s.replica()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- r.Start(ctx) }()
	s.Eventually(func() bundle { return s.bundle() }).WithTimeout(time.Minute).Should(HaveLen(2))
	stop()
	s.Expect(<-done).To(Succeed())
	s.Expect(s.bundle()).To(HaveLen(1))
	s.Expect(s.trusts(other)).To(Succeed())
}

func TestACertificateIsRenewedWhereTheServiceHasAnotherName(t *testing.T) {
	s := newSite(t)
	r := s.start()
	c := s.configuration()
	for i := range c.Webhooks {
		c.Webhooks[i].ClientConfig.Service, c.Webhooks[i].ClientConfig.URL = nil, ptr.To("https://127.0.0.1:9443/mutate")
	}
	s.Expect(s.client.Update(context.Background(), c)).To(Succeed())
	s.step(r)
	s.clock.Step(spread)
	s.step(r)
	served, _ := r.GetCertificate(nil)
	s.Expect(served.Leaf.IPAddresses).To(HaveLen(1))
}

// Go's TLS client accepts a leaf that is its own root, among others with the same subject.
func TestATLSClientTrustsTheBundle(t *testing.T) {
	s := newSite(t)
	s.clock.SetTime(time.Now())
	s.start()
	r := s.start()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: r.GetCertificate})
	s.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = listener.Close() }()
	go func() {
		if c, err := listener.Accept(); err == nil {
			_ = c.(*tls.Conn).Handshake()
		}
	}()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.configuration().Webhooks[0].ClientConfig.CABundle)
	connection, err := tls.Dial("tcp", listener.Addr().(*net.TCPAddr).String(), &tls.Config{RootCAs: roots, ServerName: host})
	s.Expect(err).NotTo(HaveOccurred())
	_ = connection.Close()
}
