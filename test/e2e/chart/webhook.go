package chart

import (
	"context"
	"fmt"
	"net"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// InstallWebhook installs what the chart has for the webhook, and returns the flag of the program that serves it, and a function that
// uninstalls it. No network reaches the Service, so API servers get an address of this host instead.
func (r *Release) InstallWebhook(ctx context.Context, namespaces ...string) (flag string, uninstall func(context.Context) error, err error) {
	objects, err := render(map[string]any{"managedNamespaces": strings.Join(namespaces, ",")})
	if err != nil {
		return "", nil, err
	}
	c, err := client.New(r.controlPlane.Config(), client.Options{})
	if err != nil {
		return "", nil, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return "", nil, err
	}
	var installed []*unstructured.Unstructured
	for _, object := range objects {
		if object.GetName() != release+"-webhook" || object.GetKind() == "Service" {
			continue
		}
		if object.GetKind() == "MutatingWebhookConfiguration" {
			if err := serveAt(object, address); err != nil {
				return "", nil, err
			}
		}
		if err := r.apply(ctx, c, object); err != nil {
			return "", nil, fmt.Errorf("install %s %s: %w", object.GetKind(), object.GetName(), err)
		}
		installed = append(installed, object)
	}
	uninstall = func(ctx context.Context) error {
		for _, object := range installed {
			if err := client.IgnoreNotFound(c.Delete(ctx, object)); err != nil {
				return err
			}
		}
		return nil
	}
	return "--webhook-bind-address=" + address, uninstall, nil
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}

// serveAt replaces the Service of all webhooks by an address.
func serveAt(configuration *unstructured.Unstructured, address string) error {
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
