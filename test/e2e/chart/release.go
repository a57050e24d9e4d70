// Package chart installs Rehome's Helm chart on a test control plane, but for the Deployment: the program runs beside the control plane.
//
// It is a package of its own so that what needs no chart, such as the demo, does not link Helm.
package chart

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/e2e/program"
	"github.com/rehome-operator/rehome/test/e2e/rehome"
)

// Release is the installed chart. The program runs with the service account, the rights and the configuration of the chart, and with
// nothing else.
type Release struct {
	controlPlane       *controlplane.ControlPlane
	kubeconfig, config string
	// objects are those that Install installed.
	objects []*unstructured.Unstructured
}

func newRelease(cp *controlplane.ControlPlane) *Release {
	dir := filepath.Dir(cp.Kubeconfig()) // the control plane removes it
	return &Release{controlPlane: cp, kubeconfig: filepath.Join(dir, "rehome.kubeconfig"), config: filepath.Join(dir, "rehome.yaml")}
}

// Install installs the chart. With namespaces, Rehome has rights in these only. Missing namespaces are created.
func Install(ctx context.Context, cp *controlplane.ControlPlane, namespaces ...string) (*Release, error) {
	// The scenarios are about repairs.
	objects, err := render(map[string]any{"managedNamespaces": strings.Join(namespaces, ","), "webhook": map[string]any{"enabled": false}})
	if err != nil {
		return nil, err
	}
	c, err := client.New(cp.Config(), client.Options{})
	if err != nil {
		return nil, err
	}
	for _, name := range append(namespaces, ownNamespace) {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if err := c.Create(ctx, namespace); client.IgnoreAlreadyExists(err) != nil {
			return nil, fmt.Errorf("create namespace %s: %w", name, err)
		}
	}
	r := newRelease(cp)
	for _, object := range objects {
		if err := r.apply(ctx, c, object); err != nil {
			return nil, fmt.Errorf("install %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return r, nil
}

// apply applies one object of the chart.
func (r *Release) apply(ctx context.Context, c client.Client, object *unstructured.Unstructured) error {
	switch object.GetKind() {
	case "Deployment", "PodDisruptionBudget":
		return nil // the program runs beside the control plane
	case "ClusterRole", "Role":
		if err := removeRight(object); err != nil {
			return err
		}
	case "CustomResourceDefinition":
		r.objects = append(r.objects, object)
		return rehome.InstallCRDs(r.controlPlane.Config()) // it waits until the kind is served
	}
	r.objects = append(r.objects, object)
	if err := c.Apply(ctx, client.ApplyConfigurationFromUnstructured(object.DeepCopy()), client.FieldOwner("helm"), client.ForceOwnership); err != nil {
		return err
	}
	return r.keep(ctx, c, object)
}

// keep keeps what the program needs of an installed object: a token of the service account, and the configuration.
func (r *Release) keep(ctx context.Context, c client.Client, object *unstructured.Unstructured) error {
	switch object.GetKind() {
	case "ServiceAccount":
		return r.writeKubeconfig(ctx, c, object)
	case "ConfigMap":
		text, _, err := unstructured.NestedString(object.Object, "data", "config.yaml")
		if err != nil {
			return err
		}
		return os.WriteFile(r.config, []byte(text), 0o600)
	}
	return nil
}

// removeRight removes from a role the right that the environment variable of pkg/testing names. cmd/rights sets it.
func removeRight(role *unstructured.Unstructured) error {
	var typed rbacv1.ClusterRole // a Role has the same rules
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(role.Object, &typed); err != nil {
		return err
	}
	rules, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&rbacv1.ClusterRole{Rules: rehometesting.Granted(typed.Rules)})
	if err != nil {
		return err
	}
	role.Object["rules"] = rules["rules"]
	return nil
}

// writeKubeconfig writes a kubeconfig with a token of the service account.
func (r *Release) writeKubeconfig(ctx context.Context, c client.Client, account *unstructured.Unstructured) error {
	const lifetime = 4 * 60 * 60 // seconds, longer than any test
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: ptr.To[int64](lifetime)}}
	owner := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: account.GetNamespace(), Name: account.GetName()}}
	if err := c.SubResource("token").Create(ctx, owner, request); err != nil {
		return fmt.Errorf("request a token: %w", err)
	}
	kubeconfig, err := clientcmd.LoadFromFile(r.controlPlane.Kubeconfig())
	if err != nil {
		return err
	}
	for name := range kubeconfig.AuthInfos {
		kubeconfig.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: request.Status.Token}
	}
	return clientcmd.WriteToFile(*kubeconfig, r.kubeconfig)
}

// Start runs the operator as the chart configures it; see rehome.Run.
func (r *Release) Start(ctx context.Context, binary string, flags ...string) (*program.Program, error) {
	env, flags := r.settings(flags)
	return rehome.Run(ctx, r.controlPlane, binary, env, flags)
}

// Launch is Start that does not wait until the operator is ready.
func (r *Release) Launch(binary string, flags ...string) (*program.Program, error) {
	env, flags := r.settings(flags)
	return rehome.Launch(r.controlPlane, binary, env, flags)
}

func (r *Release) settings(more []string) (env, flags []string) {
	return []string{"KUBECONFIG=" + r.kubeconfig}, append([]string{"--config=" + r.config}, more...)
}
