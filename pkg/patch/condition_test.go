package patch_test

import (
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

var _ = Describe("One condition among others'", func() {
	const earlier, later = "2026-07-01T12:00:00Z", "2026-07-01T13:00:00Z"
	const theirs = `{"type":"Theirs","status":"True","reason":"Done","message":"ok","lastTransitionTime":"` + earlier + `"}`
	const theirOther = `{"type":"TheirOther","status":"False","reason":"Busy","message":"","lastTransitionTime":"` + earlier + `"}`
	const ours = `{"type":"example.org/Ours","status":"False","reason":"Waiting","message":"for it","observedGeneration":1,"lastTransitionTime":"` + earlier + `"}`

	at := func(text string) metav1.Time {
		t, err := time.Parse(time.RFC3339, text)
		Expect(err).NotTo(HaveOccurred())
		return metav1.NewTime(t)
	}
	// want is a condition that differs from ours in what change does to it, and would have changed now.
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
		Expect(api.Status().Patch(ctx, obj.DeepCopyObject().(client.Object), p)).To(Succeed())
	}
	current := func() *kubeblocks.Restore {
		GinkgoHelper()
		restore := &kubeblocks.Restore{}
		Expect(api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "restore"}, restore)).To(Succeed())
		return restore
	}
	// restoreWith makes a Restore whose status has these conditions.
	restoreWith := func(conditions ...string) *kubeblocks.Restore {
		GinkgoHelper()
		obj := rehometesting.MakeRestore(namespace, "restore").Obj()
		Expect(api.Create(ctx, obj)).To(Succeed())
		mergeStatus(obj, `{"phase":"Running","conditions":[`+strings.Join(conditions, ",")+`]}`)
		return current()
	}
	set := func(restore *kubeblocks.Restore, c metav1.Condition) (bool, error) {
		return patch.Conditions(ctx, api, restore, restore.Status.Conditions, c)
	}
	same := func(*metav1.Condition) {}
	typesOf := func(conditions []metav1.Condition) []string {
		names := make([]string, 0, len(conditions))
		for _, c := range conditions {
			names = append(names, c.Type)
		}
		return names
	}

	It("is set where there is no status", func() {
		Expect(api.Create(ctx, rehometesting.MakeRestore(namespace, "restore").Obj())).To(Succeed())

		Expect(set(current(), want(same))).To(BeTrue())

		Expect(current().Status.Conditions).To(HaveExactElements(HaveField("Type", "example.org/Ours")))
	})

	It("is set where the list is empty, beside the rest of the status", func() {
		restore := restoreWith()

		Expect(set(restore, want(same))).To(BeTrue())

		Expect(current().Status).To(SatisfyAll(
			HaveField("Phase", kubeblocks.RestoreRunning), HaveField("Conditions", HaveLen(1))))
	})

	It("is set behind others", func() {
		restore := restoreWith(theirs, theirOther)

		Expect(set(restore, want(same))).To(BeTrue())

		after := current().Status.Conditions
		Expect(typesOf(after)).To(Equal([]string{"Theirs", "TheirOther", "example.org/Ours"}))
		Expect(after[:2]).To(Equal(restore.Status.Conditions))
	})

	It("changes in its place", func() {
		restore := restoreWith(theirs, ours, theirOther)

		Expect(set(restore, want(func(c *metav1.Condition) { c.Reason = "Asking" }))).To(BeTrue())

		after := current().Status.Conditions
		Expect(typesOf(after)).To(Equal([]string{"Theirs", "example.org/Ours", "TheirOther"}))
		Expect(after[1].Reason).To(Equal("Asking"))
	})

	It("is not written when it stands there already", func() {
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
		Entry("in its status, which is a transition", func(c *metav1.Condition) { c.Status = metav1.ConditionTrue }, later),
		Entry("in its reason, which is none", func(c *metav1.Condition) { c.Reason = "Asking" }, earlier),
		Entry("in its message, which is none", func(c *metav1.Condition) { c.Message = "for them" }, earlier),
		Entry("in what it observed, which is none", func(c *metav1.Condition) { c.ObservedGeneration = 2 }, earlier),
	)

	It("leaves its arguments as they are", func() {
		restore := restoreWith(theirs, ours)
		before := restore.DeepCopy()

		Expect(set(restore, want(func(c *metav1.Condition) { c.Status = metav1.ConditionTrue }))).To(BeTrue())

		Expect(restore).To(Equal(before))
	})

	DescribeTable("is stale, and undoes nothing, when somebody writes meanwhile", func(before ...string) {
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

	DescribeTable("is stale when the object is another of the same name", func(before ...string) {
		restore := restoreWith(before...)
		replaceWith(restore, rehometesting.MakeRestore(namespace, "restore").Obj())

		_, err := set(restore, want(same))

		Expect(patch.IsStale(err)).To(BeTrue(), "%v", err)
		Expect(current().Status.Conditions).To(BeEmpty())
	}, Entry("and had no conditions"), Entry("and had some", theirs))

	It("is stale when the object is gone", func() {
		restore := restoreWith(theirs)
		merge(restore, `{"metadata":{"finalizers":null}}`)
		Expect(api.Delete(ctx, restore.DeepCopy())).To(Succeed())

		_, err := set(restore, want(same))

		Expect(apierrors.IsNotFound(err)).To(BeTrue())
		Expect(patch.IsStale(err)).To(BeTrue())
	})

	It("is not stale, but an error, when the API server finds it invalid", func() {
		_, err := set(restoreWith(theirs), want(func(c *metav1.Condition) { c.Message = strings.Repeat("x", 40_000) }))

		Expect(apierrors.IsInvalid(err)).To(BeTrue())
		Expect(patch.IsStale(err)).To(BeFalse())
	})
})
