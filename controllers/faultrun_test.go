package controllers_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// faultRun is an env in which a fakeKubeBlocks acts after each reconcile, and a reconciler whose calls are recorded.
type faultRun struct {
	env
	fakeKubeBlocks *fakeKubeBlocks
	calls          *calls
	// restorePods is the configuration of every reconciler.
	restorePods configv1alpha1.RestorePods
	// started are objects that had a bound Pod before: they must exist at the end.
	started []client.Object
}

// newFaultRun returns a run on the API server with the generation's kinds.
func newFaultRun(generation rehometesting.Generation) *faultRun {
	GinkgoHelper()
	t := &faultRun{}
	t.reset(generation)
	t.init()
	return t
}

// newMemoryRun returns a run on an API server in memory.
func newMemoryRun(generation rehometesting.Generation) (*faultRun, *memoryAPI) {
	GinkgoHelper()
	clock := clocktesting.NewFakeClock(today)
	api := newMemoryAPI(memorySchemes[generation.Apps], clock)
	s := &server{admin: api.as("others"), rehome: api.as("rehome")}
	t := &faultRun{env: newEnv(s, generation, clock)}
	t.unobserved = true // the API server in memory knows no dry runs
	t.init()
	return t, api
}

// memorySchemes holds the scheme of each generation.
var memorySchemes = map[schema.GroupVersion]*runtime.Scheme{
	kubeblocks.AppsV1: schemeOf(kubeblocks.AppsV1), kubeblocks.AppsV1alpha1: schemeOf(kubeblocks.AppsV1alpha1),
}

func (t *faultRun) init() {
	GinkgoHelper()
	t.restorePods = configv1alpha1.Inherit
	t.fakeKubeBlocks = t.newFakeKubeBlocks(target)
	t.calls = &calls{lost: t.mayRepeatEvents}
	t.start()
}

// mayRepeatEvents lets events about the conditions of Restores repeat earlier ones where a report was lost: its Restore then keeps its version.
func (t *faultRun) mayRepeatEvents(lost string) {
	if lost == "patch status of Restore" {
		maps.DeleteFunc(t.recorded, func(event string, _ bool) bool {
			return strings.Contains(event, "Report&ObjectReference{Kind:Restore,")
		})
	}
}

func (t *faultRun) newFakeKubeBlocks(cluster string) *fakeKubeBlocks {
	return &fakeKubeBlocks{
		ctx: t.ctx, admin: t.admin, generation: t.generation, namespace: t.namespace,
		cluster: cluster, pods: map[types.UID]types.UID{},
	}
}

// start starts a process: its reconciler has no memory.
func (t *faultRun) start() {
	t.reconciler = t.newReconciler(within(t.namespace), t.calls.interception())
	t.reconciler.Config.RestorePods = t.restorePods
}

// maxRounds is more than any remediation needs, with a fault in each.
const maxRounds = 150

// converge reconciles, with a step of KubeBlocks after each reconcile, until nothing changes. A reconcile in which a call failed is
// followed by another at once. When the process died, a new process reconciles.
func (t *faultRun) converge() {
	GinkgoHelper()
	for range maxRounds {
		if t.round() {
			return
		}
	}
	Fail("does not converge after " + strings.Join(t.calls.made[max(0, len(t.calls.made)-50):], ", "))
}

// round reconciles once, lets KubeBlocks act, and reports whether nothing changed.
func (t *faultRun) round() bool {
	GinkgoHelper()
	result, err := t.reconcileOnce()
	t.clock.Step(result.RequeueAfter)
	if t.calls.failed {
		return false
	}
	Expect(err).NotTo(HaveOccurred())
	moved := t.fakeKubeBlocks.step()
	return !moved && len(t.writes)+len(t.own) == 0 && result.RequeueAfter == 0
}

// reconcileOnce reconciles, and starts a new process where this one died.
func (t *faultRun) reconcileOnce() (ctrl.Result, error) {
	t.calls.beginReconcile()
	result, err := t.tryReconcile()
	if t.calls.dead {
		t.start()
	}
	return result, err
}

// rests expects that further reconciles change no resourceVersion.
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

// kinds lists the kinds of all objects in an env.
func (t *faultRun) kinds() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		t.generation.Apps.WithKind("Cluster"), t.generation.Apps.WithKind("Component"), t.generation.Workloads().WithKind("InstanceSet"),
		kubeblocks.DataProtectionV1alpha1.WithKind("Restore"), kubeblocks.DataProtectionV1alpha1.WithKind("Backup"),
		v1alpha1.GroupVersion.WithKind("Rehoming"), batchv1.SchemeGroupVersion.WithKind("Job"), corev1.SchemeGroupVersion.WithKind("Pod"),
	}
}

// everything lists all objects in the env.
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

// keeps expects that what had started still exists.
func (t *faultRun) keeps() {
	GinkgoHelper()
	for _, obj := range t.started {
		now := obj.DeepCopyObject().(client.Object)
		Expect(t.admin.Get(t.ctx, client.ObjectKeyFromObject(obj), now)).To(Succeed())
		Expect(now.GetUID()).To(Equal(obj.GetUID()))
		Expect(now.GetDeletionTimestamp()).To(BeNil())
	}
}

// clean deletes what would slow the API server down.
func (t *faultRun) clean() {
	GinkgoHelper()
	all := []client.DeleteAllOfOption{client.InNamespace(t.namespace), client.GracePeriodSeconds(0)}
	for _, obj := range []client.Object{&kubeblocks.Cluster{}, &kubeblocks.Component{}, &v1alpha1.Rehoming{}, &corev1.Pod{}} {
		Expect(t.admin.DeleteAllOf(t.ctx, obj, all...)).To(Succeed())
	}
}

// state returns all objects in the env, one a line, without what differs between two equal runs: UIDs, versions, times and
// generated names. It holds every attempt, because the history is part of it.
func (t *faultRun) state() string {
	GinkgoHelper()
	var lines []string
	for _, obj := range t.everything() {
		lines = append(lines, t.normal(&obj))
	}
	return strings.Join(lines, "\n")
}

var (
	uids      = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	times     = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d\d:\d\d:\d\d UTC`)
	generated = regexp.MustCompile(`(restore-preparedata-)[0-9a-f]{8}(-bp1-\d)(-[a-z0-9]{5})?`)
)

// ofTheServer are the fields, and the labels, that a real API server adds to Pods and Jobs.
var ofTheServer = map[string][]string{
	"Pod": {"metadata.generation", "spec", "status.qosClass", "status.conditions.lastTransitionTime", "status.conditions.observedGeneration"},
	"Job": {"metadata.generation", "metadata.annotations", "spec"},
}

// rulesOf says where Pods and Jobs have their scheduling rules.
var rulesOf = map[string][]string{"Pod": {"spec"}, "Job": {"spec", "template", "spec"}}

func (t *faultRun) normal(obj *unstructured.Unstructured) string {
	GinkgoHelper()
	rules := map[string]any{}
	for _, name := range []string{"nodeName", "affinity", "topologySpreadConstraints"} {
		if path := rulesOf[obj.GetKind()]; path != nil {
			rules[name], _, _ = unstructured.NestedFieldNoCopy(obj.Object, append(slices.Clone(path), name)...)
		}
	}
	for _, path := range append(ofTheServer[obj.GetKind()], "metadata.resourceVersion", "metadata.managedFields") {
		without(obj.Object, strings.Split(path, "."))
	}
	labels := obj.GetLabels()
	maps.DeleteFunc(labels, func(key, _ string) bool {
		return strings.HasSuffix(key, "controller-uid") || strings.HasSuffix(key, "job-name")
	})
	obj.SetLabels(labels)
	data, err := json.Marshal([]any{obj.Object, rules})
	Expect(err).NotTo(HaveOccurred())
	text := strings.ReplaceAll(string(data), t.namespace, "NAMESPACE")
	text = generated.ReplaceAllString(uids.ReplaceAllString(text, "UID"), "${1}UID${2}")
	return times.ReplaceAllString(text, "TIME")
}

// without removes a field, in all elements of lists.
func without(value any, path []string) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			without(item, path)
		}
	case map[string]any:
		if len(path) == 1 {
			delete(v, path[0])
		} else {
			without(v[path[0]], path[1:])
		}
	}
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
