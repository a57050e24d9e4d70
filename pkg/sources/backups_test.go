package sources

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

var errGone = errors.New("gone")

// counted counts reads of Backups, and does not end them before it is released.
type counted struct {
	all, now atomic.Int32
	released chan struct{}
}

func (c *counted) get(context.Context, types.NamespacedName) (*kubeblocks.Backup, error) {
	c.all.Add(1)
	c.now.Add(1)
	defer c.now.Add(-1)
	<-c.released
	return nil, errGone
}

func named(namespace, name string) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: name}
}

func TestBackupsAreReadAheadOnce(t *testing.T) {
	g := NewWithT(t)
	reads := &counted{released: make(chan struct{})}
	backups := &Backups{Namespace: "shop", Get: reads.get}

	backups.ReadAhead(t.Context(), []types.NamespacedName{named("shop", "bp1"), named("bank", "bp2")})

	g.Eventually(reads.all.Load).WithTimeout(time.Minute).Should(BeEquivalentTo(1), "the one that may be read")
	close(reads.released)
	for range 2 {
		_, err := backups.Read(t.Context(), named("shop", "bp1"))
		g.Expect(err).To(MatchError(errGone))
	}
	_, err := backups.Read(t.Context(), named("bank", "bp2"))
	g.Expect(err).To(MatchError(ErrElsewhere))
	g.Expect(reads.all.Load()).To(BeEquivalentTo(1))
	_, err = backups.Read(t.Context(), named("shop", "bp3"))
	g.Expect(err).To(MatchError(errGone))
	g.Expect(reads.all.Load()).To(BeEquivalentTo(2), "the others are read when they are asked for")
}

func TestAFewBackupsOfAClusterAreReadAtOnce(t *testing.T) {
	g := NewWithT(t)
	reads := &counted{released: make(chan struct{})}
	backups := &Backups{Namespace: "shop", Get: reads.get}
	var names []types.NamespacedName
	for i := range MaxBackups + 1 {
		names = append(names, named("shop", fmt.Sprintf("bp%d", i)))
	}

	backups.ReadAhead(t.Context(), names)

	g.Eventually(reads.now.Load).WithTimeout(time.Minute).Should(BeEquivalentTo(readsAtOnce))
	g.Consistently(reads.now.Load).WithTimeout(100 * time.Millisecond).Should(BeEquivalentTo(readsAtOnce))
	close(reads.released)
	g.Eventually(reads.all.Load).WithTimeout(time.Minute).Should(BeEquivalentTo(MaxBackups))
	g.Consistently(reads.all.Load).WithTimeout(100 * time.Millisecond).Should(BeEquivalentTo(MaxBackups))
}
