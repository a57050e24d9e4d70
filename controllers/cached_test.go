package controllers_test

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/rehome-operator/rehome/controllers"
)

// besideCache is a client like that of a manager: what a manager reads from its cache takes no right of its user's.
func besideCache(user client.WithWatch, cache client.Client) client.WithWatch {
	return interceptor.NewClient(user, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if isCached(c, obj) {
				return cache.Get(ctx, key, obj, opts...)
			}
			return c.Get(ctx, key, obj, opts...)
		},
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if isCached(c, list) {
				return cache.List(ctx, list, byLabel(opts)...)
			}
			return c.List(ctx, list, opts...)
		},
	})
}

// isCached reports whether a manager reads an object, or a list of such, from its cache. Nothing unstructured it does, nor the
// metadata of Clusters.
func isCached(c client.Client, obj runtime.Object) bool {
	if _, ok := obj.(runtime.Unstructured); ok {
		return false
	}
	if metadata, ok := obj.(*metav1.PartialObjectMetadata); ok {
		return metadata.Kind != "Cluster"
	}
	kind := kindOf(c, obj)
	if meta.IsListType(obj) {
		kind = kind[:len(kind)-len("List")]
	}
	return !slices.ContainsFunc(controllers.Uncached(), func(uncached client.Object) bool {
		gvk, err := apiutil.GVKForObject(uncached, c.Scheme())
		return err == nil && gvk.Kind == kind
	})
}
