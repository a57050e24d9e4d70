package controlplane

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// await watches a core object until it satisfies condition. like is an empty object of its kind.
func (c *ControlPlane) await(
	ctx context.Context, resource, namespace, name string, like runtime.Object, condition watchtools.ConditionFunc,
) error {
	onlyThis := cache.NewListWatchFromClient(c.clientset.CoreV1().RESTClient(), resource, namespace,
		fields.OneTermEqualSelector(metav1.ObjectNameField, name))
	_, err := watchtools.UntilWithSync(ctx, onlyThis, like, nil, condition)
	return err
}

// exists is a watchtools.ConditionFunc.
func exists(event watch.Event) (bool, error) { return event.Type != watch.Deleted, nil }
