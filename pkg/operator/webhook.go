package operator

import (
	"crypto/tls"
	"fmt"
	"net"
	"strconv"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/admission"
	"github.com/rehome-operator/rehome/pkg/certificates"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/metrics"
)

// addWebhook lets every replica serve the webhook. The channel is closed once API servers trust its certificate.
func addWebhook(mgr ctrl.Manager, settings *configv1alpha1.Configuration, now kubeblocks.Served, m *metrics.Metrics) (<-chan struct{}, error) {
	trusted := make(chan struct{})
	close(trusted)
	if !settings.ServesWebhook() {
		return trusted, nil
	}
	options, err := webhookOptions(&settings.Webhook)
	if err != nil {
		return nil, err
	}
	var published <-chan struct{} = trusted
	if settings.Webhook.Certificates == configv1alpha1.SelfSignedCertificates {
		certificate := &certificates.SelfSigned{
			Client: mgr.GetClient(), Reader: mgr.GetAPIReader(), Name: settings.Webhook.Configuration, Clock: clock.RealClock{},
		}
		options.TLSOpts = append(options.TLSOpts, func(c *tls.Config) { c.GetCertificate = certificate.GetCertificate })
		if err := mgr.Add(certificate); err != nil {
			return nil, fmt.Errorf("add the webhook's certificate to the manager: %w", err)
		}
		published = certificate.Trusted()
	}
	server := webhook.NewServer(options)
	server.Register(admission.Path, admission.NewHandler(mgr.GetAPIReader(), now, settings, m).Webhook())
	if err := mgr.Add(server); err != nil {
		return nil, fmt.Errorf("add the webhook to the manager: %w", err)
	}
	return published, nil
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
