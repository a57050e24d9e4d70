package controllers_test

import (
	"encoding/json"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// nthOf returns the number of the nth call of one kind.
func nthOf(made []string, what string, n int) int {
	GinkgoHelper()
	for i, call := range made {
		if call == what {
			if n--; n == 0 {
				return i + 1
			}
		}
	}
	Fail("there are not as many calls: " + what)
	return 0
}

// lastBefore returns the number of the last call of one kind before the call with the given number.
func lastBefore(made []string, what string, number int) int {
	for i, call := range slices.Backward(made[:number-1]) {
		if call == what {
			return i + 1
		}
	}
	return 0
}

// lastWriteBefore returns the number of the last write before the call with the given number.
func lastWriteBefore(made []string, number int) int {
	return max(lastBefore(made, "patch Cluster", number), lastBefore(made, "patch Job", number), lastBefore(made, "patch Restore", number))
}

// beganAt returns the number of the first call of the reconcile that a call belongs to.
func beganAt(made []string, number int) int { return lastBefore(made, "get Cluster", number) }

// callsInMemory returns the calls of a run without faults.
func (s scenario) callsInMemory() []string {
	GinkgoHelper()
	return s.record(s.setUpInMemory()).made
}

// runMeanwhile runs a scenario in memory, with another write just before a call. It expects that the restore is cured, and
// that what had started still exists.
func (s scenario) runMeanwhile(number int, happens func(t *faultRun)) {
	GinkgoHelper()
	t := s.setUpInMemory()
	happened := false
	t.calls.before = func() {
		if len(t.calls.made) == number {
			happens(t)
			happened = true
		}
	}
	t.converge()
	Expect(happened).To(BeTrue())
	t.keeps()
	s.cured(t)
	t.rests()
}

var _ = Describe("A race", func() {
	It("does no harm when KubeBlocks writes empty rules back between the two patches of a replacement", func() {
		made := halfRestore.callsInMemory()
		add := nthOf(made, "patch Restore", 2)
		for _, number := range []int{beganAt(made, add), add} {
			halfRestore.runMeanwhile(number, func(t *faultRun) {
				restore := t.restore()
				Expect(restore.Spec.PrepareDataConfig.SchedulingSpec).To(BeNil())
				t.merge(restore, `{"spec":{"prepareDataConfig":{"schedulingSpec":{}}}}`)
			})
		}
	})

	It("does no harm when KubeBlocks reverts the Cluster's components once", func() {
		rewrite := nthOf(wholeRestore.callsInMemory(), "patch Cluster", 1)
		wholeRestore.runMeanwhile(rewrite+1, func(t *faultRun) { t.revert("kubeblocks") })
	})

	It("stops the rewrites when another writer reverts each", func() {
		t := wholeRestore.setUp()
		defer t.clean()
		rewrites := 0
		for range 10 {
			_, err := t.tryReconcile()
			Expect(err).NotTo(HaveOccurred())
			if !t.namesSource() {
				rewrites++
				t.revert("gitops")
			}
			t.fakeKubeBlocks.step()
		}
		Expect(rewrites).To(Equal(2))
		Expect(t.history().Contention).To(HaveValue(HaveField("Manager", "gitops")))
		Expect(t.restore().Status.Conditions).To(ContainElement(SatisfyAll(
			ours(), say(metav1.ConditionFalse, v1alpha1.ReasonContended), HaveField("Message", ContainSubstring("gitops")))))
		t.rests()
	})

	It("does no harm when a foreign writer drops conditions", func() {
		t := wholeRestore.setUpInMemory()
		t.converge()
		for range 3 {
			t.mergeStatus(t.restore(), `{"status":{"conditions":[`+validated+`]}}`)
			t.converge()
			Expect(t.restore().Status.Conditions).To(HaveExactElements(ofType("ValidationPassed"), ours(), oursToo()))
			t.rests()
		}
	})

	DescribeTable("does no harm when a Pod is bound after it was observed as Pending", func(s scenario, deletes string) {
		made := s.callsInMemory()
		last := nthOf(made, deletes, 1)
		first := beganAt(made, last)
		if deletes != "delete Pod" {
			// No precondition of the delete detects a Pod that is bound from here on. The first Pod is read right after the list.
			list := lastBefore(made, "list PodList", last)
			Expect(list).To(BeNumerically(">", lastWriteBefore(made, last)), "Pods are listed after every other write: that can take long")
			last = list
			if made[last] == "get Pod" {
				last++
			}
		}
		for number := first; number <= last; number++ {
			s.runMeanwhile(number, func(t *faultRun) { Expect(t.bindWaiting()).To(BeTrue()) })
		}
		showf("calls before which a Pod was bound", "%d, from the first of the reconcile that sends %q", last-first+1, deletes)
	},
		Entry("and its Restore would be deleted", wholeRestore, "delete Restore"),
		Entry("and its Job would be deleted", halfRestore, "delete Job"),
		Entry("and is itself the one that would be deleted", databasePod, "delete Pod"),
	)
})

// revert puts back the components as they came from the Backup, in a write that names no version.
func (t *faultRun) revert(manager client.FieldOwner) {
	GinkgoHelper()
	spec := t.cluster(target, source).Obj().Object["spec"].(map[string]any)
	data, err := json.Marshal(map[string]any{"spec": map[string]any{"componentSpecs": spec["componentSpecs"]}})
	Expect(err).NotTo(HaveOccurred())
	Expect(t.admin.Patch(t.ctx, t.view(), client.RawPatch(types.MergePatchType, data), manager)).To(Succeed())
	Expect(t.namesSource()).To(BeTrue())
}

// view returns carrot67.
func (e *env) view() *kubeblocks.Cluster {
	GinkgoHelper()
	cluster := &kubeblocks.Cluster{}
	Expect(e.admin.Get(e.ctx, client.ObjectKey{Namespace: e.namespace, Name: target}, cluster)).To(Succeed())
	return cluster
}

// namesSource reports whether a component of carrot67 names my1.
func (t *faultRun) namesSource() bool {
	GinkgoHelper()
	for _, spec := range t.view().Spec.ComponentSpecs {
		policy := &unstructured.Unstructured{Object: rehometesting.Apart(source)}
		have, err := json.Marshal(spec.SchedulingPolicy)
		Expect(err).NotTo(HaveOccurred())
		want, err := json.Marshal(policy.Object)
		Expect(err).NotTo(HaveOccurred())
		if slices.Equal(have, want) {
			return true
		}
	}
	return false
}

func (e *env) history() remedy.History {
	GinkgoHelper()
	cluster := e.view()
	return remedy.ReadHistory(cluster.Annotations[v1alpha1.AnnotationHistory], cluster.UID)
}

// bindWaiting binds the first Pod without a node, notes that it has started, and reports whether there was one.
func (t *faultRun) bindWaiting() bool {
	GinkgoHelper()
	for _, pod := range t.pods() {
		if pod.Spec.NodeName != "" {
			continue
		}
		t.fakeKubeBlocks.bind(&pod, "spare").do()
		t.started = append(t.started, &pod)
		if job := t.jobOf(&pod); job != nil {
			t.started = append(t.started, job, t.restore())
		}
		return true
	}
	return false
}
