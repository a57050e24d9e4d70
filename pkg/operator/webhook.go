package operator

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/admission"
	"github.com/rehome-operator/rehome/pkg/certificates"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/metrics"
)

// drainTime is how long the webhook answers after its Pod began to end: the Service sends requests to it for a moment longer.
const drainTime = 5 * time.Second

// webhookServer serves the webhook in every replica. It does not belong to the manager, because it ends later.
type webhookServer struct {
	server webhook.Server
	// certificate is nil where it is read from a folder.
	certificate *certificates.SelfSigned
}

// newWebhook returns nil where no webhook is served.
func newWebhook(mgr ctrl.Manager, settings *configv1alpha1.Configuration, now kubeblocks.Served, m *metrics.Metrics) (*webhookServer, error) {
	if !settings.ServesWebhook() {
		return nil, nil //nolint:nilnil // nothing to serve
	}
	options, err := webhookOptions(&settings.Webhook)
	if err != nil {
		return nil, err
	}
	w := &webhookServer{}
	if settings.Webhook.Certificates == configv1alpha1.SelfSignedCertificates {
		w.certificate = &certificates.SelfSigned{
			Client: mgr.GetClient(), Reader: mgr.GetAPIReader(), Name: settings.Webhook.Configuration, Replica: replica(&settings.Webhook),
			Clock: clock.RealClock{},
		}
		options.TLSOpts = append(options.TLSOpts, func(c *tls.Config) { c.GetCertificate = w.certificate.GetCertificate })
	}
	w.server = webhook.NewServer(options)
	w.server.Register(admission.Path, admission.NewHandler(mgr.GetAPIReader(), now, settings, m).Webhook())
	return w, nil
}

// replica names a Pod by its host name. Processes on one host have an address each.
func replica(settings *configv1alpha1.Webhook) string {
	host, err := os.Hostname()
	if err != nil {
		return ""
	}
	return host + settings.BindAddress
}

// trusted is closed once API servers trust the certificate.
func (w *webhookServer) trusted() <-chan struct{} {
	if w == nil || w.certificate == nil {
		trusted := make(chan struct{})
		close(trusted)
		return trusted
	}
	return w.certificate.Trusted()
}

// run serves until the context ends, and for drainTime longer where the process ends. It then finishes its requests, and only
// after that takes its certificate out of the bundle.
func (w *webhookServer) run(ctx, process context.Context) error {
	if w == nil {
		return nil
	}
	published, withdraw := context.WithCancel(context.WithoutCancel(ctx))
	var group errgroup.Group
	if w.certificate != nil {
		group.Go(func() error { return w.certificate.Start(published) })
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() {
		if process.Err() != nil {
			_ = sleep(serving, drainTime)
		}
		stop()
	})()
	err := w.server.Start(serving)
	withdraw()
	_ = group.Wait() // it returns no error
	if err != nil {
		return fmt.Errorf("serve the webhook: %w", err)
	}
	return nil
}

func webhookOptions(settings *configv1alpha1.Webhook) (webhook.Options, error) {
	host, text, err := net.SplitHostPort(settings.BindAddress)
	if err != nil {
		return webhook.Options{}, fmt.Errorf("serve the webhook: %w", err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return webhook.Options{}, fmt.Errorf("serve the webhook: %w", err)
	}
	return webhook.Options{Host: host, Port: port, CertDir: settings.CertificateDirectory, TLSOpts: []func(*tls.Config){
		func(c *tls.Config) { c.MinVersion = tls.VersionTLS12 },
	}}, nil
}
