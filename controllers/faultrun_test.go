package controllers_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// faultRun is an env in which a stand-in for KubeBlocks acts after each reconcile, and a reconciler whose calls are numbered.
type faultRun struct {
	env
	fakeKubeBlocks *fakeKubeBlocks
	calls          *calls
	// restorePods is the configuration of every reconciler.
	restorePods configv1alpha1.RestorePods
	// started are objects that had a bound Pod before: they must be there at the end.
	started []client.Object
	// observe, where it is set, is called before each pass.
	observe func()
}

func newFaultRun(generation rehometesting.Generation) *faultRun {
	GinkgoHelper()
	t := &faultRun{restorePods: configv1alpha1.Inherit}
	t.reset(generation)
	t.fakeKubeBlocks = t.newFakeKubeBlocks(target)
	t.calls = &calls{}
	t.start()
	return t
}

func (t *faultRun) newFakeKubeBlocks(cluster string) *fakeKubeBlocks {
	return &fakeKubeBlocks{
		ctx: t.ctx, admin: t.admin, generation: t.generation, namespace: t.namespace,
		cluster: cluster, pods: map[types.UID]types.UID{},
	}
}

// start starts a process: its reconciler knows nothing yet.
func (t *faultRun) start() {
	s := *servers[t.generation.Apps]
	t.reconciler = t.newReconciler(&s, within(t.namespace), t.calls.interception())
	t.reconciler.Config.RestorePods = t.restorePods
}

// converge reconciles, with a step of KubeBlocks after each pass, until nothing moves any more. A pass in which a call went
// wrong is followed by another at once; when the process died of it, by one of a new process.
func (t *faultRun) converge() {
	GinkgoHelper()
	most := 60 + 2*len(t.calls.faults) // more than any remediation needs
	for range most {
		if t.pass() {
			return
		}
	}
	Fail("things still move after " + strings.Join(t.calls.made, ", "))
}

// pass reconciles once, and reports whether nothing moved.
func (t *faultRun) pass() bool {
	GinkgoHelper()
	t.rejoin()
	t.calls.beginPass()
	if t.observe != nil {
		t.observe()
	}
	// What a run with faults plays, the undisturbed one has played.
	t.unobserved = len(t.calls.faults) > 0
	result, err := t.tryReconcile()
	t.clock.Step(result.RequeueAfter)
	wrong, died := t.calls.endPass()
	if died {
		t.start()
	}
	if wrong {
		return false
	}
	Expect(err).NotTo(HaveOccurred())
	moved := t.fakeKubeBlocks.step()
	return !moved && len(t.writes)+len(t.own) == 0 && result.RequeueAfter == 0
}

// rejoin has the calls counted on from a pass of the undisturbed course, where a run that went astray has come to what that one
// found: from there on the two are the same, and more calls can go wrong.
func (t *faultRun) rejoin() {
	GinkgoHelper()
	c := t.calls
	if !c.astray || len(c.faults) == 0 {
		return
	}
	state := t.state()
	for _, p := range slices.Backward(c.undisturbed.passes) {
		if p.state == state {
			c.made, c.astray = slices.Clone(c.undisturbed.made[:p.begin]), false
			return
		}
	}
}

// rests expects that no resourceVersion moves any more, however often Rehome looks.
func (t *faultRun) rests() {
	GinkgoHelper()
	before := t.allVersions()
	for range 3 {
		result, err := t.tryReconcile()
		Expect(err).NotTo(HaveOccurred())
		t.clock.Step(result.RequeueAfter)
		t.fakeKubeBlocks.step()
	}
	Expect(t.allVersions()).To(Equal(before))
}

// kinds lists the kinds of all there is in an env.
func (t *faultRun) kinds() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		t.generation.Apps.WithKind("Cluster"), t.generation.Apps.WithKind("Component"), t.generation.Workloads().WithKind("InstanceSet"),
		kubeblocks.DataProtectionV1alpha1.WithKind("Restore"), kubeblocks.DataProtectionV1alpha1.WithKind("Backup"),
		v1alpha1.GroupVersion.WithKind("Rehoming"), batchv1.SchemeGroupVersion.WithKind("Job"), corev1.SchemeGroupVersion.WithKind("Pod"),
	}
}

// everything lists all there is in the environment.
func (t *faultRun) everything() []unstructured.Unstructured {
	GinkgoHelper()
	var all []unstructured.Unstructured
	for _, gvk := range t.kinds() {
		var list unstructured.UnstructuredList
		list.SetGroupVersionKind(gvk)
		Expect(t.admin.List(t.ctx, &list, client.InNamespace(t.namespace))).To(Succeed())
		all = append(all, list.Items...)
	}
	return all
}

func (t *faultRun) allVersions() map[string]string {
	GinkgoHelper()
	versions := map[string]string{}
	for _, obj := range t.everything() {
		versions[obj.GetKind()+" "+obj.GetName()] = obj.GetResourceVersion()
	}
	return versions
}

// keeps expects that what had started is still there.
func (t *faultRun) keeps() {
	GinkgoHelper()
	for _, obj := range t.started {
		now := obj.DeepCopyObject().(client.Object)
		Expect(t.admin.Get(t.ctx, client.ObjectKeyFromObject(obj), now)).To(Succeed())
		Expect(now.GetUID()).To(Equal(obj.GetUID()))
		Expect(now.GetDeletionTimestamp()).To(BeNil())
	}
}

// clean removes what would cost the server, or meet other worlds: the ledgers.
func (t *faultRun) clean() {
	GinkgoHelper()
	all := []client.DeleteAllOfOption{client.InNamespace(t.namespace), client.GracePeriodSeconds(0)}
	for _, obj := range []client.Object{&kubeblocks.Cluster{}, &kubeblocks.Component{}, &v1alpha1.Rehoming{}, &corev1.Pod{}} {
		Expect(t.admin.DeleteAllOf(t.ctx, obj, all...)).To(Succeed())
	}
}

// state returns all there is in the environment, one object a line, without what differs between two runs that came to the same:
// UIDs, versions, times, and names that are drawn. The ledger is part of it, with every attempt.
func (t *faultRun) state() string {
	GinkgoHelper()
	var lines []string
	for _, obj := range t.everything() {
		lines = append(lines, t.normal(&obj))
	}
	return strings.Join(lines, "\n")
}

var (
	uids  = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	times = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d\d:\d\d:\d\d UTC`)
	drawn = regexp.MustCompile(`(restore-preparedata-)[0-9a-f]{8}(-bp1-\d)(-[a-z0-9]{5})?`)
)

func (t *faultRun) normal(obj *unstructured.Unstructured) string {
	GinkgoHelper()
	for _, key := range []string{"resourceVersion", "managedFields"} {
		unstructured.RemoveNestedField(obj.Object, "metadata", key)
	}
	data, err := json.Marshal(obj.Object)
	Expect(err).NotTo(HaveOccurred())
	text := strings.ReplaceAll(string(data), t.namespace, "NAMESPACE")
	text = drawn.ReplaceAllString(uids.ReplaceAllString(text, "UID"), "${1}UID${2}")
	return times.ReplaceAllString(text, "TIME")
}

// inParallel does something for each item, a few at a time.
func inParallel[T any](items []T, do func(T)) {
	const workers = 4
	queue := make(chan T)
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for item := range queue {
				func() {
					defer GinkgoRecover()
					do(item)
				}()
			}
		})
	}
	for _, item := range items {
		queue <- item
	}
	close(queue)
	wait.Wait()
}
