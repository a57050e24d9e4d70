package controllers_test

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

var _ = Describe("A condition in a foreign status", func() {
	usePatchAPI()
	const earlier, later = "2026-07-01T12:00:00Z", "2026-07-01T13:00:00Z"
	const theirs = `{"type":"Theirs","status":"True","reason":"Done","message":"ok","lastTransitionTime":"` + earlier + `"}`
	const theirOther = `{"type":"TheirOther","status":"False","reason":"Busy","message":"","lastTransitionTime":"` + earlier + `"}`
	const ours = `{"type":"example.org/Ours","status":"False","reason":"Waiting","message":"for it","observedGeneration":1,"lastTransitionTime":"` + earlier + `"}`

	at := func(text string) metav1.Time {
		t, err := time.Parse(time.RFC3339, text)
		Expect(err).NotTo(HaveOccurred())
		return metav1.NewTime(t)
	}
	// want is our condition with a later transition time and a change.
	want := func(change func(c *metav1.Condition)) metav1.Condition {
		c := metav1.Condition{
			Type: "example.org/Ours", Status: metav1.ConditionFalse, Reason: "Waiting", Message: "for it",
			ObservedGeneration: 1, LastTransitionTime: at(later),
		}
		change(&c)
		return c
	}
	mergeStatus := func(obj client.Object, status string) {
		GinkgoHelper()
		p := client.RawPatch(types.MergePatchType, []byte(`{"status":`+status+`}`))
		Expect(patchAPI.Status().Patch(context.Background(), obj.DeepCopyObject().(client.Object), p)).To(Succeed())
	}
	current := func() *kubeblocks.Restore {
		GinkgoHelper()
		restore := &kubeblocks.Restore{}
		Expect(patchAPI.Get(context.Background(), client.ObjectKey{Namespace: patchAPI.namespace, Name: "restore"}, restore)).To(Succeed())
		return restore
	}
	// restoreWith creates a Restore with these conditions.
	restoreWith := func(conditions ...string) *kubeblocks.Restore {
		GinkgoHelper()
		obj := rehometesting.MakeRestore(patchAPI.namespace, "restore").Obj()
		Expect(patchAPI.Create(context.Background(), obj)).To(Succeed())
		mergeStatus(obj, `{"phase":"Running","conditions":[`+strings.Join(conditions, ",")+`]}`)
		return current()
	}
	set := func(restore *kubeblocks.Restore, c metav1.Condition) (bool, error) {
		return patch.Conditions(context.Background(), patchAPI.Client, restore, restore.Status.Conditions, c)
	}
	same := func(*metav1.Condition) {}
	typesOf := func(conditions []metav1.Condition) []string {
		names := make([]string, 0, len(conditions))
		for _, c := range conditions {
			names = append(names, c.Type)
		}
		return names
	}

	It("is set when the object has no status", func() {
		Expect(patchAPI.Create(context.Background(), rehometesting.MakeRestore(patchAPI.namespace, "restore").Obj())).To(Succeed())

		Expect(set(current(), want(same))).To(BeTrue())

		Expect(current().Status.Conditions).To(HaveExactElements(HaveField("Type", "example.org/Ours")))
	})

	It("is set when the list is empty, and keeps the rest of the status", func() {
		restore := restoreWith()

		Expect(set(restore, want(same))).To(BeTrue())

		Expect(current().Status).To(SatisfyAll(
			HaveField("Phase", kubeblocks.RestoreRunning), HaveField("Conditions", HaveLen(1))))
	})

	It("is appended to others", func() {
		restore := restoreWith(theirs, theirOther)

		Expect(set(restore, want(same))).To(BeTrue())

		after := current().Status.Conditions
		Expect(typesOf(after)).To(Equal([]string{"Theirs", "TheirOther", "example.org/Ours"}))
		Expect(after[:2]).To(Equal(restore.Status.Conditions))
	})

	It("is replaced at its index", func() {
		restore := restoreWith(theirs, ours, theirOther)

		Expect(set(restore, want(func(c *metav1.Condition) { c.Reason = "Asking" }))).To(BeTrue())

		after := current().Status.Conditions
		Expect(typesOf(after)).To(Equal([]string{"Theirs", "example.org/Ours", "TheirOther"}))
		Expect(after[1].Reason).To(Equal("Asking"))
	})

	It("is not written when it is unchanged", func() {
		restore := restoreWith(theirs, ours)

		Expect(set(restore, want(same))).To(BeFalse())

		Expect(current().ResourceVersion).To(Equal(restore.ResourceVersion))
	})

	DescribeTable("is written when it differs", func(change func(c *metav1.Condition), transition string) {
		restore := restoreWith(ours)

		Expect(set(restore, want(change))).To(BeTrue())

		expected := want(change)
		expected.LastTransitionTime = at(transition)
		got := current().Status.Conditions[0]
		Expect(got.LastTransitionTime.Time).To(BeTemporally("==", expected.LastTransitionTime.Time))
		got.LastTransitionTime = expected.LastTransitionTime
		Expect(got).To(Equal(expected))
	},
		Entry("in its status, with a new transition time", func(c *metav1.Condition) { c.Status = metav1.ConditionTrue }, later),
		Entry("in its reason, with the old transition time", func(c *metav1.Condition) { c.Reason = "Asking" }, earlier),
		Entry("in its message, with the old transition time", func(c *metav1.Condition) { c.Message = "for them" }, earlier),
		Entry("in its observedGeneration, with the old transition time", func(c *metav1.Condition) { c.ObservedGeneration = 2 }, earlier),
	)

	It("does not modify the arguments", func() {
		restore := restoreWith(theirs, ours)
		before := restore.DeepCopy()

		Expect(set(restore, want(func(c *metav1.Condition) { c.Status = metav1.ConditionTrue }))).To(BeTrue())

		Expect(restore).To(Equal(before))
	})

	DescribeTable("is stale, and undoes nothing, after a concurrent write", func(before ...string) {
		restore := restoreWith(before...)
		mergeStatus(restore, `{"conditions":[`+theirOther+`]}`)

		written, err := set(restore, want(func(c *metav1.Condition) { c.Reason = "Asking" }))

		Expect(patch.IsStale(err)).To(BeTrue(), "%v", err)
		Expect(written).To(BeFalse())
		Expect(typesOf(current().Status.Conditions)).To(Equal([]string{"TheirOther"}))
	},
		Entry("to an empty list"),
		Entry("to a list without it", theirs),
		Entry("to a list with it", ours, theirs),
	)

	DescribeTable("is stale when the object was re-created", func(before ...string) {
		restore := restoreWith(before...)
		replaceWith(restore, rehometesting.MakeRestore(patchAPI.namespace, "restore").Obj())

		_, err := set(restore, want(same))

		Expect(patch.IsStale(err)).To(BeTrue(), "%v", err)
		Expect(current().Status.Conditions).To(BeEmpty())
	}, Entry("and had no conditions"), Entry("and had conditions", theirs))

	It("is stale when the object was deleted", func() {
		restore := restoreWith(theirs)
		merge(restore, `{"metadata":{"finalizers":null}}`)
		Expect(patchAPI.Delete(context.Background(), restore.DeepCopy())).To(Succeed())

		_, err := set(restore, want(same))

		Expect(apierrors.IsNotFound(err)).To(BeTrue())
		Expect(patch.IsStale(err)).To(BeTrue())
	})

	It("is not stale when the API server rejects it as invalid", func() {
		_, err := set(restoreWith(theirs), want(func(c *metav1.Condition) { c.Message = strings.Repeat("x", 40_000) }))

		Expect(apierrors.IsInvalid(err)).To(BeTrue())
		Expect(patch.IsStale(err)).To(BeFalse())
	})
})
