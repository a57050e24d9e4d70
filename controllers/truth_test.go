package controllers_test

import (
	"errors"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

var _ = Describe("The API server in memory", func() {
	DescribeTable("answers as a real one does", func(object func(h *stuckRestore) client.Object, request func(e *env, obj client.Object) error) {
		var onServer env
		onServer.reset(rehometesting.V10())
		inMemory, _ := newMemoryRun(rehometesting.V10())

		want := onServer.answerTo(object, request)

		Expect(inMemory.answerTo(object, request)).To(Equal(want))
		AddReportEntry("answer", ReportEntryVisibilityFailureOrVerbose, want)
	},
		Entry("to a test that fails", theRestore, jsonPatch(patch.Test("/metadata/uid", "another"))),
		Entry("to a removal of what is not there", theRestore, jsonPatch(patch.Remove("/spec/nothing"))),
		Entry("to a patch of an old version", theRestore, jsonPatch(patch.Replace("/metadata/resourceVersion", "1"))),
		Entry("to a patch that is pinned to its version", theRestore, func(e *env, obj client.Object) error {
			return jsonPatch(append(patch.Version(obj.GetUID(), obj.GetResourceVersion()), patch.Add("/spec/any", "new"))...)(e, obj)
		}),
		Entry("to a merge patch of another object", theRestore, mergeOf(`{"metadata":{"uid":"another"},"spec":{"any":"new"}}`)),
		Entry("to a merge patch of an old version", theRestore, mergeOf(`{"metadata":{"resourceVersion":"1"},"spec":{"any":"new"}}`)),
		Entry("to a patch that changes nothing", theRestore, mergeOf(`{"metadata":{"annotations":null}}`)),
		Entry("to a patch of the metadata", theRestore, mergeOf(`{"metadata":{"annotations":{"any":"new"}}}`)),
		Entry("to a patch of unknown fields", theCluster, mergeOf(`{"spec":{"unknown":{"number":1,"list":[{}]}}}`)),
		Entry("to a patch of the status of an object without the subresource", theRestore, mergeOf(`{"status":{"phase":"Completed"}}`)),
		Entry("to a patch of the spec through the subresource", theRestore, func(e *env, obj client.Object) error {
			return e.admin.Status().Patch(e.ctx, obj, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"any":"new"},"status":{"phase":"Completed"}}`)))
		}),
		Entry("to changed rules of a Restore", theRestore, jsonPatch(patch.Replace(kubeblocks.SchedulingSpecPath, map[string]any{}))),
		Entry("to removed rules of a Restore", theRestore, jsonPatch(patch.Remove(kubeblocks.SchedulingSpecPath))),
		Entry("to added rules of a Restore", theRestore, func(e *env, obj client.Object) error {
			Expect(jsonPatch(patch.Remove(kubeblocks.SchedulingSpecPath))(e, obj)).To(Succeed())
			return jsonPatch(patch.Add(kubeblocks.SchedulingSpecPath, map[string]any{}))(e, obj)
		}),
		Entry("to changed rules of a Job", theJob, mergeOf(`{"spec":{"template":{"spec":{"affinity":null}}}}`)),
		Entry("to changed rules of a Pod", thePod, mergeOf(`{"spec":{"affinity":null}}`)),
		Entry("to a delete of another object", theJob, deleteWith(client.Preconditions{UID: ptr.To(types.UID("another"))})),
		Entry("to a delete of an old version", theJob, deleteWith(client.Preconditions{ResourceVersion: ptr.To("1")})),
		Entry("to a delete of an object with a finalizer", theRestore, deleteWith()),
		Entry("to a second delete of it", theRestore, func(e *env, obj client.Object) error {
			Expect(deleteWith()(e, obj)).To(Succeed())
			return deleteWith()(e, obj)
		}),
		Entry("to the removal of its finalizer", theRestore, func(e *env, obj client.Object) error {
			Expect(deleteWith()(e, obj)).To(Succeed())
			return mergeOf(`{"metadata":{"finalizers":null}}`)(e, obj)
		}),
		Entry("to a delete of a Pod without a node", thePod, deleteWith()),
		Entry("to a delete of a bound Pod", thePod, func(e *env, obj client.Object) error {
			bind(e, obj)
			return deleteWith()(e, obj)
		}),
		Entry("to a second binding of a Pod", thePod, func(e *env, obj client.Object) error {
			bind(e, obj)
			return e.admin.SubResource("binding").Create(e.ctx, obj, bindingTo("node2"))
		}),
		Entry("to a create of what exists", theRestore, func(e *env, obj client.Object) error {
			return e.admin.Create(e.ctx, rehometesting.MakeRestore(e.namespace, obj.GetName()).Obj())
		}),
		Entry("to a patch of what does not exist", theRestore, func(e *env, _ client.Object) error {
			return mergeOf(`{}`)(e, rehometesting.MakeRestore(e.namespace, "none").Obj())
		}),
	)
})

// answerTo returns the answer to a request, and what became of the object.
func (e *env) answerTo(object func(h *stuckRestore) client.Object, request func(e *env, obj client.Object) error) string {
	GinkgoHelper()
	obj := object(e.stuckRestore(clusterStale))
	before := copyOf(obj)
	Expect(e.admin.Get(e.ctx, client.ObjectKeyFromObject(obj), before)).To(Succeed())
	err := request(e, copyOf(before))
	answer := "success"
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		details := status.Status().Details
		answer = fmt.Sprintf("%d %s, causes: %t, stale: %t", status.Status().Code, status.Status().Reason, details != nil && len(details.Causes) > 0, patch.IsStale(err))
	}
	after := copyOf(obj)
	if err := e.admin.Get(e.ctx, client.ObjectKeyFromObject(obj), after); err != nil {
		Expect(apierrors.IsNotFound(err)).To(BeTrue())
		return answer + "; gone"
	}
	return fmt.Sprintf("%s; written: %t, generations: %d, deleting: %t, finalizers: %v", answer, after.GetResourceVersion() != before.GetResourceVersion(),
		after.GetGeneration()-before.GetGeneration(), after.GetDeletionTimestamp() != nil, after.GetFinalizers())
}

func theCluster(h *stuckRestore) client.Object { return h.cluster }
func theRestore(h *stuckRestore) client.Object { return h.restore }
func theJob(h *stuckRestore) client.Object     { return h.job }
func thePod(h *stuckRestore) client.Object     { return h.pod }

func jsonPatch(operations ...patch.Operation) func(e *env, obj client.Object) error {
	return func(e *env, obj client.Object) error {
		p, err := patch.JSON(operations)
		Expect(err).NotTo(HaveOccurred())
		return e.admin.Patch(e.ctx, obj, p)
	}
}

func mergeOf(text string) func(e *env, obj client.Object) error {
	return func(e *env, obj client.Object) error {
		return e.admin.Patch(e.ctx, obj, client.RawPatch(types.MergePatchType, []byte(text)))
	}
}

func deleteWith(opts ...client.DeleteOption) func(e *env, obj client.Object) error {
	return func(e *env, obj client.Object) error {
		return e.admin.Delete(e.ctx, obj, append(opts, client.PropagationPolicy("Background"))...)
	}
}

// bind binds a Pod, and waits until the watch cache of the API server has that. A real one deletes a Pod at once, without a grace period,
// where its cache still has the Pod without a node.
func bind(e *env, pod client.Object) {
	GinkgoHelper()
	Expect(e.admin.SubResource("binding").Create(e.ctx, copyOf(pod), bindingTo("node1"))).To(Succeed())
	bound := copyOf(pod)
	Expect(e.admin.Get(e.ctx, client.ObjectKeyFromObject(pod), bound)).To(Succeed())
	notOlder := &client.GetOptions{Raw: &metav1.GetOptions{ResourceVersion: bound.GetResourceVersion()}}
	Expect(e.admin.Get(e.ctx, client.ObjectKeyFromObject(pod), bound, notOlder)).To(Succeed())
}
