package rehome

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/rehome-operator/rehome/test/controlplane/ports"
	"github.com/rehome-operator/rehome/test/controlplane/repository"
)

// InstallWebhook creates Rehome's MutatingWebhookConfiguration, and returns the flag of the program that serves it.
func InstallWebhook(ctx context.Context, config *rest.Config) (flag string, err error) {
	root, err := repository.Root()
	if err != nil {
		return "", err
	}
	content, err := os.ReadFile(filepath.Join(root, "config", "webhook", "configuration.yaml"))
	if err != nil {
		return "", err
	}
	configuration := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(content, configuration); err != nil {
		return "", fmt.Errorf("read the webhook's configuration: %w", err)
	}
	address, err := ports.ReserveAddress()
	if err != nil {
		return "", err
	}
	if err := ServeAt(configuration, address); err != nil {
		return "", err
	}
	c, err := client.New(config, client.Options{})
	if err != nil {
		return "", err
	}
	return WebhookFlag(address), c.Create(ctx, configuration)
}

// WebhookPath is where the webhook is served.
const WebhookPath = "/mutate"

// WebhookFlag is the flag of a program that serves the webhook at an address.
func WebhookFlag(address string) string { return "--webhook-bind-address=" + address }

// ServeAt replaces the Service of all webhooks by an address: no network reaches a Service.
func ServeAt(configuration *unstructured.Unstructured, address string) error {
	webhooks, _, err := unstructured.NestedSlice(configuration.Object, "webhooks")
	if err != nil {
		return err
	}
	for i := range webhooks {
		webhook, ok := webhooks[i].(map[string]any)
		if !ok {
			return fmt.Errorf("webhook %d is no object", i)
		}
		path, _, err := unstructured.NestedString(webhook, "clientConfig", "service", "path")
		if err != nil {
			return err
		}
		webhook["clientConfig"] = map[string]any{"url": "https://" + address + path}
	}
	return unstructured.SetNestedSlice(configuration.Object, webhooks, "webhooks")
}
