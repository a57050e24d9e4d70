package controllers_test

import (
	"context"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/rehome-operator/rehome/controllers"
)

// cachedReads is a client whose reads are those of a manager's cache: they need no right of the user, hold Pending Pods only, and
// serve no kind that is not cached.
func cachedReads(user client.WithWatch, admin client.Client) client.WithWatch {
	return interceptor.NewClient(user, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			expectCached(c, obj)
			if err := admin.Get(ctx, key, obj, opts...); err != nil {
				return err
			}
			if pod, ok := obj.(*corev1.Pod); ok && pod.Status.Phase != corev1.PodPending {
				return apierrors.NewNotFound(corev1.Resource("pods"), key.Name)
			}
			return nil
		},
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			expectCached(c, list)
			opts = byLabel(opts)
			if kindOf(c, list) == "PodList" {
				opts = append(opts, client.MatchingFields{"status.phase": "Pending"})
			}
			return admin.List(ctx, list, opts...)
		},
	})
}

// expectCached fails when Client is asked for a kind that the cache does not hold: it would start to watch it.
func expectCached(c client.Client, obj runtime.Object) {
	GinkgoHelper()
	kind := strings.TrimSuffix(kindOf(c, obj), "List")
	if _, metadata := obj.(*metav1.PartialObjectMetadata); metadata && kind == "Namespace" {
		return
	}
	_, whole := obj.(client.Object)
	_, list := obj.(client.ObjectList)
	_, unstructured := obj.(runtime.Unstructured)
	cached := slices.ContainsFunc(controllers.Cached(), func(o client.Object) bool { return kindOf(c, o) == kind })
	if unstructured || !cached || !whole && !list {
		Fail("Client was asked for " + kind + ", which is not cached: use APIReader")
	}
}
