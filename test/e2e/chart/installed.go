package chart

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/ports"
	"github.com/rehome-operator/rehome/test/e2e/rehome"
)

const (
	deleteTimeout  = time.Minute
	deleteInterval = 100 * time.Millisecond
)

// Installed returns the release that Helm installed, under the name and in the Namespace of the documentation.
func Installed(ctx context.Context, cp *controlplane.ControlPlane) (*Release, error) {
	c, err := client.New(cp.Config(), client.Options{})
	if err != nil {
		return nil, err
	}
	r := newRelease(cp)
	for _, kind := range []string{"ServiceAccount", "ConfigMap"} {
		object, err := get(ctx, c, schema.GroupVersionKind{Version: "v1", Kind: kind}, ownNamespace, release)
		if err != nil {
			return nil, err
		}
		if err := r.keep(ctx, c, object); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// ServeWebhook makes API servers call the program, and returns the flag with which it serves them: no network reaches the Service.
func (r *Release) ServeWebhook(ctx context.Context) (flag string, err error) {
	c, err := client.New(r.controlPlane.Config(), client.Options{})
	if err != nil {
		return "", err
	}
	kind := schema.GroupVersionKind{Group: "admissionregistration.k8s.io", Version: "v1", Kind: "MutatingWebhookConfiguration"}
	configuration, err := get(ctx, c, kind, "", release+"-webhook")
	if err != nil {
		return "", err
	}
	address, err := ports.ReserveAddress()
	if err != nil {
		return "", err
	}
	if err := rehome.ServeAt(configuration, address); err != nil {
		return "", err
	}
	return rehome.WebhookFlag(address), c.Update(ctx, configuration)
}

func get(ctx context.Context, c client.Client, kind schema.GroupVersionKind, namespace, name string) (*unstructured.Unstructured, error) {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	if err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, object); err != nil {
		return nil, fmt.Errorf("read %s %s: %w", kind.Kind, name, err)
	}
	return object, nil
}

// Uninstall removes what Install installed, with all Rehomings, and returns when it is gone. Helm would not overwrite it.
func (r *Release) Uninstall(ctx context.Context) error {
	c, err := client.New(r.controlPlane.Config(), client.Options{})
	if err != nil {
		return err
	}
	for _, object := range r.objects {
		if err := client.IgnoreNotFound(c.Delete(ctx, object)); err != nil {
			return fmt.Errorf("delete %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	for _, object := range r.objects {
		err := wait.PollUntilContextTimeout(ctx, deleteInterval, deleteTimeout, true, func(ctx context.Context) (bool, error) {
			_, err := get(ctx, c, object.GroupVersionKind(), object.GetNamespace(), object.GetName())
			return apierrors.IsNotFound(err), nil
		})
		if err != nil {
			return fmt.Errorf("%s %s is not gone: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}
