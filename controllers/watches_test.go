package controllers

import (
	"context"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/event"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/attempts"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/metrics"
)

// delays records the delay of each request.
type delays struct {
	workqueueOf
	of map[types.NamespacedName]time.Duration
}

func (d delays) AddAfter(request reconcile.Request, delay time.Duration) {
	d.of[request.NamespacedName] = delay
}

func TestChangesAreBatched(t *testing.T) {
	restoreOf := func(cluster string) *kubeblocks.Restore {
		restore := &kubeblocks.Restore{}
		restore.Namespace, restore.Labels = "shop", map[string]string{kubeblocks.LabelInstance: cluster}
		return restore
	}
	kiwi, fig := types.NamespacedName{Namespace: "shop", Name: "kiwi"}, types.NamespacedName{Namespace: "shop", Name: "fig"}
	for name, test := range map[string]struct {
		change   func(context.Context, workqueueOf)
		enqueued map[types.NamespacedName]time.Duration
	}{
		"a Restore is there at the start": {func(ctx context.Context, q workqueueOf) {
			batched(labelledCluster).Create(ctx, event.CreateEvent{Object: restoreOf("kiwi"), IsInInitialList: true}, q)
		}, map[types.NamespacedName]time.Duration{}},
		"a Restore is created": {func(ctx context.Context, q workqueueOf) {
			batched(labelledCluster).Create(ctx, event.CreateEvent{Object: restoreOf("kiwi")}, q)
		}, map[types.NamespacedName]time.Duration{kiwi: batchPeriod}},
		"a Restore is given to another Cluster": {func(ctx context.Context, q workqueueOf) {
			batched(labelledCluster).Update(ctx, event.UpdateEvent{ObjectOld: restoreOf("kiwi"), ObjectNew: restoreOf("fig")}, q)
		}, map[types.NamespacedName]time.Duration{kiwi: batchPeriod, fig: batchPeriod}},
		"a Restore is deleted": {func(ctx context.Context, q workqueueOf) {
			batched(labelledCluster).Delete(ctx, event.DeleteEvent{Object: restoreOf("kiwi")}, q)
		}, map[types.NamespacedName]time.Duration{kiwi: batchPeriod}},
	} {
		t.Run(name, func(t *testing.T) {
			q := delays{of: map[types.NamespacedName]time.Duration{}}
			test.change(t.Context(), q)
			NewWithT(t).Expect(q.of).To(Equal(test.enqueued))
		})
	}
}

func TestOwnStatusUpdatesAreIgnored(t *testing.T) {
	restore := func(conditions ...string) *kubeblocks.Restore {
		r := &kubeblocks.Restore{}
		for _, conditionType := range conditions {
			r.Status.Conditions = append(r.Status.Conditions, metav1.Condition{Type: conditionType})
		}
		return r
	}
	const rules, pods, theirs = v1alpha1.ConditionPolicyRehomed, v1alpha1.ConditionPodsScheduled, "RestorePreparedData"
	changed := func(r *kubeblocks.Restore, change func(*kubeblocks.Restore)) *kubeblocks.Restore {
		r.ResourceVersion = "2"
		change(r)
		return r
	}
	for name, test := range map[string]struct {
		before, now *kubeblocks.Restore
		passes      bool
	}{
		"Rehome reports for the first time": {restore(theirs), changed(restore(theirs, rules, pods), func(*kubeblocks.Restore) {}), false},
		"Rehome reports something else": {restore(rules, pods), changed(restore(rules, pods), func(r *kubeblocks.Restore) {
			r.Status.Conditions[0].Reason, r.Status.Conditions[1].Message = v1alpha1.ReasonRehomed, "They wait."
		}), false},
		"KubeBlocks drops a report": {restore(rules, pods), changed(restore(rules), func(*kubeblocks.Restore) {}), true},
		"KubeBlocks reports, too":   {restore(rules, pods), changed(restore(rules, pods, theirs), func(*kubeblocks.Restore) {}), true},
		"the phase changes": {restore(rules, pods), changed(restore(rules, pods), func(r *kubeblocks.Restore) {
			r.Status.Phase = kubeblocks.RestoreCompleted
		}), true},
		"it is being deleted": {restore(rules, pods), changed(restore(rules, pods), func(r *kubeblocks.Restore) {
			r.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
		}), true},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(ignoreOwnStatusUpdates.Update(event.UpdateEvent{ObjectOld: test.before, ObjectNew: test.now})).To(Equal(test.passes))
		})
	}
}

// watched is a cache in which one change happens to each object as soon as it is watched.
type watched struct {
	cache.Cache
	changes []event.UpdateEvent
}

func (watched) Start(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func (watched) WaitForCacheSync(context.Context) bool { return true }

func (watched) IndexField(context.Context, client.Object, string, client.IndexerFunc) error {
	return nil
}

func (w watched) GetInformer(_ context.Context, obj client.Object, _ ...cache.InformerGetOption) (cache.Informer, error) {
	return informer{kind: obj, changes: w.changes}, nil
}

type informer struct {
	cache.Informer
	kind    client.Object
	changes []event.UpdateEvent
}

func (i informer) AddEventHandlerWithOptions(h toolscache.ResourceEventHandler, _ toolscache.HandlerOptions) (toolscache.ResourceEventHandlerRegistration, error) {
	for _, change := range i.changes {
		sameType := reflect.TypeOf(change.ObjectNew) == reflect.TypeOf(i.kind)
		switch {
		case !sameType || change.ObjectNew.GetObjectKind().GroupVersionKind() != i.kind.GetObjectKind().GroupVersionKind():
		case change.ObjectOld == nil:
			h.OnAdd(change.ObjectNew, false)
		default:
			h.OnUpdate(change.ObjectOld, change.ObjectNew)
		}
	}
	return synced{}, nil
}

type synced struct {
	toolscache.ResourceEventHandlerRegistration
}

func (synced) HasSynced() bool { return true }

// reading is a client that finds nothing, and sends the names of the Clusters that were to be read.
type reading struct {
	client.Client
	clusters chan<- string
}

func (r reading) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	if _, cluster := obj.(*kubeblocks.Cluster); cluster {
		r.clusters <- key.Name
	}
	return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
}

// List finds one Cluster, which has the name of its Namespace.
func (reading) List(_ context.Context, list client.ObjectList, opts ...client.ListOption) error {
	namespace := (&client.ListOptions{}).ApplyOptions(opts).Namespace
	list.(*kubeblocks.ClusterList).Items = []kubeblocks.Cluster{{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: namespace}}}
	return nil
}

// changeOf returns the change of an object of the Cluster of that name.
func changeOf[T client.Object](cluster string, obj T, change func(T)) event.UpdateEvent {
	obj.SetNamespace("shop")
	obj.SetName(cluster)
	obj.SetLabels(map[string]string{kubeblocks.LabelInstance: cluster})
	now := obj.DeepCopyObject().(T)
	change(now)
	return event.UpdateEvent{ObjectOld: obj, ObjectNew: now}
}

func nextGeneration[T client.Object](obj T) { obj.SetGeneration(obj.GetGeneration() + 1) }

func TestAClusterIsReconciledWhenWhatMattersToItChanges(t *testing.T) {
	g := NewWithT(t)
	scheme := runtime.NewScheme()
	kubeblocks.AddToScheme(scheme, kubeblocks.AppsV1)
	v1alpha1.AddToScheme(scheme)
	g.Expect(corev1.AddToScheme(scheme)).To(Succeed())
	metadata := func(obj client.Object) *metav1.PartialObjectMetadata {
		gvk, err := apiutil.GVKForObject(obj, scheme)
		g.Expect(err).NotTo(HaveOccurred())
		m := &metav1.PartialObjectMetadata{}
		m.SetGroupVersionKind(gvk)
		return m
	}
	reports := func(conditionType string) func(*kubeblocks.Cluster) {
		return func(c *kubeblocks.Cluster) {
			c.Status.Conditions = []metav1.Condition{{Type: conditionType, Status: metav1.ConditionTrue}}
		}
	}
	created := changeOf("itself-created", &kubeblocks.Cluster{}, func(*kubeblocks.Cluster) {})
	created.ObjectOld = nil
	ignored := []event.UpdateEvent{
		changeOf("the-rest-of-its-status", &kubeblocks.Cluster{}, reports("Ready")),
		changeOf("the-status-of-a-component", &kubeblocks.Component{}, func(c *kubeblocks.Component) { c.ResourceVersion = "2" }),
	}
	passed := []event.UpdateEvent{
		created,
		changeOf("its-spec", &kubeblocks.Cluster{}, nextGeneration),
		changeOf("the-progress-of-its-restore", &kubeblocks.Cluster{}, reports("Restore")),
		changeOf("a-component", &kubeblocks.Component{}, nextGeneration),
		changeOf("a-restore", &kubeblocks.Restore{}, func(r *kubeblocks.Restore) { r.Status.Phase = kubeblocks.RestoreCompleted }),
		changeOf("a-pod", &corev1.Pod{}, func(*corev1.Pod) {}),
		changeOf("an-instanceset", metadata(&kubeblocks.InstanceSet{}), nextGeneration),
		changeOf("its-namespace", metadata(&corev1.Namespace{}), func(m *metav1.PartialObjectMetadata) {
			m.Annotations = map[string]string{v1alpha1.AnnotationMode: "Observe"}
		}),
		changeOf("its-rehoming", &v1alpha1.Rehoming{}, nextGeneration),
	}
	mgr, err := ctrl.NewManager(&rest.Config{}, ctrl.Options{
		Scheme: scheme, Logger: logr.Discard(), Metrics: metricsserver.Options{BindAddress: "0"},
		Controller:     config.Controller{SkipNameValidation: ptr.To(true)},
		MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return meta.NewDefaultRESTMapper(nil), nil },
		NewCache: func(*rest.Config, cache.Options) (cache.Cache, error) {
			return watched{changes: append(ignored, passed...)}, nil
		},
	})
	g.Expect(err).NotTo(HaveOccurred())
	clusters := make(chan string)
	r := &ClusterReconciler{
		Client: reading{clusters: clusters}, Metrics: metrics.New(prometheus.NewRegistry(), "test"), Attempts: &attempts.Log{}, Clock: clock.RealClock{},
	}
	g.Expect(r.SetupWithManager(t.Context(), mgr)).To(Succeed())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()

	var reconciled, want []string
	for _, change := range passed {
		var name string
		g.Eventually(clusters, 10*time.Second).Should(Receive(&name), "after %v", reconciled)
		reconciled, want = append(reconciled, name), append(want, change.ObjectNew.GetName())
	}

	g.Expect(reconciled).To(ConsistOf(want))
	cancel()
	g.Expect(<-ended).To(Succeed())
}
