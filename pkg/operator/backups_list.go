package operator

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
)

// maxBackups limits a page to about 25 MB: etcd stores objects of up to 1.5 MiB. A tenant chooses the sizes of its Backups, labels
// included, so those of one page say nothing about the next.
const maxBackups = 16

// backupLister lists and watches the Backups of a Namespace, or of all. It holds one page, and the names of all Backups. An informer would
// hold the whole list first.
type backupLister struct {
	list  func(context.Context, metav1.ListOptions) (*metav1.PartialObjectMetadataList, error)
	watch func(context.Context, metav1.ListOptions) (watch.Interface, error)
	note  func(*metav1.PartialObjectMetadata)
}

var _ toolscache.ListerWatcherWithContext = &backupLister{}

// IsWatchListSemanticsUnSupported has the reflector list instead of streaming, which would hold all Backups until the last one has come.
func (*backupLister) IsWatchListSemanticsUnSupported() bool { return true }

// ListWithContext notes all Backups, and returns their names. It reads in pages of its own, whatever the options say.
func (l *backupLister) ListWithContext(ctx context.Context, _ metav1.ListOptions) (runtime.Object, error) {
	all := &metav1.PartialObjectMetadataList{}
	options := metav1.ListOptions{Limit: maxBackups}
	for {
		page, err := l.list(ctx, options)
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			l.note(&page.Items[i])
			all.Items = append(all.Items, nameOf(&page.Items[i]))
		}
		all.ResourceVersion = page.ResourceVersion
		if options.Continue = page.Continue; options.Continue == "" {
			return all, nil
		}
	}
}

// nameOf returns the name of a Backup, and nothing else of it.
func nameOf(b *metav1.PartialObjectMetadata) metav1.PartialObjectMetadata {
	return metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: b.Namespace, Name: b.Name}}
}

// List is ListWithContext for callers without a context.
func (l *backupLister) List(options metav1.ListOptions) (runtime.Object, error) {
	return l.ListWithContext(context.Background(), options)
}

// WatchWithContext watches the metadata of Backups.
func (l *backupLister) WatchWithContext(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	return l.watch(ctx, options)
}

// Watch is WatchWithContext for callers without a context.
func (l *backupLister) Watch(options metav1.ListOptions) (watch.Interface, error) {
	return l.WatchWithContext(context.Background(), options)
}
