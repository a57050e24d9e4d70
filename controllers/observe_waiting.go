package controllers

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// wasRestored reports whether an older KubeBlocks, which read the annotation, had restored the Cluster before it was upgraded: Rehome was
// done with it, or the database had started. The annotation can still be there, because Git adds it again.
func (s *scope) wasRestored() bool {
	if !s.isDecided() {
		return false
	}
	ready := meta.FindStatusCondition(s.rehoming.Status.Conditions, v1alpha1.ConditionReady)
	return ready != nil && (ready.Status == metav1.ConditionTrue || ready.Reason == v1alpha1.ReasonClusterStarted)
}

// observeDataSource blocks a Cluster whose database KubeBlocks starts without the data of its Backup. Rewritten rules would let the
// empty database run under the restored name. Claims are read only where the API server can have dropped their reference.
func (r *ClusterReconciler) observeDataSource(ctx context.Context, s *scope) error {
	if r.StartsEmpty(s.cluster) && !s.wasRestored() {
		message := annotationIgnored
		if len(s.restores) > 0 {
			message = annotationOutdated
		}
		s.block(remedy.Obstacle{Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonRestoreIgnored, Message: message})
		return nil
	}
	if !kubeblocks.RestoredElsewhere(s.cluster) {
		return nil
	}
	claims, err := r.liveClaims(ctx, s)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(claims, func(c corev1.PersistentVolumeClaim) bool { return kubeblocks.NamesSource(&c) }) {
		message := fmt.Sprintf(sourceUndecided, s.cluster.Spec.Restore.Source.Namespace)
		again := r.unannounced(s, maxClaimInterval)
		s.block(remedy.Obstacle{
			Reason: v1alpha1.ReasonWaitingForComponent, Message: message, RequeueAfter: metav1.Duration{Duration: again},
		})
		return nil
	}
	for i := range claims {
		if kubeblocks.LostSource(&claims[i]) {
			message := fmt.Sprintf(sourceDropped, claims[i].Name, s.cluster.Spec.Restore.Source.Namespace)
			s.block(remedy.Obstacle{Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonRestoreIgnored, Message: message})
			return nil
		}
	}
	return nil
}

// progressOf returns what the Cluster's condition Restore says.
func progressOf(c *kubeblocks.Cluster) remedy.RestoreProgress {
	progress := remedy.RestoreProgress{Expected: c.Spec.Restore != nil}
	if condition := kubeblocks.RestoreProgress(c); condition != nil {
		progress.Status, progress.Message = condition.Status, condition.Reason+": "+condition.Message
	}
	return progress
}

// observeWaiting fills in the database Pods without a node.
func (r *ClusterReconciler) observeWaiting(ctx context.Context, s *scope) error {
	pods, err := r.pendingPods(ctx, s)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		waiting := podOf(pod.Pod)
		if s.observation.ClusterOnly {
			if waiting.RestoringOn, err = r.restoringOn(ctx, s, pod.Pod); err != nil {
				return err
			}
		}
		if pod.Status.NominatedNodeName != "" && waiting.RestoringOn == "" {
			continue // it is about to be bound
		}
		s.observation.Database = append(s.observation.Database, waiting)
	}
	return nil
}

// restoringOn returns the node on which a volume of a Pod is being restored: KubeBlocks 1.2 restores it where the scheduler has selected
// a node for its claim, and the Pod gets that node when it is done.
func (r *ClusterReconciler) restoringOn(ctx context.Context, s *scope, pod *corev1.Pod) (string, error) {
	claims, err := r.liveClaims(ctx, s)
	if err != nil {
		return "", err
	}
	for i := range claims {
		claim := &claims[i]
		if claim.Spec.VolumeName == "" && slices.Contains(kubeblocks.ClaimsOf(&pod.Spec), claim.Name) && kubeblocks.SelectedNode(claim) != "" {
			return kubeblocks.SelectedNode(claim), nil
		}
	}
	return "", nil
}

// pendingPods returns the database Pods without a node, once in a reconcile. A healthy cluster has none, and the cache holds Pending
// Pods. From Kubernetes 1.34 on, the scheduler nominates a node for a Pod while it waits for the Pod's volumes.
func (r *ClusterReconciler) pendingPods(ctx context.Context, s *scope) ([]databasePod, error) {
	if s.pending != nil {
		return *s.pending, nil
	}
	var list corev1.PodList
	if err := r.Client.List(ctx, &list, OfCluster(s.cluster)...); err != nil {
		return nil, fmt.Errorf("list Pending Pods of the cluster: %w", err)
	}
	candidates := slices.DeleteFunc(list.Items, func(p corev1.Pod) bool { return kubeblocks.WasBound(&p) })
	pods, err := r.databasePods(ctx, s, candidates)
	if err != nil {
		return nil, err
	}
	s.pending = &pods
	return pods, nil
}

// liveClaims returns the volume claims of the cluster, listed once in a reconcile. The read is live, because a rewrite or a delete
// depends on where the volumes are.
func (r *ClusterReconciler) liveClaims(ctx context.Context, s *scope) ([]corev1.PersistentVolumeClaim, error) {
	if s.claims == nil {
		var list corev1.PersistentVolumeClaimList
		if err := r.listLive(ctx, s.cluster, &list); err != nil {
			return nil, fmt.Errorf("list PersistentVolumeClaims of the cluster: %w", err)
		}
		s.claims = &list.Items
	}
	return *s.claims, nil
}

// placementHolds returns errStarted, wrapped, where a volume was bound, or a node selected for one, since the observation: rewritten
// rules may not admit it.
func (r *ClusterReconciler) placementHolds(ctx context.Context, s *scope) error {
	observed, err := r.liveClaims(ctx, s)
	if err != nil {
		return err
	}
	s.claims = nil
	now, err := r.liveClaims(ctx, s)
	if err != nil {
		return err
	}
	if !maps.Equal(placesOf(observed), placesOf(now)) {
		return fmt.Errorf("rewrite rules: a volume: %w", errStarted)
	}
	return nil
}

// placesOf returns the volume of each claim, or the node that is selected for it.
func placesOf(claims []corev1.PersistentVolumeClaim) map[string]string {
	places := map[string]string{}
	for i := range claims {
		places[claims[i].Name] = claims[i].Spec.VolumeName + "/" + kubeblocks.SelectedNode(&claims[i])
	}
	return places
}

// mayRecreatePod returns errStarted, wrapped, where the scheduler has selected a node for a volume of the Pod that is not ready. KubeBlocks
// 1.2 then restores the volume there, and a selection does not change the Pod, so that no precondition of the delete protects it.
func (r *ClusterReconciler) mayRecreatePod(ctx context.Context, s *scope, a remedy.RecreatePod) error {
	pods, err := r.pendingPods(ctx, s)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		if pod.UID != a.Pod.UID {
			continue
		}
		s.claimsRead = 0 // the action has a limit of its own
		selected, err := r.hasSelectedNode(ctx, s, pod.Pod)
		if err != nil {
			return err
		}
		if selected {
			return fmt.Errorf("delete Pod %s: a volume: %w", a.Pod, errStarted)
		}
	}
	return nil
}

// hasSelectedNode reads live whether the scheduler has selected a node for a claim of a Pod that has no volume yet. A claim keeps the
// selection when it is bound, but then its volume is ready. Where claims are too many to be read, one can have a selection.
func (r *ClusterReconciler) hasSelectedNode(ctx context.Context, s *scope, pod *corev1.Pod) (bool, error) {
	for _, name := range kubeblocks.ClaimsOf(&pod.Spec) {
		if s.claimsRead++; s.claimsRead > maxClaims {
			return true, nil
		}
		claim, err := r.claim(ctx, pod.Namespace, name)
		if err != nil {
			return false, err
		}
		if claim != nil && claim.Spec.VolumeName == "" && kubeblocks.SelectedNode(claim) != "" {
			return true, nil
		}
	}
	return false, nil
}
