package cli

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	rehomev1alpha1 "github.com/rehome-operator/rehome/api/v1alpha1"
)

// list lists the Rehomings of a namespace, or of all.
func (o *statusOptions) list(
	ctx context.Context, client dynamic.Interface, namespace string, options metav1.ListOptions,
) (*unstructured.UnstructuredList, error) {
	list, err := client.Resource(rehomev1alpha1.GroupVersion.WithResource("rehomings")).Namespace(namespace).List(ctx, options)
	if apierrors.IsForbidden(err) && namespace == "" && !o.watch {
		list, err = o.listAllowed(ctx, client, err)
	}
	if err != nil {
		return nil, statusError(err, namespace)
	}
	return list, nil
}

// listAllowed lists the Rehomings of each namespace whose Rehomings may be listed. forbidden is the answer to a list of all.
func (o *statusOptions) listAllowed(ctx context.Context, client dynamic.Interface, forbidden error) (*unstructured.UnstructuredList, error) {
	namespaces, err := client.Resource(corev1.SchemeGroupVersion.WithResource("namespaces")).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, forbidden
	}
	all, allowed := &unstructured.UnstructuredList{}, 0
	for i := range namespaces.Items {
		rehomings := client.Resource(rehomev1alpha1.GroupVersion.WithResource("rehomings")).Namespace(namespaces.Items[i].GetName())
		list, err := rehomings.List(ctx, metav1.ListOptions{})
		if apierrors.IsForbidden(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		allowed++
		all.Items = append(all.Items, list.Items...)
	}
	if allowed == 0 {
		return nil, forbidden
	}
	fmt.Fprintf(o.ErrOut, textCountedOnly, allowed, len(namespaces.Items))
	return all, nil
}

// statusError says what a missing kind or right means.
func statusError(err error, namespace string) error {
	switch {
	case apierrors.IsNotFound(err):
		return errors.New(problemNotInstalled)
	case apierrors.IsForbidden(err) && namespace == "":
		return fmt.Errorf(problemForbiddenAll, oneLine(err))
	}
	return err
}
