// Package controllers holds the reconciler of restored Clusters. It observes, asks the pure packages what to do, acts, and reports.
package controllers

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/attempts"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/metrics"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Rights on namespaced kinds form the ClusterRole rehome-manager, which can be bound in single Namespaces. Rights on
// cluster-scoped kinds stand where they are used, and form a role of their own. Cached kinds need no get.
//
// +kubebuilder:rbac:groups=apps.kubeblocks.io,resources=clusters,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=apps.kubeblocks.io,resources=components,verbs=get;list;watch
// +kubebuilder:rbac:groups=workloads.kubeblocks.io,resources=instancesets,verbs=list;watch
// +kubebuilder:rbac:groups=workloads.kubeblocks.io,resources=instances,verbs=list;patch
// +kubebuilder:rbac:groups=dataprotection.kubeblocks.io,resources=backups,verbs=get
// +kubebuilder:rbac:groups=dataprotection.kubeblocks.io,resources=restores,verbs=get;list;watch;patch;delete
// +kubebuilder:rbac:groups=dataprotection.kubeblocks.io,resources=restores/status,verbs=patch
// +kubebuilder:rbac:groups=rehome.kubeblocks.io,resources=rehomings,verbs=get;list;watch;create
// +kubebuilder:rbac:groups=rehome.kubeblocks.io,resources=rehomings/status,verbs=patch
// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=list;patch;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch;delete
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get;list
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create

// FieldOwner is the field manager of everything that Rehome writes.
const FieldOwner = client.FieldOwner("rehome")

// ClusterReconciler rewrites the rules that restored Clusters inherited from their source, unblocks the Restores that still have
// stale ones, and reports on each Restore.
type ClusterReconciler struct {
	// Client reads from the cache, and writes. It serves only the kinds of CacheByObject and those that are watched.
	Client client.Client
	// APIReader reads from the API server: what a delete or a patch depends on, and what is not worth its memory in a cache.
	APIReader client.Reader
	Recorder  events.EventRecorder
	Clock     clock.PassiveClock
	// Served is which of KubeBlocks' kinds the API server serves.
	kubeblocks.Served
	Config   configv1alpha1.Configuration
	Metrics  *metrics.Metrics
	Attempts *attempts.Log

	stale   staleAnswers
	running running
	budgets budgets
}

// Reconcile first finishes a replacement that was begun and has left a Restore without rules. Otherwise it observes one Cluster, plans,
// and takes the actions that are due. Without one it reports. While the budget of the Namespace is spent, a large Cluster waits. All it
// knows comes from the API server, so the next reconcile finishes one that was interrupted.
func (r *ClusterReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	defer r.running.begin(req.NamespacedName, r.Clock.Now())()
	s, err := r.begin(ctx, req.NamespacedName)
	if err != nil {
		return ctrl.Result{}, err
	}
	if plan, err := r.finishReplacements(ctx, s); err != nil || len(plan.Actions) > 0 {
		return r.result(ctx, s, plan, err)
	}
	if wait := r.waitForBudget(s); wait > 0 {
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	defer func() { r.budgets.spend(s.name, s.cost(), len(s.sources) > 0, r.Clock.Now()) }()
	if err := r.observe(ctx, s); err != nil {
		return ctrl.Result{}, err
	}
	if s.skip != "" {
		return r.result(ctx, s, remedy.Plan{}, r.reportSkipped(ctx, s))
	}
	plan, err := r.plan(ctx, s)
	if err != nil {
		return ctrl.Result{}, err
	}
	if s.keepsReport(len(plan.Actions)) {
		return r.result(ctx, s, plan, r.keepReport(ctx, s))
	}
	if len(plan.Actions) == 0 {
		return r.result(ctx, s, plan, r.report(ctx, s, plan))
	}
	err = r.act(ctx, s, plan.Next())
	if s.reportNow(err) {
		err = joined(err, r.report(ctx, s, plan))
	} else if err == nil {
		// Skip the report: the next reconcile reports the outcome of these actions.
		r.setMetrics(s, s.reportedStatus(), plan)
	}
	return r.result(ctx, s, plan, err)
}

// reportNow says whether to report although an action was taken or failed. A failed action is reported at once. So is an action
// on a Cluster without a snapshot, because the next reconcile no longer finds the edits, and one on Jobs that takes many reconciles.
func (s *scope) reportNow(err error) bool {
	if err != nil {
		return !isStale(err)
	}
	return s.namedSource != nil || s.jobs >= maxRecreatedJobs
}

// scope is what one reconcile works on.
type scope struct {
	// name is that of the request.
	name types.NamespacedName
	// skip is why the Cluster is not remediated; empty when it is. Set by observe.
	skip skipReason
	// cluster, components and restores are set first. Nothing below is set where there is no Cluster.
	cluster    *kubeblocks.Cluster
	components []kubeblocks.Component
	restores   []restoreScope
	// rehoming is nil where there is none, or where it belongs to a deleted Cluster of the same name. Then restraint is its mode,
	// if that lets Rehome do less.
	rehoming  *v1alpha1.Rehoming
	restraint configv1alpha1.Mode
	// policy identifies what the cache held of the owner's decisions.
	policy policyVersion
	// sources are the clusters of the Backups, set by readSources. Where namedSource is set they are empty, and every rule that
	// names it is inherited.
	sources     []rewrite.Source
	namedSource *rewrite.Identity
	// recalled says that sources come from the last report, appliedSince that an edit was applied after it; set by recall.
	recalled, appliedSince bool
	// edits and findings are those of all inherited rules, rewritten or not; set by compareRules.
	edits    []rewrite.Edit
	findings []rewrite.Finding
	options  rewrite.Options
	// pods and sets are the Pods and InstanceSets of the cluster, each listed live when it is needed first; nil before.
	pods *[]corev1.Pod
	sets *[]kubeblocks.InstanceSet
	// podsOfSets is how many Pods each InstanceSet has; nil before it is needed first.
	podsOfSets map[types.UID]int
	// unbound holds the names of claims of Jobs with failed Pods, and whether they never had a volume; set by observeRestores.
	unbound map[string]bool
	// jobs is how many Jobs were re-created, or could not be.
	jobs int
	// recent are the Jobs and Pods that deletes of Restores rely on; nil before the first.
	recent *recentWork
	// claims are the volume claims of the cluster, pending its database Pods without a node; nil before each is needed first.
	claims  *[]corev1.PersistentVolumeClaim
	pending *[]databasePod
	// instances are the Instances of the cluster, world its database Pods with their volumes; nil before each is needed first.
	instances *[]kubeblocks.Instance
	world     *world
	// claimsRead is how many claims of Pods were read one by one.
	claimsRead int
	// bytes is the size of the Backups that were read, and of the rules that are compared with theirs.
	bytes int
	// rewriter is the index of the sources; set by compareRules, once for all policies.
	rewriter *rewrite.Rewriter
	// observation is complete when observe returns.
	observation remedy.Observation
}

// restoreScope is one Restore of the Cluster. owner is set with it, observed by compareRules and observeRestore.
type restoreScope struct {
	object   *kubeblocks.Restore
	owner    *kubeblocks.Component
	observed remedy.Restore
	// undecidedPod names a Pod of it that can be bound at any moment; set by observeRestore.
	undecidedPod string
	// refused is why the API server refused the rules that a replacement adds; set by finishReplacements.
	refused string
}

// restore returns the Restore that an action is about.
func (s *scope) restore(o remedy.Object) *kubeblocks.Restore {
	i := slices.IndexFunc(s.restores, func(r restoreScope) bool { return r.object.UID == o.UID })
	return s.restores[i].object
}

// The levels of the log, as the configuration counts them.
const debug, trace = 1, 2

// logPlan logs a plan: as Debug where it does something, else as Trace.
func logPlan(ctx context.Context, s *scope, plan remedy.Plan) {
	level, due := trace, make([]string, 0, len(plan.Actions))
	for _, action := range plan.Actions {
		due = append(due, action.Name())
	}
	if len(due) > 0 || plan.RequeueAfter.Duration > 0 {
		level = debug
	}
	logf.FromContext(ctx).V(level).Info("Decided", "mode", s.observation.Mode, "due", due,
		"policy", plan.Cluster.PolicyRehomed.Reason, "pods", plan.Cluster.PodsScheduled.Reason, "requeueAfter", plan.RequeueAfter.Duration)
}
