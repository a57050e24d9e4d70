package controllers

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// delays records the delay of each request.
type delays struct {
	workqueueOf
	of map[types.NamespacedName]time.Duration
}

func (d delays) AddAfter(request reconcile.Request, delay time.Duration) {
	d.of[request.NamespacedName] = delay
}

func TestChangesAreBatched(t *testing.T) {
	restoreOf := func(cluster string) *kubeblocks.Restore {
		restore := &kubeblocks.Restore{}
		restore.Namespace, restore.Labels = "shop", map[string]string{kubeblocks.LabelInstance: cluster}
		return restore
	}
	kiwi, fig := types.NamespacedName{Namespace: "shop", Name: "kiwi"}, types.NamespacedName{Namespace: "shop", Name: "fig"}
	for name, test := range map[string]struct {
		change   func(context.Context, workqueueOf)
		enqueued map[types.NamespacedName]time.Duration
	}{
		"a Restore is there at the start": {func(ctx context.Context, q workqueueOf) {
			batched(labelledCluster).Create(ctx, event.CreateEvent{Object: restoreOf("kiwi"), IsInInitialList: true}, q)
		}, map[types.NamespacedName]time.Duration{}},
		"a Restore is created": {func(ctx context.Context, q workqueueOf) {
			batched(labelledCluster).Create(ctx, event.CreateEvent{Object: restoreOf("kiwi")}, q)
		}, map[types.NamespacedName]time.Duration{kiwi: batchPeriod}},
		"a Restore is given to another Cluster": {func(ctx context.Context, q workqueueOf) {
			batched(labelledCluster).Update(ctx, event.UpdateEvent{ObjectOld: restoreOf("kiwi"), ObjectNew: restoreOf("fig")}, q)
		}, map[types.NamespacedName]time.Duration{kiwi: batchPeriod, fig: batchPeriod}},
		"a Restore is deleted": {func(ctx context.Context, q workqueueOf) {
			batched(labelledCluster).Delete(ctx, event.DeleteEvent{Object: restoreOf("kiwi")}, q)
		}, map[types.NamespacedName]time.Duration{kiwi: batchPeriod}},
	} {
		t.Run(name, func(t *testing.T) {
			q := delays{of: map[types.NamespacedName]time.Duration{}}
			test.change(t.Context(), q)
			NewWithT(t).Expect(q.of).To(Equal(test.enqueued))
		})
	}
}

func TestOwnStatusUpdatesAreIgnored(t *testing.T) {
	restore := func(conditions ...string) *kubeblocks.Restore {
		r := &kubeblocks.Restore{}
		for _, conditionType := range conditions {
			r.Status.Conditions = append(r.Status.Conditions, metav1.Condition{Type: conditionType})
		}
		return r
	}
	const rules, pods, theirs = v1alpha1.ConditionPolicyRehomed, v1alpha1.ConditionPodsScheduled, "RestorePreparedData"
	changed := func(r *kubeblocks.Restore, change func(*kubeblocks.Restore)) *kubeblocks.Restore {
		r.ResourceVersion = "2"
		change(r)
		return r
	}
	for name, test := range map[string]struct {
		before, now *kubeblocks.Restore
		passes      bool
	}{
		"Rehome reports for the first time": {restore(theirs), changed(restore(theirs, rules, pods), func(*kubeblocks.Restore) {}), false},
		"Rehome reports something else": {restore(rules, pods), changed(restore(rules, pods), func(r *kubeblocks.Restore) {
			r.Status.Conditions[0].Reason, r.Status.Conditions[1].Message = v1alpha1.ReasonRehomed, "They wait."
		}), false},
		"KubeBlocks drops a report": {restore(rules, pods), changed(restore(rules), func(*kubeblocks.Restore) {}), true},
		"KubeBlocks reports, too":   {restore(rules, pods), changed(restore(rules, pods, theirs), func(*kubeblocks.Restore) {}), true},
		"the phase changes": {restore(rules, pods), changed(restore(rules, pods), func(r *kubeblocks.Restore) {
			r.Status.Phase = kubeblocks.RestoreCompleted
		}), true},
		"it is being deleted": {restore(rules, pods), changed(restore(rules, pods), func(r *kubeblocks.Restore) {
			r.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
		}), true},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(ignoreOwnStatusUpdates.Update(event.UpdateEvent{ObjectOld: test.before, ObjectNew: test.now})).To(Equal(test.passes))
		})
	}
}
