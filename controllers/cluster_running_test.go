package controllers

import (
	"context"
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// blocking is a client whose reads block until they are released.
type blocking struct {
	client.Client
	begun, release chan struct{}
}

func (b blocking) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	b.begun <- struct{}{}
	<-b.release
	return errors.New("released")
}

func TestStuckNamesTheClusterWhoseReconcileDoesNotEnd(t *testing.T) {
	g := NewWithT(t)
	clock := clocktesting.NewFakeClock(time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC))
	c := blocking{begun: make(chan struct{}), release: make(chan struct{})}
	r := &ClusterReconciler{Client: c, Clock: clock}
	ended := make(chan error)
	reconcile := func(name string) {
		go func() {
			_, err := r.Reconcile(context.Background(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "shop", Name: name}})
			ended <- err
		}()
		<-c.begun
	}
	g.Expect(r.Stuck()).To(BeEmpty())

	reconcile("carrot67")
	clock.Step(4 * time.Minute)
	reconcile("papaya")
	clock.Step(time.Minute)
	g.Expect(r.Stuck()).To(BeEmpty(), "five minutes are allowed")
	clock.Step(time.Second)
	g.Expect(r.Stuck()).To(Equal("the reconcile of Cluster shop/carrot67 has not ended since 2026-07-01T12:00:00Z"))

	close(c.release)
	g.Expect(<-ended).To(HaveOccurred())
	g.Expect(<-ended).To(HaveOccurred())
	g.Expect(r.Stuck()).To(BeEmpty())
}
