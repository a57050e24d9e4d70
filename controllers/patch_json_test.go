package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/rewrite"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

var restores = schema.GroupResource{Group: "dataprotection.kubeblocks.io", Resource: "restores"}

// statusCode returns the HTTP status of the API server's error; zero for any other error.
func statusCode(err error) int {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return 0
	}
	return int(status.Status().Code)
}

var _ = Describe("A JSON Patch", func() {
	usePatchAPI()
	const leaf = "/metadata/annotations/app.kubernetes.io~1instance"

	newObject := func() *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			Namespace: patchAPI.namespace, Name: "rules",
			Annotations: map[string]string{"app.kubernetes.io/instance": "my1", "other": "web1"},
		}}
	}
	annotations := func(obj client.Object) map[string]string {
		GinkgoHelper()
		current := &corev1.ConfigMap{}
		Expect(patchAPI.Get(context.Background(), client.ObjectKeyFromObject(obj), current)).To(Succeed())
		return current.Annotations
	}
	// send patches obj with operations pinned to its version.
	send := func(obj client.Object, operations ...patch.Operation) error {
		GinkgoHelper()
		p, err := patch.JSON(append(patch.Version(obj.GetUID(), obj.GetResourceVersion()), operations...))
		Expect(err).NotTo(HaveOccurred())
		return patchAPI.Patch(context.Background(), obj.DeepCopyObject().(client.Object), p)
	}
	rename := []patch.Operation{patch.Test(leaf, "my1"), patch.Replace(leaf, "carrot67")}

	It("changes one leaf and nothing else", func() {
		obj := newObject()
		Expect(patchAPI.Create(context.Background(), obj)).To(Succeed())

		Expect(send(obj, rename...)).To(Succeed())

		Expect(annotations(obj)).To(Equal(map[string]string{"app.kubernetes.io/instance": "carrot67", "other": "web1"}))
	})

	It("replaces, adds and removes values", func() {
		obj := newObject()
		Expect(patchAPI.Create(context.Background(), obj)).To(Succeed())

		Expect(send(obj, patch.Edits([]rewrite.Edit{
			{Path: leaf, From: "my1", To: "carrot67"},
			{Path: "/metadata/annotations/new", To: "x"},
			{Path: "/metadata/annotations/other", From: "web1"},
		})...)).To(Succeed())

		Expect(annotations(obj)).To(Equal(map[string]string{"app.kubernetes.io/instance": "carrot67", "new": "x"}))
	})

	DescribeTable("changes nothing when an old value differs", func(edit rewrite.Edit) {
		obj := newObject()
		Expect(patchAPI.Create(context.Background(), obj)).To(Succeed())
		before := annotations(obj)

		err := send(obj, patch.Edits([]rewrite.Edit{{Path: leaf, From: "my1", To: "carrot67"}, edit})...)

		Expect(patch.IsStale(err)).To(BeTrue(), "%v", err)
		Expect(annotations(obj)).To(Equal(before))
	},
		Entry("in a replacement", rewrite.Edit{Path: "/metadata/annotations/other", From: "my1", To: "carrot67"}),
		Entry("in a removal", rewrite.Edit{Path: "/metadata/annotations/other", From: "my1"}),
	)

	DescribeTable("is stale, and changes nothing", func(code int, meanwhile func(obj *corev1.ConfigMap), operations ...patch.Operation) {
		obj := newObject()
		Expect(patchAPI.Create(context.Background(), obj)).To(Succeed())
		meanwhile(obj)
		before := annotations(obj)

		err := send(obj, append(rename, operations...)...)

		Expect(statusCode(err)).To(Equal(code))
		Expect(patch.IsStale(err)).To(BeTrue())
		Expect(annotations(obj)).To(Equal(before))
	},
		Entry("when the object was changed", http.StatusConflict, func(obj *corev1.ConfigMap) {
			merge(obj, `{"metadata":{"annotations":{"other":"web2"}}}`)
		}),
		Entry("when the object was re-created", http.StatusUnprocessableEntity, func(obj *corev1.ConfigMap) {
			replaceWith(obj, newObject())
		}),
		Entry("when a tested value differs", http.StatusUnprocessableEntity, func(*corev1.ConfigMap) {},
			patch.Test("/metadata/annotations/other", "my1")),
		// A replace alone would add the member.
		Entry("when a tested value is missing", http.StatusUnprocessableEntity, func(*corev1.ConfigMap) {},
			patch.Test("/metadata/annotations/missing", "my1"), patch.Replace("/metadata/annotations/missing", "carrot67")),
		Entry("when a path is missing", http.StatusUnprocessableEntity, func(*corev1.ConfigMap) {},
			patch.Replace("/metadata/missing/member", "carrot67")),
	)

	It("is stale when the object was deleted", func() {
		obj := newObject()
		Expect(patchAPI.Create(context.Background(), obj)).To(Succeed())
		Expect(patchAPI.Delete(context.Background(), obj)).To(Succeed())

		err := send(obj, rename...)

		Expect(statusCode(err)).To(Equal(http.StatusNotFound))
		Expect(patch.IsStale(err)).To(BeTrue())
	})

	It("is not stale when the API server rejects the result as invalid", func() {
		obj := newObject()
		Expect(patchAPI.Create(context.Background(), obj)).To(Succeed())

		err := send(obj, patch.Add("/data", map[string]string{"no/key": ""}))

		Expect(statusCode(err)).To(Equal(http.StatusUnprocessableEntity))
		Expect(patch.IsStale(err)).To(BeFalse())
	})

	It("is not stale when the CRD rejects the change", func() {
		restore := rehometesting.MakeRestore(patchAPI.namespace, "restore").Stale("my1").Obj()
		Expect(patchAPI.Create(context.Background(), restore)).To(Succeed())

		err := send(restore, patch.Replace("/spec/prepareDataConfig/schedulingSpec", rehometesting.Apart("carrot67")))

		Expect(err).To(MatchError(ContainSubstring("immutable")))
		Expect(statusCode(err)).To(Equal(http.StatusUnprocessableEntity))
		Expect(patch.IsStale(err)).To(BeFalse())
	})
})

var _ = Describe("A deletion pinned to a version", func() {
	usePatchAPI()

	DescribeTable("is stale", func(meanwhile func(restore client.Object)) {
		restore := rehometesting.MakeRestore(patchAPI.namespace, "restore").Stale("my1").Obj()
		Expect(patchAPI.Create(context.Background(), restore)).To(Succeed())
		uid, version := restore.GetUID(), restore.GetResourceVersion()
		meanwhile(restore.DeepCopy())

		err := patchAPI.Delete(context.Background(), restore, client.Preconditions{UID: &uid, ResourceVersion: &version})

		Expect(statusCode(err)).To(Equal(http.StatusConflict))
		Expect(patch.IsStale(err)).To(BeTrue())
	},
		Entry("when the object was changed", func(restore client.Object) { merge(restore, `{"spec":{"unknown":1}}`) }),
		Entry("when the object was re-created", func(restore client.Object) {
			replaceWith(restore, rehometesting.MakeRestore(patchAPI.namespace, "restore").Obj())
		}),
	)
})

var _ = DescribeTable("An error of a write", func(err error, stale bool) {
	Expect(patch.IsStale(err)).To(Equal(stale))
	Expect(patch.IsStale(fmt.Errorf("write: %w", err))).To(Equal(stale))
	Expect(patch.IsStale(errors.Join(err))).To(Equal(stale))
},
	Entry("of nil is not stale", nil, false),
	Entry("of a conflict is stale", apierrors.NewConflict(restores, "r", errors.New("changed")), true),
	Entry("of a deleted object is stale", apierrors.NewNotFound(restores, "r"), true),
	Entry("of missing rights is not stale", apierrors.NewForbidden(restores, "r", errors.New("no")), false),
	Entry("of too many requests is not stale", apierrors.NewTooManyRequests("slowly", 1), false),
	Entry("of a refused connection is not stale", errors.New("connection refused"), false),
)
