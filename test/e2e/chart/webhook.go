package chart

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
	"github.com/rehome-operator/rehome/test/e2e/rehome"
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
	address, err := rehometesting.FreeAddress()
	if err != nil {
		return "", nil, err
	}
	var installed []*unstructured.Unstructured
	for _, object := range objects {
		if object.GetName() != release+"-webhook" || object.GetKind() == "Service" {
			continue
		}
		if object.GetKind() == "MutatingWebhookConfiguration" {
			if err := rehome.ServeAt(object, address); err != nil {
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
	return rehome.WebhookFlag(address), uninstall, nil
}
