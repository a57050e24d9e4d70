package chart

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/test/e2e/rehome"
)

// InstallWebhook installs what the chart has for the webhook, and returns a function that uninstalls it. No network reaches the Service,
// so API servers get an address of this host instead.
func (r *Release) InstallWebhook(ctx context.Context, address string, namespaces ...string) (uninstall func(context.Context) error, err error) {
	c, err := client.New(r.controlPlane.Config(), client.Options{})
	if err != nil {
		return nil, err
	}
	var installed []*unstructured.Unstructured
	uninstall = func(ctx context.Context) error {
		for _, object := range installed {
			if err := client.IgnoreNotFound(c.Delete(ctx, object)); err != nil {
				return err
			}
		}
		return nil
	}
	objects, err := render(map[string]any{"managedNamespaces": strings.Join(namespaces, ",")})
	if err != nil {
		return uninstall, err
	}
	for _, object := range objects {
		if object.GetName() != release+"-webhook" || object.GetKind() == "Service" {
			continue
		}
		if object.GetKind() == configurationKind {
			if err := rehome.ServeAt(object, address); err != nil {
				return uninstall, err
			}
		}
		if err := r.apply(ctx, c, object); err != nil {
			return uninstall, fmt.Errorf("install %s %s: %w", object.GetKind(), object.GetName(), err)
		}
		installed = append(installed, object)
	}
	return uninstall, nil
}

const configurationKind = "MutatingWebhookConfiguration"

// RenewCertificates gives the webhook for Restores an address with another host. Every replica then renews its certificate, which is for
// the hosts of all webhooks. Requests about Clusters use the same address as before.
func (r *Release) RenewCertificates(ctx context.Context, address, host string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	url := "https://" + net.JoinHostPort(host, port) + rehome.WebhookPath
	c, err := client.New(r.controlPlane.Config(), client.Options{})
	if err != nil {
		return err
	}
	patch, err := json.Marshal([]map[string]string{{"op": "replace", "path": "/webhooks/1/clientConfig/url", "value": url}})
	if err != nil {
		return err
	}
	configuration := &unstructured.Unstructured{}
	configuration.SetAPIVersion("admissionregistration.k8s.io/v1")
	configuration.SetKind(configurationKind)
	configuration.SetName(release + "-webhook")
	return c.Patch(ctx, configuration, client.RawPatch(types.JSONPatchType, patch))
}
