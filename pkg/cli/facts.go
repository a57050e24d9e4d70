package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	rehomev1alpha1 "github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/placement"
)

// facts are what explain knows: what the scheduler sees, and where the rules come from.
type facts struct {
	world          *placement.World
	clusters       []kubeblocks.Cluster
	components     []kubeblocks.Component
	restores       []kubeblocks.Restore
	jobs           []batchv1.Job
	rehomings      []unstructured.Unstructured
	backup         func(types.NamespacedName) (*kubeblocks.Backup, error)
	identityLabels []string
	// origins are those that were read.
	origins map[types.NamespacedName]*origin
}

func (o *explainOptions) facts(ctx context.Context, q question) (*facts, error) {
	if len(o.files) > 0 {
		return o.dumped(ctx)
	}
	world, err := readWorld(ctx, o.cluster, nil, nil)
	if err != nil {
		return nil, err
	}
	f := &facts{world: world, identityLabels: o.identityLabels}
	return f, f.read(ctx, o.cluster, q.namespace)
}

// read reads the objects of KubeBlocks in a namespace, or in all.
func (f *facts) read(ctx context.Context, c *cluster, namespace string) error {
	client, err := c.dynamicClient()
	if err != nil {
		return err
	}
	apps := kubeblocks.AppsV1
	if version, err := c.kubeBlocks(ctx); err == nil && version == kubeblocks.V09 {
		apps = kubeblocks.AppsV1alpha1
	}
	backups := client.Resource(kubeblocks.DataProtectionV1alpha1.WithResource("backups"))
	f.backup = func(name types.NamespacedName) (*kubeblocks.Backup, error) {
		object, err := backups.Namespace(name.Namespace).Get(ctx, name.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		backup := &kubeblocks.Backup{}
		return backup, runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, backup)
	}
	r := objectReader{client: client, namespace: namespace, unread: f.world.Unread}
	var raw []unstructured.Unstructured
	for _, err := range []error{
		readObjects(ctx, r, apps.WithResource("clusters"), &f.clusters),
		readObjects(ctx, r, apps.WithResource("components"), &f.components),
		readObjects(ctx, r, kubeblocks.DataProtectionV1alpha1.WithResource("restores"), &f.restores),
		readObjects(ctx, r, batchv1.SchemeGroupVersion.WithResource("jobs"), &f.jobs),
		r.list(ctx, rehomev1alpha1.GroupVersion.WithResource("rehomings"), &raw),
	} {
		if err != nil {
			return err
		}
	}
	f.rehomings = raw
	return nil
}

// objectReader lists objects of a namespace, or of all.
type objectReader struct {
	client    dynamic.Interface
	namespace string
	unread    map[string]string
}

// list reads objects. A kind that is not served has none, and one that the caller may not read is in unread.
func (r objectReader) list(ctx context.Context, resource schema.GroupVersionResource, to *[]unstructured.Unstructured) error {
	err := readAll(ctx, func(o metav1.ListOptions) (*unstructured.UnstructuredList, error) {
		return r.client.Resource(resource).Namespace(r.namespace).List(ctx, o)
	}, func(l *unstructured.UnstructuredList) { *to = append(*to, l.Items...) })
	if apierrors.IsForbidden(err) {
		r.unread[resource.Resource] = oneLine(err)
		return nil
	}
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func readObjects[T any](ctx context.Context, r objectReader, resource schema.GroupVersionResource, to *[]T) error {
	var raw []unstructured.Unstructured
	if err := r.list(ctx, resource, &raw); err != nil {
		return err
	}
	*to = make([]T, len(raw))
	for i := range raw {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(raw[i].Object, &(*to)[i]); err != nil {
			return fmt.Errorf("%s %s/%s: %w", resource.Resource, raw[i].GetNamespace(), raw[i].GetName(), err)
		}
	}
	return nil
}

// dumped reads the facts from files.
func (o *explainOptions) dumped(ctx context.Context) (*facts, error) {
	found, err := readFiles(ctx, o.files, o.In)
	if err != nil {
		return nil, err
	}
	world, err := worldOf(found)
	if err != nil {
		return nil, err
	}
	f := &facts{world: world, identityLabels: o.identityLabels}
	backups := map[types.NamespacedName]*kubeblocks.Backup{}
	for i := range found.backups {
		b, err := decodeBackup(found.backups[i])
		if err != nil {
			return nil, err
		}
		backups[types.NamespacedName{Namespace: b.Namespace, Name: b.Name}] = &b.Backup
	}
	f.backup = func(name types.NamespacedName) (*kubeblocks.Backup, error) {
		if b := backups[name]; b != nil {
			return b, nil
		}
		return nil, errors.New(problemNotInFiles)
	}
	objects := lastOfEach(slices.Concat(found.clusters, found.kubernetes))
	for i := range objects {
		if err := f.add(&objects[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", objects[i].where, err)
		}
	}
	return f, nil
}

func (f *facts) add(d *document) error {
	switch {
	case d.isOf(kubeblocks.AppsV1.Group, "Cluster"), d.Kind == "":
		return decodeInto(&f.clusters, d)
	case d.isOf(kubeblocks.AppsV1.Group, "Component"):
		return decodeInto(&f.components, d)
	case d.isOf(kubeblocks.DataProtectionV1alpha1.Group, "Restore"):
		return decodeInto(&f.restores, d)
	case d.isOf("batch", "Job"):
		return decodeInto(&f.jobs, d)
	case d.isOf(rehomev1alpha1.GroupVersion.Group, "Rehoming"):
		return decodeInto(&f.rehomings, d)
	}
	return nil
}

// clusterOf returns the Cluster that a Pod's label names, or nil.
func (f *facts) clusterOf(namespace, name string) *kubeblocks.Cluster {
	i := slices.IndexFunc(f.clusters, func(c kubeblocks.Cluster) bool { return c.Namespace == namespace && c.Name == name })
	if i < 0 {
		return nil
	}
	return &f.clusters[i]
}

// componentOf returns the Component of a Pod, or one with the Pod's labels where it could not be read.
func (f *facts) componentOf(pod *corev1.Pod) *kubeblocks.Component {
	for i := range f.components {
		c := &f.components[i]
		if c.Namespace == pod.Namespace && c.Labels[kubeblocks.LabelInstance] == pod.Labels[kubeblocks.LabelInstance] &&
			c.Labels[kubeblocks.LabelComponentName] == pod.Labels[kubeblocks.LabelComponentName] {
			return c
		}
	}
	return &kubeblocks.Component{ObjectMeta: metav1.ObjectMeta{Labels: pod.Labels}}
}

func (f *facts) restoresOf(c *kubeblocks.Cluster) []kubeblocks.Restore {
	var all []kubeblocks.Restore
	for i := range f.restores {
		if r := &f.restores[i]; r.Namespace == c.Namespace && r.Labels[kubeblocks.LabelInstance] == c.Name {
			all = append(all, *r)
		}
	}
	return all
}

func (f *facts) rehomingOf(namespace, name string) *unstructured.Unstructured {
	for i := range f.rehomings {
		if f.rehomings[i].GetNamespace() == namespace && f.rehomings[i].GetName() == name {
			return &f.rehomings[i]
		}
	}
	return nil
}
