package controllers

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/feasibility"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// What of a Cluster is judged in one reconcile, beside kubeblocks.MaxDatabasePods. A tenant chooses all these numbers.
const (
	// maxClaims is how many claims, and how many volumes of claims, are read one by one.
	maxClaims = 500
	// maxPodRules and maxPodBytes limit the rules of all database Pods together, and their size as JSON: each rule of a Pod is a term
	// of the decision, and Pods of different shards have copies of their rules.
	maxPodRules = 100 * kubeblocks.MaxDatabasePods
	maxPodBytes = 4 << 20
)

// isJudgeable reports whether the rules of the Pods are few and small enough.
func isJudgeable(pods []kubeblocks.DatabasePod) bool {
	count := map[*rewrite.Policy]int{}
	for i := range pods {
		if policy := pods[i].Policy; policy != nil {
			count[policy]++
		}
	}
	rules, bytes := 0, 0
	for policy, pods := range count {
		data, err := json.Marshal(rulesJSON{policy.Affinity, policy.TopologySpreadConstraints})
		rules += pods * rewrite.CountRules([]rewrite.Policy{*policy})
		bytes += pods * len(data)
		if err != nil || rules > maxPodRules || bytes > maxPodBytes {
			return false
		}
	}
	return true
}

// placedVolumes returns by claim where the volumes of the Pods can be mounted, and sets bound. It stops where they are too many: then
// they count as bound.
func (r *ClusterReconciler) placedVolumes(ctx context.Context, w *world) (map[string]feasibility.Volume, error) {
	volumes := map[string]feasibility.Volume{}
	reads := 0
	for i := range w.pods {
		for _, claim := range w.pods[i].Claims {
			if claim.Spec.VolumeName != "" {
				reads++
			}
			if reads > maxClaims {
				w.bound, w.tooMuch = true, fmt.Sprintf(tooManyClaims, maxClaims)
				return nil, nil
			}
			volume, err := r.placedVolume(ctx, claim)
			if err != nil {
				return nil, err
			}
			volumes[claim.Name] = volume
			w.bound = w.bound || isBound(volume)
		}
	}
	return volumes, nil
}

// placedVolume returns where a claim's volume can be mounted. A volume that is gone binds the Pod to nothing.
func (r *ClusterReconciler) placedVolume(ctx context.Context, claim *corev1.PersistentVolumeClaim) (feasibility.Volume, error) {
	placed := feasibility.Volume{Claim: claim.Name, Node: kubeblocks.SelectedNode(claim)}
	if claim.Spec.VolumeName == "" {
		return placed, nil
	}
	volume := &corev1.PersistentVolume{}
	err := r.APIReader.Get(ctx, types.NamespacedName{Name: claim.Spec.VolumeName}, volume)
	if client.IgnoreNotFound(err) != nil {
		return feasibility.Volume{}, fmt.Errorf("get PersistentVolume %s: %w", claim.Spec.VolumeName, err)
	}
	if err == nil {
		// A bound volume says itself where it can be mounted. The node that was selected for it is history.
		placed.Node, placed.NodeAffinity = "", feasibility.MountableOn(volume)
	}
	return placed, nil
}

// tooMuch refuses all edits, because what they govern is too much to judge.
func tooMuch(w *world, edits []rewrite.Edit) []remedy.RefusedRule {
	refused := make([]remedy.RefusedRule, 0, len(edits))
	for _, edit := range edits {
		refused = append(refused, remedy.RefusedRule{Path: edit.Path, Reason: fmt.Sprintf(tooMuchReason, w.tooMuch)})
	}
	return refused
}
