package admission_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	webhook "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/sources"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// slow is a reader that does not answer reads of one kind before it is released.
type slow struct {
	client.Reader
	kind     string
	released chan struct{}
	release  func()
	// reads counts those reads, and blocked those that are not answered yet.
	reads, blocked atomic.Int32
}

func newSlow(kind string) *slow {
	s := &slow{Reader: rehome, kind: kind, released: make(chan struct{})}
	s.release = sync.OnceFunc(func() { close(s.released) })
	DeferCleanup(s.release)
	return s
}

func (s *slow) Get(ctx context.Context, key client.ObjectKey, obj client.Object, options ...client.GetOption) error {
	if obj.GetObjectKind().GroupVersionKind().Kind == s.kind {
		s.reads.Add(1)
		s.blocked.Add(1)
		defer s.blocked.Add(-1)
		select {
		case <-s.released:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return s.Reader.Get(ctx, key, obj, options...)
}

const (
	maxOfNamespace = 8
	// readsAtOnce is how many Backups of one Cluster are read at once.
	readsAtOnce = 4
	// moment is long enough for any request that is not held up.
	moment = 300 * time.Millisecond
)

var _ = Describe("Requests while the API server is slow", func() {
	var group sync.WaitGroup
	// send sends n requests of a Namespace, and returns their answers.
	send := func(handle func(context.Context, webhook.Request) webhook.Response, n int, namespace string, w *env) chan webhook.Response {
		answers := make(chan webhook.Response, n)
		for range n {
			request := createdIn(namespace, w.restored())
			group.Go(func() { answers <- handle(context.Background(), request) })
		}
		return answers
	}

	It("are answered within the deadline, and at most 16 are decided at once", func() {
		reader, w := newSlow("Namespace"), newEnv()
		h, _ := answering(reader)
		begun := time.Now()
		var answers []chan webhook.Response
		for i := range 3 {
			answers = append(answers, send(h.Handle, maxOfNamespace, fmt.Sprintf("busy-%d", i), w))
		}
		Eventually(reader.blocked.Load).WithTimeout(time.Minute).Should(BeEquivalentTo(maxAtOnce))
		Consistently(reader.blocked.Load).WithTimeout(moment).Should(BeEquivalentTo(maxAtOnce))
		group.Wait()

		Expect(time.Since(begun)).To(BeNumerically("<", 5*time.Second), "the API server waits as long")
		for _, some := range answers {
			for range maxOfNamespace {
				answer := <-some
				Expect(answer.Allowed).To(BeTrue())
				Expect(answer.Warnings).To(ConsistOf(Or(HaveSuffix("a read from the API server failed, see the log of Rehome"), HaveSuffix("too many requests at once"))))
			}
		}
	})

	It("do not delay another Namespace", func() {
		reader, busy, other := newSlow("Namespace"), newEnv(), newEnv()
		h, _ := answering(&fast{slow: reader, namespace: other.namespace})
		send(h.Handle, 2*maxAtOnce, busy.namespace, busy)
		Eventually(reader.blocked.Load).WithTimeout(time.Minute).Should(BeEquivalentTo(maxOfNamespace))
		Consistently(reader.blocked.Load).WithTimeout(moment).Should(BeEquivalentTo(maxOfNamespace))

		answer := <-send(h.Handle, 1, other.namespace, other)

		Expect(answer.Warnings).To(Equal([]string{rewroteOne}))
		Expect(reader.blocked.Load()).To(BeEquivalentTo(maxOfNamespace), "the others still wait")
		reader.release()
		group.Wait()
	})

	It("have their Backups read beside the decisions of owner and site", func() {
		decisions, w := newSlow("Namespace"), newEnv()
		backups := newSlow("Backup")
		backups.Reader = decisions
		h, _ := answering(backups)
		send(h.Handle, 1, w.namespace, w)

		Eventually(decisions.blocked.Load).WithTimeout(time.Minute).Should(BeEquivalentTo(1))
		Eventually(backups.reads.Load).WithTimeout(time.Minute).Should(BeEquivalentTo(1), "although the Namespace is not known")
		decisions.release()
		backups.release()
		group.Wait()
	})

	It("begin no more reads of Backups once they are answered", func() {
		decisions, w := newSlow("Namespace"), newEnv()
		w.mode("Disabled")
		backups := newSlow("Backup")
		backups.Reader = decisions
		h, _ := answering(backups)
		answer := make(chan webhook.Response, 1)
		group.Go(func() { answer <- h.Handle(context.Background(), createdIn(w.namespace, w.ofManyBackups())) })
		Eventually(backups.blocked.Load).WithTimeout(time.Minute).Should(BeEquivalentTo(readsAtOnce))
		decisions.release()

		Expect((<-answer).Warnings).To(BeEmpty())
		Consistently(backups.reads.Load).WithTimeout(moment).Should(BeEquivalentTo(readsAtOnce))
		backups.release()
		group.Wait()
	})

	It("share one read of a Backup", func() {
		reader, w := newSlow("Backup"), newEnv()
		h, _ := answering(reader)
		answers := send(h.Handle, maxOfNamespace, w.namespace, w)
		Eventually(reader.reads.Load).WithTimeout(time.Minute).Should(BeEquivalentTo(1))
		Consistently(reader.reads.Load).WithTimeout(moment).Should(BeEquivalentTo(1))
		reader.release()
		group.Wait()

		for range maxOfNamespace {
			Expect((<-answers).Warnings).To(Equal([]string{rewroteOne}))
		}
	})
})

// ofManyBackups is a Cluster that names as many Backups as Rehome reads, one for each component.
func (w *env) ofManyBackups() *unstructured.Unstructured {
	GinkgoHelper()
	cluster, named := rehometesting.MakeCluster(rehometesting.V10(), w.namespace, "kiwi"), map[string]any{}
	for i := range sources.MaxBackups {
		component := fmt.Sprintf("mysql-%d", i)
		cluster.Component(component, rehometesting.Apart("my1"))
		named[component] = map[string]string{"name": "of-" + component, "namespace": w.namespace}
	}
	return cluster.Annotation(kubeblocks.AnnotationRestoreFromBackup, string(asJSON(named))).Obj()
}

// fast is a slow reader that is fast for one Namespace.
type fast struct {
	*slow
	namespace string
}

func (f *fast) Get(ctx context.Context, key client.ObjectKey, obj client.Object, options ...client.GetOption) error {
	if key.Name == f.namespace {
		return f.Reader.Get(ctx, key, obj, options...)
	}
	return f.slow.Get(ctx, key, obj, options...)
}
