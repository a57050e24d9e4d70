package controllers

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// delays notes for how long each request is put off.
type delays struct {
	queue
	of map[types.NamespacedName]time.Duration
}

func (d delays) AddAfter(request reconcile.Request, delay time.Duration) {
	d.of[request.NamespacedName] = delay
}

func TestChangesAreGathered(t *testing.T) {
	restoreOf := func(cluster string) *kubeblocks.Restore {
		restore := &kubeblocks.Restore{}
		restore.Namespace, restore.Labels = "shop", map[string]string{kubeblocks.LabelInstance: cluster}
		return restore
	}
	kiwi, fig := types.NamespacedName{Namespace: "shop", Name: "kiwi"}, types.NamespacedName{Namespace: "shop", Name: "fig"}
	for name, test := range map[string]struct {
		change func(context.Context, queue)
		looked map[types.NamespacedName]time.Duration
	}{
		"a Restore is there at the start": {func(ctx context.Context, q queue) {
			settled().Create(ctx, event.CreateEvent{Object: restoreOf("kiwi"), IsInInitialList: true}, q)
		}, map[types.NamespacedName]time.Duration{}},
		"a Restore is created": {func(ctx context.Context, q queue) {
			settled().Create(ctx, event.CreateEvent{Object: restoreOf("kiwi")}, q)
		}, map[types.NamespacedName]time.Duration{kiwi: settleTime}},
		"a Restore is given to another Cluster": {func(ctx context.Context, q queue) {
			settled().Update(ctx, event.UpdateEvent{ObjectOld: restoreOf("kiwi"), ObjectNew: restoreOf("fig")}, q)
		}, map[types.NamespacedName]time.Duration{kiwi: settleTime, fig: settleTime}},
		"a Restore is deleted": {func(ctx context.Context, q queue) {
			settled().Delete(ctx, event.DeleteEvent{Object: restoreOf("kiwi")}, q)
		}, map[types.NamespacedName]time.Duration{kiwi: settleTime}},
	} {
		t.Run(name, func(t *testing.T) {
			q := delays{of: map[types.NamespacedName]time.Duration{}}
			test.change(t.Context(), q)
			NewWithT(t).Expect(q.of).To(Equal(test.looked))
		})
	}
}
