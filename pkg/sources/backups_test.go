package sources

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

func TestBackupsReadAhead(t *testing.T) {
	g := NewWithT(t)
	errGone := errors.New("gone")
	var reads atomic.Int32
	backups := &Backups{Namespace: "shop", Get: func(_ context.Context, name types.NamespacedName) (*kubeblocks.Backup, error) {
		reads.Add(1)
		g.Expect(name.Namespace).To(Equal("shop"), "Backups in other Namespaces are not read")
		return nil, errGone
	}}
	named := types.NamespacedName{Namespace: "shop", Name: "bp1"}

	backups.ReadAhead(t.Context(), []types.NamespacedName{named, {Namespace: "bank", Name: "bp2"}})

	for range 2 {
		_, err := backups.Read(t.Context(), named)
		g.Expect(err).To(MatchError(errGone))
	}
	g.Expect(reads.Load()).To(BeEquivalentTo(1), "the read that began before is not repeated")
	_, err := backups.Read(t.Context(), types.NamespacedName{Namespace: "bank", Name: "bp2"})
	g.Expect(err).To(MatchError(ErrElsewhere))
	_, err = backups.Read(t.Context(), types.NamespacedName{Namespace: "shop", Name: "bp3"})
	g.Expect(err).To(MatchError(errGone))
	g.Expect(reads.Load()).To(BeEquivalentTo(2), "other Backups are read when they are asked for")
}
