// Package controllers holds the reconcilers: they read, ask the pure packages what to do, do it, and report.
package controllers

import (
	"context"
	"errors"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// What is namespaced is the ClusterRole rehome-manager, which can be bound in single Namespaces as well as in all. What is not,
// is marked where it is used, and is a role of its own.
//
// What is read from the cache needs no get.
//
// +kubebuilder:rbac:groups=apps.kubeblocks.io,resources=clusters,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=apps.kubeblocks.io,resources=components,verbs=list;watch
// +kubebuilder:rbac:groups=workloads.kubeblocks.io,resources=instancesets,verbs=get;list;watch
// +kubebuilder:rbac:groups=dataprotection.kubeblocks.io,resources=backups,verbs=get
// +kubebuilder:rbac:groups=dataprotection.kubeblocks.io,resources=restores,verbs=get;list;watch;patch;delete
// +kubebuilder:rbac:groups=dataprotection.kubeblocks.io,resources=restores/status,verbs=patch
// +kubebuilder:rbac:groups=rehome.kubeblocks.io,resources=rehomings,verbs=list;watch;create;patch
// +kubebuilder:rbac:groups=rehome.kubeblocks.io,resources=rehomings/status,verbs=patch
// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=list;patch;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch;delete
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// FieldOwner is the field manager of everything that Rehome writes.
const FieldOwner = client.FieldOwner("rehome")

// ClusterReconciler gives restored Clusters a new home: it rewrites the rules they inherited from their source, unblocks
// the Restores that still carry the old ones, and says so on each Restore.
type ClusterReconciler struct {
	// Client reads Clusters, Components, Restores and the metadata of Namespaces from a cache, all else from the API server:
	// see Uncached.
	Client client.Client
	// Metadata reads the metadata of Clusters from the API server, managed fields included.
	Metadata client.Reader
	// PendingPods reads Pods that are Pending, from a cache.
	PendingPods client.Reader
	Recorder    events.EventRecorder
	Clock       clock.PassiveClock
	// Apps is the version through which Clusters are read and written.
	Apps schema.GroupVersion
	// Rehomings says that the kind Rehoming is served.
	Rehomings bool
	// RecreatePods is the feature gate of that name.
	RecreatePods bool
	Config       configv1alpha1.Configuration
	Metrics      *Metrics

	journal journal
}

// Uncached lists the kinds that a ClusterReconciler's Client must read from the API server: a decision to delete is made on
// what is there now, and no Backup is worth the memory its snapshot takes.
func Uncached() []client.Object {
	return []client.Object{
		&kubeblocks.Backup{}, &kubeblocks.InstanceSet{}, &batchv1.Job{}, &corev1.Pod{},
		&corev1.PersistentVolumeClaim{}, &corev1.PersistentVolume{}, &storagev1.StorageClass{},
	}
}

// Reconcile observes one Cluster, decides, and takes the first action that is due or, where none is, reports. Whatever it knows
// comes from the API server: a pass that dies anywhere is finished by the next.
func (r *ClusterReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	scene, err := r.observe(ctx, req.NamespacedName)
	if err != nil || scene == nil {
		if scene == nil {
			r.forget(req.NamespacedName)
		}
		return ctrl.Result{}, err
	}
	plan, err := r.decide(ctx, scene)
	if err != nil {
		return ctrl.Result{}, err
	}
	logDecision(ctx, scene, plan)
	if len(plan.Actions) == 0 {
		return outcome(plan, r.report(ctx, scene, plan))
	}
	err = r.act(ctx, scene, plan.Actions[0])
	switch {
	case isStale(err):
	case err == nil && scene.named == nil:
		// What there is to say is what becomes of it, and the next look tells that.
		r.measure(scene, scene.reported(), plan)
	default:
		// An action that is refused is no reason to keep quiet. Nor can a story wait that no snapshot will tell later.
		err = errors.Join(err, r.report(ctx, scene, plan))
	}
	return outcome(plan, err)
}

// decide returns the plan. What happens to other Clusters is looked at only where it matters, and for one Cluster at a time: the
// next sees what the one before is charged.
func (r *ClusterReconciler) decide(ctx context.Context, s *scene) (remedy.Plan, error) {
	cluster := s.observation.Cluster.NamespacedName
	plan := remedy.Decide(s.observation)
	if !slices.ContainsFunc(plan.Actions, func(a remedy.Action) bool { return remedy.ChargeOf(a) != nil }) {
		r.journal.lineUp(cluster, false)
		return plan, nil
	}
	r.journal.turn.Lock()
	defer r.journal.turn.Unlock()
	recent, err := r.recent(ctx)
	if err != nil {
		return remedy.Plan{}, err
	}
	recent.Ahead = r.journal.ahead(cluster)
	s.observation.Recent = recent
	plan = remedy.Decide(s.observation)
	r.journal.lineUp(cluster, plan.RateLimited)
	if len(plan.Actions) > 0 {
		if charge := remedy.ChargeOf(plan.Actions[0]); charge != nil {
			r.journal.enter(s.entry(charge))
		}
	}
	return plan, nil
}

// forget drops what is remembered of a Cluster that there is nothing to do for.
func (r *ClusterReconciler) forget(cluster types.NamespacedName) {
	r.Metrics.forget(cluster)
	r.journal.lineUp(cluster, false)
}

// The levels of the log, as the configuration counts them.
const debug, trace = 1, 2

// logDecision logs what was decided: that there is something to do as Debug, that there is not as Trace.
func logDecision(ctx context.Context, s *scene, plan remedy.Plan) {
	level, due := trace, make([]string, 0, len(plan.Actions))
	for _, action := range plan.Actions {
		due = append(due, action.Deed().Action)
	}
	if len(due) > 0 || plan.Again.Duration > 0 {
		level = debug
	}
	logf.FromContext(ctx).V(level).Info("Decided", "mode", s.observation.Mode, "due", due,
		"rules", plan.Cluster.Rules.Reason, "pods", plan.Cluster.Pods.Reason, "again", plan.Again.Duration)
}
