package controllers_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	"github.com/prometheus/client_golang/prometheus"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/tools/reference"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/controllers"
	"github.com/rehome-operator/rehome/pkg/attempts"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/metrics"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

const (
	// source is the cluster that was backed up, target the one that is restored from the Backup bp1.
	source, target = "my1", "carrot67"
	backup         = "bp1"
)

// today is when every test begins. The API server keeps seconds.
var today = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// mostVerbose is the level below the one at which client-go logs whole bodies of requests.
const mostVerbose = 7

// besideKubeBlocks runs specs beside KubeBlocks 1.0, every spec in an env of its own.
func besideKubeBlocks(text string, specs func(e *env)) bool { //nolint:unparam // `var _ =` needs a value, as with Describe.
	return Describe(text, func() { beside(rehometesting.V10, specs) })
}

// besideEachGeneration runs specs beside each generation of KubeBlocks: those in which the places of rules, the mark of a generation,
// or what KubeBlocks does with Pending Pods make a difference.
func besideEachGeneration(text string, specs func(e *env)) bool {
	return DescribeTableSubtree(text, func(generation func() rehometesting.Generation) { beside(generation, specs) },
		Entry("beside KubeBlocks 0.9", rehometesting.V09), Entry("beside KubeBlocks 1.0", rehometesting.V10))
}

// besideVersionsWithRestores runs specs about the Pods of a database also beside KubeBlocks 1.1, which can have Instances.
func besideVersionsWithRestores(text string, specs func(e *env)) bool {
	return besideEachGeneration(text, specs) && besideKubeBlocks11(text+" beside KubeBlocks 1.1", specs)
}

// besideEachVersion runs specs beside each version of KubeBlocks.
func besideEachVersion(text string, specs func(e *env)) bool {
	return besideVersionsWithRestores(text, specs) && besideKubeBlocks12(text+" beside KubeBlocks 1.2", specs)
}

func beside(generation func() rehometesting.Generation, specs func(e *env)) {
	e := &env{}
	BeforeEach(func() { e.reset(generation()) })
	specs(e)
}

// env is a namespace of an API server, and a reconciler that observes it. A test does what KubeBlocks, the scheduler or
// an owner would do; the reconciler may do only what its role lets it.
type env struct {
	ctx        context.Context
	server     *server
	admin      client.Client
	generation rehometesting.Generation
	namespace  string

	reconciler *controllers.ClusterReconciler
	clock      *clocktesting.FakeClock
	registry   *prometheus.Registry

	// unobserved says that no observer reconciles first.
	unobserved bool

	// before is what happens just before the reconciler's next write, by "verb Kind", or before one of its reads, by "get Kind n".
	before map[string]func()
	// reads counts the reads of the last reconcile, by "verb Kind".
	reads map[string]int
	// refused is what the reconciler is answered with: its reads by kind, its writes by "verb Kind name".
	refused map[string]error

	// writes are those of the last reconcile to objects of others, as "verb Kind name", own those to Rehomings.
	writes, own []string
	// events are those of all reconciles about the Cluster, as "type reason note"; transitions are those about Restores and
	// Rehomings, as "Kind type reason note".
	events, transitions []string
	// recorded has what tells an event from others.
	recorded map[string]bool
	// logged are the lines that all reconciles logged to logger.
	logged []string
	logger logr.Logger
}

// reset empties an env: a new Namespace of the API server that has the generation's kinds.
func (e *env) reset(generation rehometesting.Generation) {
	GinkgoHelper()
	*e = newEnv(servers[generation.Apps], generation, clocktesting.NewFakeClock(today))
	log := func(prefix, args string) { e.logged = append(e.logged, prefix+" "+args) }
	e.logger = funcr.New(log, funcr.Options{Verbosity: mostVerbose})
	// What mode Observe writes does not depend on the generation.
	e.unobserved = generation.Apps != kubeblocks.AppsV1
	e.reconciler = e.newReconciler()
}

// newEnv returns an env in a new Namespace, without a reconciler and a log.
func newEnv(s *server, generation rehometesting.Generation, c *clocktesting.FakeClock) env {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	Expect(s.admin.Create(context.Background(), namespace)).To(Succeed())
	return env{
		ctx: context.Background(), server: s, admin: s.admin, generation: generation, namespace: namespace.Name,
		clock: c, logger: logr.Discard(), before: map[string]func(){}, refused: map[string]error{},
		reads: map[string]int{}, recorded: map[string]bool{},
	}
}

// newReconciler returns a reconciler that knows nothing yet, as after a start of the process. Its calls pass the interceptors, the
// last first.
func (e *env) newReconciler(interceptors ...interceptor.Funcs) *controllers.ClusterReconciler {
	s := e.server
	e.registry = prometheus.NewRegistry()
	intercepted := func(c client.WithWatch) client.WithWatch {
		for _, i := range append(interceptors, e.interception()) {
			c = interceptor.NewClient(c, i)
		}
		return c
	}
	r := e.reconcilerOf(intercepted(cachedReads(s.rehome, s.admin)), intercepted(s.rehome))
	r.Recorder, r.Metrics = recorder{e}, metrics.New(e.registry, "test")
	r.Metrics.SetMode(r.Config.Mode)
	leading := make(chan struct{})
	close(leading)
	r.Metrics.Lead(r.BreakerOpen, leading)
	return r
}

// reconcilerOf returns a reconciler with these clients. Its events and metrics go nowhere.
func (e *env) reconcilerOf(c client.Client, live client.Reader) *controllers.ClusterReconciler {
	return &controllers.ClusterReconciler{
		Client:    client.WithFieldOwner(c, string(controllers.FieldOwner)),
		APIReader: live,
		Recorder:  &events.FakeRecorder{},
		Metrics:   metrics.New(prometheus.NewRegistry(), "test"),
		Attempts:  &attempts.Log{},
		Clock:     e.clock,
		Served:    e.generation.Served(),
		Config:    *configv1alpha1.Defaults(),
	}
}

// recorder notes events in an env.
type recorder struct{ e *env }

func (r recorder) Eventf(regarding, related runtime.Object, eventType, reason, action, note string, args ...any) {
	GinkgoHelper()
	// client-go compares these.
	same := fmt.Sprint(eventType, reason, action, r.reference(regarding), r.reference(related))
	Expect(r.e.recorded).NotTo(HaveKey(same), "only the first event would be created")
	r.e.recorded[same] = true
	text := eventType + " " + reason + " " + fmt.Sprintf(note, args...)
	switch regarding.(type) {
	case *kubeblocks.Cluster:
		r.e.events = append(r.e.events, text)
	case *kubeblocks.Restore:
		r.e.transitions = append(r.e.transitions, "Restore "+text)
	case *v1alpha1.Rehoming:
		r.e.transitions = append(r.e.transitions, "Rehoming "+text)
	}
}

func (r recorder) reference(obj runtime.Object) *corev1.ObjectReference {
	GinkgoHelper()
	if obj == nil {
		return nil
	}
	ref, err := reference.GetReference(r.e.admin.Scheme(), obj)
	Expect(err).NotTo(HaveOccurred())
	Expect(ref.UID).NotTo(BeEmpty(), "a later object of that name is another")
	return ref
}

// byLabel has the API server select by label what a cache selects by an index of labels.
func byLabel(opts []client.ListOption) []client.ListOption {
	o := (&client.ListOptions{}).ApplyOptions(opts)
	if o.FieldSelector == nil {
		return opts
	}
	selected := []client.ListOption{client.InNamespace(o.Namespace)}
	for _, field := range o.FieldSelector.Requirements() {
		label, ok := strings.CutPrefix(field.Field, "metadata.labels.")
		Expect(ok).To(BeTrue(), "no API server selects by %s", field.Field)
		if len(validation.IsValidLabelValue(field.Value)) > 0 {
			return []client.ListOption{client.MatchingLabels{"an-index-finds-nothing": ""}}
		}
		selected = append(selected, client.MatchingLabels{label: field.Value})
	}
	return selected
}

// interception sees the reconciler's reads and writes. What it does not name, the reconciler's role refuses.
func (e *env) interception() interceptor.Funcs {
	return interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if err := e.refused[kindOf(c, obj)]; err != nil {
				return err
			}
			e.meetRead("get " + kindOf(c, obj))
			return c.Get(ctx, key, obj, opts...)
		},
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if err := e.refused[kindOf(c, list)]; err != nil {
				return err
			}
			e.meetRead("list " + kindOf(c, list))
			if _, all := list.(*kubeblocks.ClusterList); all {
				// Other envs share the API server. Their attempts must not count here.
				opts = append(opts, client.InNamespace(e.namespace))
			}
			return c.List(ctx, list, byLabel(opts)...)
		},
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			if err := e.meet("create "+kindOf(c, obj), obj); err != nil {
				return err
			}
			return c.Create(ctx, obj, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, p client.Patch, opts ...client.PatchOption) error {
			if err := e.meet("patch "+kindOf(c, obj), obj); err != nil {
				return err
			}
			return c.Patch(ctx, obj, p, opts...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			if err := e.meet("delete "+kindOf(c, obj), obj); err != nil {
				return err
			}
			return c.Delete(ctx, obj, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, subResource string, obj client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			if err := e.meet("patch "+subResource+" of "+kindOf(c, obj), obj); err != nil {
				return err
			}
			return c.SubResource(subResource).Patch(ctx, obj, p, opts...)
		},
	}
}

// meet notes a write, lets happen what a test wants to happen before it, and returns what it is to be refused with.
func (e *env) meet(write string, obj client.Object) error {
	if _, own := obj.(*v1alpha1.Rehoming); own {
		e.own = append(e.own, write)
	} else {
		e.writes = append(e.writes, write+" "+obj.GetName())
	}
	if happens := e.before[write]; happens != nil {
		delete(e.before, write)
		happens()
	}
	return e.refused[write+" "+obj.GetName()]
}

// meetRead notes a read, and lets happen what a test wants to happen before it.
func (e *env) meetRead(read string) {
	e.reads[read]++
	numbered := fmt.Sprintf("%s %d", read, e.reads[read])
	if happens := e.before[numbered]; happens != nil {
		delete(e.before, numbered)
		happens()
	}
}

func kindOf(c client.Client, obj runtime.Object) string {
	GinkgoHelper()
	gvk, err := apiutil.GVKForObject(obj, c.Scheme())
	Expect(err).NotTo(HaveOccurred())
	return gvk.Kind
}

// tryReconcile reconciles carrot67 once.
func (e *env) tryReconcile() (ctrl.Result, error) {
	if !e.unobserved {
		e.observe()
	}
	e.writes, e.own, e.reads = nil, nil, map[string]int{}
	key := types.NamespacedName{Namespace: e.namespace, Name: target}
	result, err := e.reconciler.Reconcile(logf.IntoContext(e.ctx, e.logger), ctrl.Request{NamespacedName: key})
	return result, err
}

// reconcile reconciles carrot67 once, without an error.
func (e *env) reconcile() ctrl.Result {
	GinkgoHelper()
	result, err := e.tryReconcile()
	Expect(err).NotTo(HaveOccurred())
	return result
}

// create creates objects; those of Kubernetes itself with their status.
func (e *env) create(objs ...client.Object) {
	GinkgoHelper()
	for _, obj := range objs {
		created := obj.DeepCopyObject().(client.Object)
		Expect(e.admin.Create(e.ctx, created)).To(Succeed())
		obj.SetUID(created.GetUID())
		obj.SetResourceVersion(created.GetResourceVersion())
		obj.SetGeneration(created.GetGeneration())
		if _, custom := obj.(*unstructured.Unstructured); !custom {
			Expect(e.admin.Status().Update(e.ctx, obj)).To(Succeed())
		}
	}
}

// remove deletes objects whatever their finalizers say, as if those had run.
func (e *env) remove(objs ...client.Object) {
	GinkgoHelper()
	for _, obj := range objs {
		e.merge(obj, `{"metadata":{"finalizers":null}}`)
		err := e.admin.Delete(e.ctx, obj, client.GracePeriodSeconds(0), client.PropagationPolicy(metav1.DeletePropagationBackground))
		Expect(client.IgnoreNotFound(err)).To(Succeed())
	}
}

// merge sends a merge patch that names no version, as KubeBlocks does.
func (e *env) merge(obj client.Object, patch string) {
	GinkgoHelper()
	target := obj.DeepCopyObject().(client.Object)
	Expect(e.admin.Patch(e.ctx, target, client.RawPatch(types.MergePatchType, []byte(patch)))).To(Succeed())
}

// mergeStatus is merge for the status.
func (e *env) mergeStatus(obj client.Object, patch string) {
	GinkgoHelper()
	target := obj.DeepCopyObject().(client.Object)
	Expect(e.admin.Status().Patch(e.ctx, target, client.RawPatch(types.MergePatchType, []byte(patch)))).To(Succeed())
}

// now returns an object as the API server holds it.
func (e *env) now(obj *unstructured.Unstructured) *unstructured.Unstructured {
	GinkgoHelper()
	current := &unstructured.Unstructured{}
	current.SetGroupVersionKind(obj.GroupVersionKind())
	Expect(e.admin.Get(e.ctx, client.ObjectKeyFromObject(obj), current)).To(Succeed())
	return current
}

// conditions returns the conditions of a Restore, as they stand.
func (e *env) conditions(restore *unstructured.Unstructured) []metav1.Condition {
	GinkgoHelper()
	view := &kubeblocks.Restore{}
	Expect(e.admin.Get(e.ctx, client.ObjectKeyFromObject(restore), view)).To(Succeed())
	return view.Status.Conditions
}

// condition returns Rehome's condition of a Restore; nil when there is none.
func (e *env) condition(restore *unstructured.Unstructured) *metav1.Condition {
	GinkgoHelper()
	return meta.FindStatusCondition(e.conditions(restore), v1alpha1.ConditionPolicyRehomed)
}

// versions returns the resourceVersion of everything in the environment, by kind and name.
func (e *env) versions() map[string]string {
	GinkgoHelper()
	versions := map[string]string{}
	for _, list := range []client.ObjectList{
		&kubeblocks.ClusterList{}, &kubeblocks.ComponentList{}, &kubeblocks.RestoreList{}, &kubeblocks.BackupList{},
		&batchv1.JobList{}, &corev1.PodList{},
	} {
		kind := strings.TrimSuffix(kindOf(e.admin, list), "List")
		Expect(e.admin.List(e.ctx, list, client.InNamespace(e.namespace))).To(Succeed())
		Expect(meta.EachListItem(list, func(item runtime.Object) error {
			obj := item.(client.Object)
			versions[kind+" "+obj.GetName()] = obj.GetResourceVersion()
			return nil
		})).To(Succeed())
	}
	return versions
}

// say matches a condition by its status and its reason.
func say(status metav1.ConditionStatus, reason string) gomegatypes.GomegaMatcher {
	return SatisfyAll(HaveField("Status", status), HaveField("Reason", reason))
}

// stuckRestore is a restore of my1 as carrot67 that is stuck: no Pod of it was ever bound to a node.
type stuckRestore struct {
	source, backup, cluster, component, restore *unstructured.Unstructured
	job                                         *batchv1.Job
	pod                                         *corev1.Pod
}

// clusterStale and clusterRewritten say which cluster the rules of a stuckRestore's Cluster and Component name. Its Restore is stale.
const clusterStale, clusterRewritten = source, target

// unschedulable is what the scheduler says of a Pod of such a restore.
const unschedulable = "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules."

// stuckRestore creates such a restore of component mysql; component proxy has no volumes. The rules of the Cluster and the
// Component name my1 before the rewrite, and carrot67 when all but the Restore is rewritten.
func (e *env) stuckRestore(apartFrom string) *stuckRestore {
	GinkgoHelper()
	h := &stuckRestore{}
	h.source = e.cluster(source, source).Obj()
	e.create(h.source)
	h.backup = rehometesting.MakeBackup(e.namespace, backup).Of(h.source).Obj()
	h.cluster = e.cluster(target, apartFrom).RestoredFrom("mysql", backup).Obj()
	e.create(h.backup, h.cluster)
	h.component, h.restore = e.restoring(h.cluster, "mysql", rehometesting.Apart(apartFrom), rehometesting.Apart(source))
	h.job, h.pod = e.stuckJob(h.restore, "restore-preparedata-0")
	return h
}

// stuckJob makes a Job of a Restore, and its Pod, for which the scheduler finds no node.
func (e *env) stuckJob(restore *unstructured.Unstructured, name string) (*batchv1.Job, *corev1.Pod) {
	GinkgoHelper()
	job := rehometesting.MakeJob(restore, name).Obj()
	e.create(job)
	pod := rehometesting.MakeRestorePod(restore, name+"-x7k2p").Of(job).Unschedulable(unschedulable).Obj()
	e.create(pod)
	return job, pod
}

// cluster starts a Cluster of two components that keep apart from the Pods of the named cluster.
func (e *env) cluster(name, apartFrom string) *rehometesting.ClusterWrapper {
	return rehometesting.MakeCluster(e.generation, e.namespace, name).
		Component("mysql", rehometesting.Apart(apartFrom)).Component("proxy", rehometesting.Apart(apartFrom))
}

// componentOf returns the Component of a stuckRestore's Cluster by its short name, or one that has not been created.
func (e *env) componentOf(h *stuckRestore, name string) *unstructured.Unstructured {
	if h.component.GetName() == target+"-"+name {
		return h.component
	}
	return rehometesting.MakeComponent(h.cluster, name).Obj()
}

// databasePod starts a Pod of a Component's InstanceSet, which is made where there is none. A Component that has not been created is
// created.
func (e *env) databasePod(component *unstructured.Unstructured, name string) *rehometesting.PodWrapper {
	GinkgoHelper()
	if component.GetUID() == "" {
		e.create(component)
	}
	set := rehometesting.MakeInstanceSet(e.generation, component).Replicas(1).Obj()
	err := e.admin.Get(e.ctx, client.ObjectKeyFromObject(set), set)
	if apierrors.IsNotFound(err) {
		e.create(set)
	} else {
		Expect(err).NotTo(HaveOccurred())
	}
	return rehometesting.MakeDatabasePod(component, name).Of(set)
}

// restoring makes a Component of a Cluster and the Restore that fills its volumes.
func (e *env) restoring(cluster *unstructured.Unstructured, name string, componentPolicy, restorePolicy map[string]any) (component, restore *unstructured.Unstructured) {
	GinkgoHelper()
	component = rehometesting.MakeComponent(cluster, name).Policy(componentPolicy).Obj()
	e.create(component)
	restore = rehometesting.MakeRestore(e.namespace, component.GetName()+"-preparedata").
		Of(component).Backup(backup).Policy(restorePolicy).Obj()
	e.create(restore)
	return component, restore
}
