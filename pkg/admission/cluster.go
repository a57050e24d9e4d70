package admission

import (
	"context"
	"strings"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
	"sigs.k8s.io/json"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/feasibility"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/metrics"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/rewrite"
	"github.com/rehome-operator/rehome/pkg/sources"
)

// createCluster rewrites the rules that a Cluster inherited.
func (h *Handler) createCluster(ctx context.Context, req admission.Request) answer {
	cluster, err := clusterOf(req.Object.Raw)
	if err != nil {
		return unanswered(req, metrics.AdmissionFailed, textBadObject)
	}
	cluster.Namespace = req.Namespace
	// A KubeBlocks that serves only v1 ignores the annotation: the Cluster starts empty, which the operator reports.
	restored := cluster.Spec.Restore != nil || cluster.Annotations[kubeblocks.AnnotationRestoreFromBackup] != "" && !h.Served.OnlyV1
	if !restored || runsElsewhere(cluster) {
		return unchanged
	}
	if cluster.Name == "" {
		return later(metrics.AdmissionDeferred, cluster.GenerateName, textNoName)
	}
	var d decisions
	var claims bool
	backups := h.readAhead(ctx, cluster, nil)
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		d, err = h.readDecisions(groupCtx, types.NamespacedName{Namespace: cluster.Namespace, Name: cluster.Name}, "")
		return err
	})
	group.Go(func() (err error) {
		claims, err = h.hasClaims(groupCtx, cluster.Namespace, client.MatchingLabels{kubeblocks.LabelInstance: cluster.Name})
		return err
	})
	if err := group.Wait(); err != nil {
		return h.unreadable(ctx, req, err)
	}
	if d.mode == configv1alpha1.Disabled {
		return unchanged
	}
	from := h.readInheritance(ctx, cluster, nil, d, backups)
	live := kubeblocks.ClusterPolicies(cluster)
	a := from.decide(cluster.Name, req.Object.Raw, live, d.mode, leaves(claims, kubeblocks.RestoresSerially(cluster), kubeblocks.RestoredElsewhere(cluster)))
	if a.outcome == metrics.AdmissionRewritten {
		a.operations = append(a.operations, h.mark(ctx, cluster, a)...)
	} else if d.mode == configv1alpha1.Enforce && hasForeignMark(cluster) {
		a.operations = append(a.operations, patch.RemoveAnnotation(v1alpha1.AnnotationRewrittenRules))
	}
	return a
}

// leaves says why only the operator may rewrite a Cluster; empty where the webhook may.
//   - Once rules name the restored cluster, they only keep Pods apart that run at the same time. Jobs of a serial restore do not, so all
//     volumes could come on one node, where one Pod then hangs.
//   - The API server can drop the reference of a claim to a Backup in another Namespace. The database then starts empty, and only stale
//     rules keep it from running under the restored name.
func leaves(claims, serial, elsewhere bool) string {
	switch {
	case claims:
		return textClaims
	case serial:
		return textSerial
	case elsewhere:
		return textElsewhere
	default:
		return ""
	}
}

// decide turns the rules of an object into an answer. With a reason in leave, the rewrite is left to the operator.
func (i *inheritance) decide(name string, object []byte, live []rewrite.Policy, mode configv1alpha1.Mode, leave string) answer {
	result := i.rewrite(live)
	changed := len(changedRules(result.Edits))
	switch {
	case len(result.Of(rewrite.Invalid)) > 0:
		return laterIn(mode, metrics.AdmissionDeferred, name, textInvalid)
	case changed == 0 && i.failed:
		return laterIn(mode, metrics.AdmissionFailed, name, textUnreadable)
	case changed == 0 && i.unread:
		return laterIn(mode, metrics.AdmissionDeferred, name, textUnread)
	case changed == 0:
		return unchanged
	case mode == configv1alpha1.Observe:
		return answer{outcome: metrics.AdmissionObserved, warning: warning(textWouldRewrite, rules(changed), i.source, name), source: i.source, rules: changed}
	case leave != "":
		return later(metrics.AdmissionDeferred, name, leave)
	case i.missesRestorePods(live, result.Edits):
		return later(metrics.AdmissionDeferred, name, textUnselected)
	}
	edited, err := patch.Apply(object, result.Edits)
	if err != nil {
		return later(metrics.AdmissionFailed, name, textUnapplied)
	}
	return answer{
		outcome: metrics.AdmissionRewritten, operations: patch.Untested(result.Edits), edits: result.Edits, edited: edited,
		warning: warning(textRewrote, rules(changed), i.source, name), source: i.source, rules: changed,
	}
}

// missesRestorePods reports whether edits change a required rule that does not select the Pods that restore volumes as it does the database
// Pods. Once it names the restored cluster, it does not keep restore Pods apart, so that several volumes could come on one node, where one
// database Pod then hangs. And a restore Pod that must be beside a database Pod could wait for one that its own Restore delays.
func (i *inheritance) missesRestorePods(live []rewrite.Policy, edits []rewrite.Edit) bool {
	if !i.version.RestoresByJobs() {
		return false
	}
	changed := changedRules(edits)
	for p := range live {
		rules := feasibility.Rules{Affinity: live[p].Affinity, TopologySpreadConstraints: live[p].TopologySpreadConstraints}
		for _, rule := range feasibility.Required(live[p].Path, rules) {
			if changed[rule.Path()] && !i.version.SelectsRestorePods(rule.Selector) {
				return true
			}
		}
	}
	return false
}

// changedRules returns the JSON Pointers of the rules that edits change.
func changedRules(edits []rewrite.Edit) map[string]bool {
	changed := map[string]bool{}
	for _, e := range edits {
		rule, _, _ := strings.Cut(e.Path, "/labelSelector")
		rule, _, _ = strings.Cut(rule, "/namespace") // namespaces or namespaceSelector
		changed[rule] = true
	}
	return changed
}

// mark returns the operations that let the Cluster remember what an answer rewrites. It returns none where the annotation does not fit.
func (h *Handler) mark(ctx context.Context, cluster *kubeblocks.Cluster, a answer) []patch.Operation {
	// An API server asks again after other webhooks: then the Cluster remembers what was rewritten before, too.
	mark, fits, err := sources.Mark(cluster, a.edited, sources.Rewritten(cluster), a.edits)
	if err != nil {
		logf.FromContext(ctx).Error(err, "The rewritten rules are not marked")
	}
	if err != nil || !fits {
		return nil
	}
	return []patch.Operation{patch.Annotation(cluster, v1alpha1.AnnotationRewrittenRules, mark)}
}

// hasForeignMark reports whether the mark of another Cluster came with a snapshot. Its own mark is there when an API server asks again.
func hasForeignMark(cluster *kubeblocks.Cluster) bool {
	_, marked := cluster.Annotations[v1alpha1.AnnotationRewrittenRules]
	return marked && len(sources.Rewritten(cluster)) == 0
}

// updateCluster keeps rewritten rules where an update brings the stale ones back. It never rewrites a rule, because that could
// restart a running database.
func (h *Handler) updateCluster(ctx context.Context, req admission.Request) answer {
	old, err := clusterOf(req.OldObject.Raw)
	if err != nil {
		return unanswered(req, metrics.AdmissionFailed, textBadObject)
	}
	updated, err := clusterOf(req.Object.Raw)
	if err != nil {
		return unanswered(req, metrics.AdmissionFailed, textBadObject)
	}
	edits, held := rewrite.Hold(kubeblocks.ClusterPolicies(old), kubeblocks.ClusterPolicies(updated), sources.Rewritten(old))
	if len(edits) == 0 || !updated.DeletionTimestamp.IsZero() {
		return unchanged
	}
	d, err := h.readDecisions(ctx, types.NamespacedName{Namespace: req.Namespace, Name: req.Name}, updated.UID)
	if err != nil {
		return h.unreadable(ctx, req, err)
	}
	switch d.mode {
	case configv1alpha1.Disabled:
		return unchanged
	case configv1alpha1.Observe:
		return answer{outcome: metrics.AdmissionObserved, warning: warning(textWouldHold, rules(held), req.Name), rules: held}
	}
	a := answer{outcome: metrics.AdmissionHeld, operations: patch.Untested(edits), warning: warning(textHeld, rules(held), req.Name), rules: held}
	mark := old.Annotations[v1alpha1.AnnotationRewrittenRules]
	if updated.Annotations[v1alpha1.AnnotationRewrittenRules] != mark && patch.Fits(updated, v1alpha1.AnnotationRewrittenRules, mark) {
		// The manifest replaced the whole object.
		a.operations = append(a.operations, patch.Annotation(updated, v1alpha1.AnnotationRewrittenRules, mark))
	}
	return a
}

// unreadable admits an object although something could not be read.
func (h *Handler) unreadable(ctx context.Context, req admission.Request, err error) answer {
	logf.FromContext(ctx).Error(err, "Admitted the object unchanged")
	return unanswered(req, metrics.AdmissionFailed, textUnreadable)
}

func clusterOf(object []byte) (*kubeblocks.Cluster, error) {
	cluster := &kubeblocks.Cluster{}
	return cluster, json.UnmarshalCaseSensitivePreserveInts(object, cluster)
}

// runsElsewhere reports whether the Cluster's Pods run behind other API servers.
func runsElsewhere(cluster *kubeblocks.Cluster) bool {
	_, elsewhere := cluster.Annotations[kubeblocks.AnnotationMultiClusterPlacement]
	return elsewhere
}
