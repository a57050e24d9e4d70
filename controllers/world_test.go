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
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/controllers"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

const (
	// source is the cluster that was backed up, target the one that is restored from the Backup bp1.
	source, target = "my1", "carrot67"
	backup         = "bp1"
)

// today is when every test begins. The API server keeps seconds.
var today = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// mostVerbose is the level below the one at which client-go logs whole bodies of requests, whoever sends them.
const mostVerbose = 7

// besideEachGeneration runs specs beside each generation of KubeBlocks, every spec in a world of its own.
func besideEachGeneration(text string, specs func(w *world)) bool { //nolint:unparam // `var _ =` needs a value, as with Describe.
	return DescribeTableSubtree(text, func(generation func() rehometesting.Generation) {
		w := &world{}
		BeforeEach(func() { w.reset(generation()) })
		specs(w)
	}, Entry("beside KubeBlocks 0.9", rehometesting.V09), Entry("beside KubeBlocks 1.0", rehometesting.V10))
}

// world is a namespace of an API server, and a reconciler that looks at it. A test does what KubeBlocks, the scheduler or
// an owner would do; the reconciler may do only what its role lets it.
type world struct {
	ctx        context.Context
	admin      client.Client
	generation rehometesting.Generation
	namespace  string

	reconciler *controllers.ClusterReconciler
	clock      *clocktesting.FakeClock
	registry   *prometheus.Registry

	// unobserved says that no observer looks at the world first.
	unobserved bool

	// before is what happens just before the reconciler's next write, by "verb Kind".
	before map[string]func()
	// refused is what the reconciler is answered with: its reads by kind, its writes by "verb Kind name".
	refused map[string]error

	// writes are those of the last reconcile to objects of others, as "verb Kind name", own those to Rehomings.
	writes, own []string
	// events are those of all reconciles about the Cluster, as "type reason note"; transitions are those about Restores and
	// Rehomings, as "Kind type reason note".
	events, transitions []string
	// logged are the lines that all reconciles logged to logger.
	logged []string
	logger logr.Logger
}

func (w *world) reset(generation rehometesting.Generation) {
	GinkgoHelper()
	s := servers[generation.Apps]
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	Expect(s.admin.Create(context.Background(), namespace)).To(Succeed())
	*w = world{
		admin:      s.admin,
		generation: generation,
		namespace:  namespace.Name,
		clock:      clocktesting.NewFakeClock(today),
		before:     map[string]func(){},
		refused:    map[string]error{},
	}
	log := func(prefix, args string) { w.logged = append(w.logged, prefix+" "+args) }
	w.ctx = context.Background()
	w.logger = funcr.New(log, funcr.Options{Verbosity: mostVerbose})
	w.reconciler = w.newReconciler(s)
}

// newReconciler returns a reconciler that knows nothing yet, like one of a process that was just started.
func (w *world) newReconciler(s *server) *controllers.ClusterReconciler {
	w.registry = prometheus.NewRegistry()
	r := w.reconcilerOf(interceptor.NewClient(s.rehome, w.interception()), s)
	r.Recorder, r.Metrics = recorder{w}, controllers.NewMetrics(w.registry, "test")
	leading := make(chan struct{})
	close(leading)
	r.Metrics.Attach(r, leading)
	return r
}

// reconcilerOf returns a reconciler with a client. What it counts and tells, nobody hears.
func (w *world) reconcilerOf(c client.Client, s *server) *controllers.ClusterReconciler {
	c = client.WithFieldOwner(c, string(controllers.FieldOwner))
	return &controllers.ClusterReconciler{
		Client:       c,
		Metadata:     c,
		PendingPods:  pendingPods{s.admin},
		Recorder:     &events.FakeRecorder{},
		Metrics:      controllers.NewMetrics(prometheus.NewRegistry(), "test"),
		Clock:        w.clock,
		Apps:         s.apps,
		Rehomings:    true,
		RecreatePods: true,
		Config:       *configv1alpha1.Defaults(),
	}
}

// recorder notes events in a world.
type recorder struct{ w *world }

func (r recorder) Eventf(regarding, _ runtime.Object, eventType, reason, _, note string, args ...any) {
	text := eventType + " " + reason + " " + fmt.Sprintf(note, args...)
	switch regarding.(type) {
	case *kubeblocks.Cluster:
		r.w.events = append(r.w.events, text)
	case *kubeblocks.Restore:
		r.w.transitions = append(r.w.transitions, "Restore "+text)
	case *v1alpha1.Rehoming:
		r.w.transitions = append(r.w.transitions, "Rehoming "+text)
	}
}

// pendingPods reads Pods that are Pending, as the cache of a manager does.
type pendingPods struct{ client.Reader }

func (p pendingPods) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	return p.Reader.List(ctx, list, append(byLabel(opts), client.MatchingFields{"status.phase": "Pending"})...)
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
		selected = append(selected, client.MatchingLabels{label: field.Value})
	}
	return selected
}

// interception sees the reconciler's reads and writes. What it does not name, the reconciler's role refuses.
func (w *world) interception() interceptor.Funcs {
	return interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if err := w.refused[kindOf(c, obj)]; err != nil {
				return err
			}
			return c.Get(ctx, key, obj, opts...)
		},
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if err := w.refused[kindOf(c, list)]; err != nil {
				return err
			}
			if _, all := list.(*kubeblocks.ClusterList); all {
				// Other worlds share the API server, and what was done lately there must not count here.
				opts = append(opts, client.InNamespace(w.namespace))
			}
			return c.List(ctx, list, byLabel(opts)...)
		},
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			if err := w.meet("create "+kindOf(c, obj), obj); err != nil {
				return err
			}
			return c.Create(ctx, obj, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, p client.Patch, opts ...client.PatchOption) error {
			if err := w.meet("patch "+kindOf(c, obj), obj); err != nil {
				return err
			}
			return c.Patch(ctx, obj, p, opts...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			if err := w.meet("delete "+kindOf(c, obj), obj); err != nil {
				return err
			}
			return c.Delete(ctx, obj, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, subResource string, obj client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			if err := w.meet("patch "+subResource+" of "+kindOf(c, obj), obj); err != nil {
				return err
			}
			return c.SubResource(subResource).Patch(ctx, obj, p, opts...)
		},
	}
}

// meet notes a write, lets happen what a test wants to happen before it, and returns what it is to be refused with.
func (w *world) meet(write string, obj client.Object) error {
	if _, own := obj.(*v1alpha1.Rehoming); own {
		w.own = append(w.own, write)
	} else {
		w.writes = append(w.writes, write+" "+obj.GetName())
	}
	if happens := w.before[write]; happens != nil {
		delete(w.before, write)
		happens()
	}
	return w.refused[write+" "+obj.GetName()]
}

func kindOf(c client.Client, obj runtime.Object) string {
	GinkgoHelper()
	gvk, err := apiutil.GVKForObject(obj, c.Scheme())
	Expect(err).NotTo(HaveOccurred())
	return gvk.Kind
}

// tryReconcile reconciles carrot67 once.
func (w *world) tryReconcile() (ctrl.Result, error) {
	if !w.unobserved {
		w.observe()
	}
	w.writes, w.own = nil, nil
	key := types.NamespacedName{Namespace: w.namespace, Name: target}
	result, err := w.reconciler.Reconcile(logf.IntoContext(w.ctx, w.logger), ctrl.Request{NamespacedName: key})
	return result, err
}

// reconcile reconciles carrot67 once, without an error.
func (w *world) reconcile() ctrl.Result {
	GinkgoHelper()
	result, err := w.tryReconcile()
	Expect(err).NotTo(HaveOccurred())
	return result
}

// create creates objects; those of Kubernetes itself with their status.
func (w *world) create(objs ...client.Object) {
	GinkgoHelper()
	for _, obj := range objs {
		created := obj.DeepCopyObject().(client.Object)
		Expect(w.admin.Create(w.ctx, created)).To(Succeed())
		obj.SetUID(created.GetUID())
		obj.SetResourceVersion(created.GetResourceVersion())
		obj.SetGeneration(created.GetGeneration())
		if _, custom := obj.(*unstructured.Unstructured); !custom {
			Expect(w.admin.Status().Update(w.ctx, obj)).To(Succeed())
		}
	}
}

// remove deletes objects whatever their finalizers say, as if those had run.
func (w *world) remove(objs ...client.Object) {
	GinkgoHelper()
	for _, obj := range objs {
		w.merge(obj, `{"metadata":{"finalizers":null}}`)
		err := w.admin.Delete(w.ctx, obj, client.GracePeriodSeconds(0), client.PropagationPolicy(metav1.DeletePropagationBackground))
		Expect(client.IgnoreNotFound(err)).To(Succeed())
	}
}

// merge sends a merge patch that names no version, as KubeBlocks does.
func (w *world) merge(obj client.Object, patch string) {
	GinkgoHelper()
	target := obj.DeepCopyObject().(client.Object)
	Expect(w.admin.Patch(w.ctx, target, client.RawPatch(types.MergePatchType, []byte(patch)))).To(Succeed())
}

// mergeStatus is merge for the status.
func (w *world) mergeStatus(obj client.Object, patch string) {
	GinkgoHelper()
	target := obj.DeepCopyObject().(client.Object)
	Expect(w.admin.Status().Patch(w.ctx, target, client.RawPatch(types.MergePatchType, []byte(patch)))).To(Succeed())
}

// now returns an object as the API server holds it.
func (w *world) now(obj *unstructured.Unstructured) *unstructured.Unstructured {
	GinkgoHelper()
	current := &unstructured.Unstructured{}
	current.SetGroupVersionKind(obj.GroupVersionKind())
	Expect(w.admin.Get(w.ctx, client.ObjectKeyFromObject(obj), current)).To(Succeed())
	return current
}

// conditions returns the conditions of a Restore, as they stand.
func (w *world) conditions(restore *unstructured.Unstructured) []metav1.Condition {
	GinkgoHelper()
	view := &kubeblocks.Restore{}
	Expect(w.admin.Get(w.ctx, client.ObjectKeyFromObject(restore), view)).To(Succeed())
	return view.Status.Conditions
}

// condition returns Rehome's condition of a Restore; nil when there is none.
func (w *world) condition(restore *unstructured.Unstructured) *metav1.Condition {
	GinkgoHelper()
	return meta.FindStatusCondition(w.conditions(restore), v1alpha1.ConditionPolicyRehomed)
}

// versions returns the resourceVersion of everything in the world, by kind and name.
func (w *world) versions() map[string]string {
	GinkgoHelper()
	versions := map[string]string{}
	for _, list := range []client.ObjectList{
		&kubeblocks.ClusterList{}, &kubeblocks.ComponentList{}, &kubeblocks.RestoreList{}, &kubeblocks.BackupList{},
		&batchv1.JobList{}, &corev1.PodList{},
	} {
		kind := strings.TrimSuffix(kindOf(w.admin, list), "List")
		Expect(w.admin.List(w.ctx, list, client.InNamespace(w.namespace))).To(Succeed())
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

// hang is a restore of my1 as carrot67 that waits for ever: no Pod of it was ever bound to a node.
type hang struct {
	source, backup, cluster, component, restore *unstructured.Unstructured
	job                                         *batchv1.Job
	pod                                         *corev1.Pod
}

// turnedDown is what the scheduler says of a Pod of such a restore.
const turnedDown = "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules."

// hang makes such a restore of component mysql; component proxy has no volumes. The Cluster and the Component keep apart
// from the Pods of the named cluster: from my1 when KubeBlocks has just made them, from carrot67 when all is rewritten but
// the Restore.
func (w *world) hang(apartFrom string) *hang {
	GinkgoHelper()
	h := &hang{}
	h.source = w.cluster(source, source).Obj()
	w.create(h.source)
	h.backup = rehometesting.MakeBackup(w.namespace, backup).Of(h.source).Obj()
	h.cluster = w.cluster(target, apartFrom).RestoredFrom("mysql", backup).Obj()
	w.create(h.backup, h.cluster)
	h.component, h.restore = w.restoring(h.cluster, "mysql", rehometesting.Apart(apartFrom), rehometesting.Apart(source))
	h.job = rehometesting.MakeJob(h.restore, "restore-preparedata-0").Obj()
	w.create(h.job)
	h.pod = rehometesting.MakeRestorePod(h.restore, "restore-preparedata-0-x7k2p").Of(h.job).Unschedulable(turnedDown).Obj()
	w.create(h.pod)
	return h
}

// cluster starts a Cluster of two components that keep apart from the Pods of the named cluster.
func (w *world) cluster(name, apartFrom string) *rehometesting.ClusterWrapper {
	return rehometesting.MakeCluster(w.generation, w.namespace, name).
		Component("mysql", rehometesting.Apart(apartFrom)).Component("proxy", rehometesting.Apart(apartFrom))
}

// restoring makes a Component of a Cluster and the Restore that fills its volumes.
func (w *world) restoring(cluster *unstructured.Unstructured, name string, componentPolicy, restorePolicy map[string]any) (component, restore *unstructured.Unstructured) {
	GinkgoHelper()
	component = rehometesting.MakeComponent(cluster, name).Policy(componentPolicy).Obj()
	w.create(component)
	restore = rehometesting.MakeRestore(w.namespace, component.GetName()+"-preparedata").
		Of(component).Backup(backup).Policy(restorePolicy).Obj()
	w.create(restore)
	return component, restore
}
