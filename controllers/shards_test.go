package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// shards is a Cluster whose Restores are all stuck: each has one Job, which never started.
type shards struct {
	*env
	restores []string
}

// newShards creates a Cluster with so many Components. All but the Restores have the rewritten rules.
func newShards(e *env, count int) *shards {
	GinkgoHelper()
	s := &shards{env: e}
	my1 := rehometesting.MakeCluster(e.generation, e.namespace, source)
	carrot67 := rehometesting.MakeCluster(e.generation, e.namespace, target).RestoredFrom("shard000", backup)
	numbers := make([]int, count)
	for i := range numbers {
		numbers[i] = i
		s.restores = append(s.restores, fmt.Sprintf("%s-shard%03d-preparedata", target, i))
		my1.Component(fmt.Sprintf("shard%03d", i), rehometesting.Apart(source))
		carrot67.Component(fmt.Sprintf("shard%03d", i), rehometesting.Apart(target))
	}
	created := carrot67.Obj()
	e.create(my1.Obj(), created)
	e.create(rehometesting.MakeBackup(e.namespace, backup).Of(my1.Obj()).Obj())
	inParallel(numbers, func(i int) {
		_, restore := e.restoring(created, fmt.Sprintf("shard%03d", i), rehometesting.Apart(target), rehometesting.Apart(source))
		e.stuckJob(restore, fmt.Sprintf("restore-preparedata-%d", i))
	})
	return s
}

// kept lists the Restores that are not deleted.
func (s *shards) kept() []string {
	GinkgoHelper()
	var restores kubeblocks.RestoreList
	Expect(s.admin.List(s.ctx, &restores, client.InNamespace(s.namespace))).To(Succeed())
	var names []string
	for _, r := range restores.Items {
		if r.DeletionTimestamp.IsZero() && slices.Contains(s.restores, r.Name) {
			names = append(names, r.Name)
		}
	}
	return names
}

// attempts counts the recorded attempts.
func (s *shards) attempts() int {
	GinkgoHelper()
	return len(s.history().Attempts)
}

// bind binds the Pod of one Restore.
func (s *shards) bind(number int) {
	GinkgoHelper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: fmt.Sprintf("restore-preparedata-%d-x7k2p", number)}}
	Expect(s.admin.SubResource("binding").Create(s.ctx, pod, bindingTo("node1"))).To(Succeed())
}

// listCounter counts lists.
type listCounter struct {
	client.Reader
	lists int
}

func (c *listCounter) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	c.lists++
	return c.Reader.List(ctx, list, opts...)
}

var _ = besideKubeBlocks("A Cluster with many stuck Restores", func(e *env) {
	BeforeEach(func() { e.unobserved = true })

	It("has them re-created in one reconcile, with a dozen lists, in 5 s beyond what the deletes take", func() {
		const count, maxLists = 100, 12
		// On the real API server of this suite every delete is checked, which takes longer than all else.
		run, _ := newMemoryRun(e.generation)
		e := &run.env
		s := newShards(e, count)
		floor := s.deleteOthers(count)
		// A delete takes 10 ms.
		e.reconciler = e.newReconciler(interceptor.Funcs{
			Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
				e.clock.Step(10 * time.Millisecond)
				return c.Delete(ctx, obj, opts...)
			},
		})
		e.reconciler.Config.Limits.RemediationBurst = 2 * count
		counter := &listCounter{Reader: e.reconciler.APIReader}
		e.reconciler.APIReader = counter

		begin := time.Now()
		e.reconcile()
		took := time.Since(begin)

		Expect(s.kept()).To(BeEmpty())
		Expect(s.attempts()).To(Equal(count))
		Expect(slices.DeleteFunc(e.writes, func(w string) bool { return strings.HasPrefix(w, "delete Restore ") })).
			To(HaveExactElements("patch Cluster "+target), "one write records all attempts")
		Expect(counter.lists).To(BeNumerically("<=", maxLists))
		Expect(took-floor).To(BeNumerically("<", 5*time.Second), "%s instead of %s", took, floor)
		showf("100 shards", "%d lists, %s; the deletes alone take %s", counter.lists, took.Round(time.Millisecond), floor.Round(time.Millisecond))
	})

	It("uses no more tokens than its Namespace gets, and waits for the next", func() {
		s := newShards(e, 5)
		limits := &e.reconciler.Config.Limits
		limits.RemediationBurst, limits.RemediationsPerMinute = 6, 60

		e.reconcile()

		Expect(s.attempts()).To(Equal(3))
		Expect(s.kept()).To(HaveLen(2))
		e.reconcile()
		Expect(s.kept()).To(HaveLen(2))
		e.clock.Step(time.Second)
		e.reconcile()
		Expect(s.kept()).To(HaveLen(1))
	})

	It("goes to the end of the queue when it took tokens and needs more", func() {
		newShards(e, 5)
		e.reconciler.Config.Limits.RemediationBurst = 6
		first, second := types.NamespacedName{Namespace: e.namespace, Name: target}, types.NamespacedName{Namespace: e.namespace, Name: "second"}
		e.reconciler.Attempts.Enqueue(first)
		e.reconciler.Attempts.Enqueue(second)

		e.reconcile()

		position, _ := e.reconciler.Attempts.Position(first)
		Expect(position).To(Equal(1))
	})

	It("has the others re-created when one cannot be, and that one later, without another attempt", func() {
		s := newShards(e, 3)
		e.refused["delete Restore "+s.restores[1]] = errors.New("no answer")
		_, err := e.tryReconcile()
		Expect(err).To(MatchError(ContainSubstring("no answer")))
		Expect(s.kept()).To(Equal(s.restores[1:]), "without an answer the next would wait as long")

		e.refused["delete Restore "+s.restores[1]] = refused500.answer
		_, err = e.tryReconcile()
		Expect(err).To(MatchError(refused500.answer))
		Expect(s.kept()).To(Equal(s.restores[1:2]))

		clear(e.refused)
		e.reconcile()
		Expect(s.kept()).To(BeEmpty())
		Expect(s.attempts()).To(Equal(3))
	})

	It("keeps a Restore whose Pod is bound while the others are deleted", func() {
		s := newShards(e, 3)
		e.before["delete Restore"] = func() { s.bind(1) }

		Expect(e.reconcile().RequeueAfter).To(BeNumerically(">", 0))

		Expect(s.kept()).To(Equal(s.restores[1:2]))
		Expect(e.reads["list PodList"]).To(Equal(3), "one is of the cache, one of the observation, and one served all deletes")
	})

	It("keeps a Restore whose Pod was bound before the list, although the cache does not know that yet", func() {
		s := newShards(e, 3)
		var pods corev1.PodList
		Expect(e.admin.List(e.ctx, &pods, client.InNamespace(e.namespace))).To(Succeed())
		e.reconciler = e.newReconciler(interceptor.Funcs{
			Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
				pod, isPod := obj.(*corev1.Pod)
				i := slices.IndexFunc(pods.Items, func(p corev1.Pod) bool { return p.Name == key.Name })
				if !isPod || i < 0 {
					return c.Get(ctx, key, obj, opts...)
				}
				pods.Items[i].DeepCopyInto(pod)
				return nil
			},
		})
		e.before["patch Cluster"] = func() { s.bind(1) } // that records the attempts

		e.reconcile()

		Expect(s.kept()).To(Equal(s.restores[1:2]))
	})

	It("lists Pods again when a delete took long", func() {
		s := newShards(e, 3)
		e.before["delete Restore"] = func() { e.clock.Step(time.Second) }

		e.reconcile()

		Expect(s.kept()).To(BeEmpty())
		Expect(e.reads["list PodList"]).To(Equal(4))
	})
})

// deleteOthers returns how long it takes to delete so many Restores of nobody.
func (s *shards) deleteOthers(count int) time.Duration {
	GinkgoHelper()
	var others []*unstructured.Unstructured
	for i := range count {
		other := rehometesting.MakeRestore(s.namespace, fmt.Sprintf("other%d", i)).Obj()
		s.create(other)
		others = append(others, other)
	}
	begin := time.Now()
	for _, other := range others {
		Expect(s.server.rehome.Delete(s.ctx, other, client.Preconditions{UID: new(other.GetUID())})).To(Succeed())
	}
	return time.Since(begin)
}
