package sources

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// MaxBackups is how many Backups of one Cluster are read.
const MaxBackups = 32

var (
	// ErrNoBackup says that a reference cannot name a Backup, so that a retry would not help.
	ErrNoBackup = errors.New(textNoBackup)
	// ErrElsewhere says that the configuration forbids to read a Backup in another Namespace.
	ErrElsewhere = errors.New(textElsewhere)
)

// Get reads a Backup from the API server.
type Get func(ctx context.Context, name types.NamespacedName) (*kubeblocks.Backup, error)

// Metadata returns a Get that reads only the metadata of a Backup. The rest is not needed, and can be large.
func Metadata(from client.Reader) Get {
	return func(ctx context.Context, name types.NamespacedName) (*kubeblocks.Backup, error) {
		metadata := &metav1.PartialObjectMetadata{}
		metadata.SetGroupVersionKind(kubeblocks.DataProtectionV1alpha1.WithKind("Backup"))
		if err := from.Get(ctx, name, metadata); err != nil {
			return nil, err
		}
		return &kubeblocks.Backup{ObjectMeta: metadata.ObjectMeta}, nil
	}
}

// Backups reads the Backups of one Cluster, and limits what their snapshots hold together.
type Backups struct {
	Get Get
	// Namespace is that of the Cluster.
	Namespace string
	// Elsewhere says that Backups in other Namespaces are read.
	Elsewhere bool

	snapshots kubeblocks.Snapshots
}

// readsAtOnce is how many Backups of one Cluster are read at once.
const readsAtOnce = 4

// ReadAhead begins to read Backups before Read is asked for them. Read then waits for these reads, and does not repeat them.
func (b *Backups) ReadAhead(ctx context.Context, names []types.NamespacedName) {
	get, slots := b.Get, make(chan struct{}, readsAtOnce)
	begun := map[types.NamespacedName]func() (*kubeblocks.Backup, error){}
	for _, name := range names[:min(len(names), MaxBackups)] {
		if b.mayRead(name) != nil {
			continue // Read says why.
		}
		read := sync.OnceValues(func() (*kubeblocks.Backup, error) {
			slots <- struct{}{}
			defer func() { <-slots }()
			return get(ctx, name)
		})
		begun[name] = read
		go func() { _, _ = read() }()
	}
	b.Get = func(ctx context.Context, name types.NamespacedName) (*kubeblocks.Backup, error) {
		if read, ok := begun[name]; ok {
			return read()
		}
		return get(ctx, name)
	}
}

// Read returns the source cluster of a Backup. An error that says nothing about the Backup is worth a retry.
func (b *Backups) Read(ctx context.Context, name types.NamespacedName) (rewrite.Source, error) {
	if err := b.mayRead(name); err != nil {
		return rewrite.Source{}, err
	}
	backup, err := b.Get(ctx, name)
	if err != nil {
		return rewrite.Source{}, fmt.Errorf("get Backup %s: %w", name, err)
	}
	source, err := b.snapshots.SourceOf(backup)
	if name.Namespace != b.Namespace {
		// The Cluster does not show them, so they stay in the other Namespace.
		source.Private, source.Origins = true, nil
	}
	return source, err
}

func (b *Backups) mayRead(name types.NamespacedName) error {
	if len(validation.NameIsDNSSubdomain(name.Name, false)) > 0 || len(validation.ValidateNamespaceName(name.Namespace, false)) > 0 {
		return fmt.Errorf("%q %w", shortened(name.String()), ErrNoBackup)
	}
	if !b.Elsewhere && name.Namespace != b.Namespace {
		return fmt.Errorf("Backup %s %w", name, ErrElsewhere) //nolint:staticcheck // a kind is capitalized
	}
	return nil
}

// maxText bounds a text of a tenant in a message.
const maxText = 1 << 10

func shortened(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText-len("…")], "") + "…"
}
