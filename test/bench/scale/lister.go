package scale

import (
	"context"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// List lists the objects that Rehome caches into the same types, all kinds concurrently, and discards them. It writes a line when it
// is done.
func List(ctx context.Context, config *rest.Config, out io.Writer) error {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	kubeblocks.AddToScheme(scheme, rehometesting.V10().Apps)
	v1alpha1.AddToScheme(scheme)
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, list := range lists() {
		// From the API server's cache, as an informer's first list.
		options := &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: "0"}}
		if _, ok := list.(*corev1.PodList); ok {
			options.FieldSelector = fields.OneTermEqualSelector("status.phase", string(corev1.PodPending))
		}
		group.Go(func() error { return c.List(ctx, list, options) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("list: %w", err)
	}
	_, err = fmt.Fprintln(out, listDone)
	return err
}

func lists() []client.ObjectList {
	return []client.ObjectList{
		&kubeblocks.ClusterList{}, &kubeblocks.ComponentList{}, &kubeblocks.RestoreList{}, &v1alpha1.RehomingList{}, &corev1.PodList{},
		metadataOf(rehometesting.V10().Workloads().WithKind("InstanceSetList")),
		metadataOf(corev1.SchemeGroupVersion.WithKind("NamespaceList")),
		metadataOf(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinitionList")),
	}
}

func metadataOf(kind schema.GroupVersionKind) *metav1.PartialObjectMetadataList {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(kind)
	return list
}
