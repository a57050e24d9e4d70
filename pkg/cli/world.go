package cli

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/rehome-operator/rehome/pkg/placement"
)

// pageSize is how many objects one request reads.
const pageSize = 1000

// readWorld reads what a scheduler knows: from files, or else from the API server with the rights of the caller. Kinds that the caller
// may not read are in Unread. Only Nodes are needed.
func readWorld(ctx context.Context, c *cluster, files []string, stdin io.Reader) (*placement.World, error) {
	if len(files) > 0 {
		found, err := readFiles(ctx, files, stdin)
		if err != nil {
			return nil, err
		}
		return worldOf(found)
	}
	client, err := c.kubeClient()
	if err != nil {
		return nil, err
	}
	namespace, err := c.namespace()
	if err != nil {
		return nil, err
	}
	r := &worldReader{
		client: client, namespace: namespace, packer: placement.NewPacker(), world: &placement.World{Unread: map[string]string{}},
	}
	if err := r.read(ctx); err != nil {
		return nil, err
	}
	r.world.DropImages()
	return r.world, nil
}

// worldReader reads a World from an API server.
type worldReader struct {
	client    kubernetes.Interface
	namespace string
	packer    *placement.Packer
	world     *placement.World
}

func (r *worldReader) read(ctx context.Context) error {
	w, core, storage := r.world, r.client.CoreV1(), r.client.StorageV1()
	if err := readAll(ctx, func(o metav1.ListOptions) (*corev1.NodeList, error) { return core.Nodes().List(ctx, o) },
		func(l *corev1.NodeList) {
			for i := range l.Items {
				w.Nodes = append(w.Nodes, r.packer.PackNode(&l.Items[i]))
			}
		}); err != nil {
		return err
	}
	all := metav1.NamespaceAll
	for _, kind := range []struct {
		resource string
		// read reads all namespaces, or one if the kind has namespaces and the caller may not read all.
		read       func(namespace string) error
		namespaced bool
	}{
		{"pods", func(ns string) error {
			return r.readPods(ctx, ns)
		}, true},
		{"namespaces", func(string) error {
			return readAll(ctx, func(o metav1.ListOptions) (*corev1.NamespaceList, error) { return core.Namespaces().List(ctx, o) },
				func(l *corev1.NamespaceList) { w.Namespaces = appendRead(w.Namespaces, l.Items) })
		}, false},
		{"persistentvolumeclaims", func(ns string) error {
			return readAll(ctx, func(o metav1.ListOptions) (*corev1.PersistentVolumeClaimList, error) {
				return core.PersistentVolumeClaims(ns).List(ctx, o)
			}, func(l *corev1.PersistentVolumeClaimList) { w.Claims = appendRead(w.Claims, l.Items) })
		}, true},
		{"persistentvolumes", func(string) error {
			return readAll(ctx, func(o metav1.ListOptions) (*corev1.PersistentVolumeList, error) {
				return core.PersistentVolumes().List(ctx, o)
			}, func(l *corev1.PersistentVolumeList) { w.Volumes = appendRead(w.Volumes, l.Items) })
		}, false},
		{"resourcequotas", func(ns string) error {
			return readAll(ctx, func(o metav1.ListOptions) (*corev1.ResourceQuotaList, error) {
				return core.ResourceQuotas(ns).List(ctx, o)
			},
				func(l *corev1.ResourceQuotaList) { w.Quotas = appendRead(w.Quotas, l.Items) })
		}, true},
		{"storageclasses", func(string) error {
			return readAll(ctx, func(o metav1.ListOptions) (*storagev1.StorageClassList, error) {
				return storage.StorageClasses().List(ctx, o)
			},
				func(l *storagev1.StorageClassList) { w.Classes = appendRead(w.Classes, l.Items) })
		}, false},
		{"csinodes", func(string) error {
			return readAll(ctx, func(o metav1.ListOptions) (*storagev1.CSINodeList, error) { return storage.CSINodes().List(ctx, o) },
				func(l *storagev1.CSINodeList) { w.CSINodes = appendRead(w.CSINodes, l.Items) })
		}, false},
		{"csidrivers", func(string) error {
			return readAll(ctx, func(o metav1.ListOptions) (*storagev1.CSIDriverList, error) { return storage.CSIDrivers().List(ctx, o) },
				func(l *storagev1.CSIDriverList) { w.CSIDrivers = appendRead(w.CSIDrivers, l.Items) })
		}, false},
		{"csistoragecapacities", func(ns string) error {
			return readAll(ctx, func(o metav1.ListOptions) (*storagev1.CSIStorageCapacityList, error) {
				return storage.CSIStorageCapacities(ns).List(ctx, o)
			}, func(l *storagev1.CSIStorageCapacityList) { w.CSICapacity = appendRead(w.CSICapacity, l.Items) })
		}, true},
	} {
		err := kind.read(all)
		if apierrors.IsForbidden(err) {
			w.Unread[kind.resource] = oneLine(err)
			if !kind.namespaced {
				continue
			}
			if err = kind.read(r.namespace); err == nil {
				w.Unread[kind.resource] = fmt.Sprintf(textOnlyNamespace, r.namespace)
			}
			if apierrors.IsForbidden(err) {
				continue
			}
		}
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// readPods reads Pods page by page. Of those that run it keeps what is read of them, before it reads the next page.
func (r *worldReader) readPods(ctx context.Context, namespace string) error {
	return readAll(ctx, func(o metav1.ListOptions) (*corev1.PodList, error) {
		o.FieldSelector = "status.phase!=Succeeded,status.phase!=Failed"
		return r.client.CoreV1().Pods(namespace).List(ctx, o)
	}, func(l *corev1.PodList) {
		for i := range l.Items {
			addPod(r.world, r.packer, &l.Items[i])
		}
	})
}

// list is a list of objects that continues.
type list interface{ GetContinue() string }

// readAll reads a list page by page.
func readAll[L list](ctx context.Context, read func(metav1.ListOptions) (L, error), add func(L)) error {
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := read(options)
		if err != nil {
			return err
		}
		add(page)
		options.Continue = page.GetContinue()
		if options.Continue == "" {
			return ctx.Err()
		}
	}
}

// appendRead appends objects without their managed fields, which nothing reads, and which are often half of an object.
func appendRead[T any, P interface {
	*T
	metav1.Object
}](to, page []T) []T {
	for i := range page {
		P(&page[i]).SetManagedFields(nil)
	}
	return append(to, page...)
}
