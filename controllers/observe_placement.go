package controllers

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/feasibility"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// +kubebuilder:rbac:roleName=rehome-cluster-reader,groups="",resources=nodes,verbs=list

// observePlacement fills in where the volumes of the database are bound, because a rewritten rule must admit them. The reads are
// live, because a rewrite depends on them, and are skipped when no edit is due or no volume is bound.
func (r *ClusterReconciler) observePlacement(ctx context.Context, s *scope) error {
	o := &s.observation
	if len(o.Live.Edits) == 0 || o.Obstacle != nil {
		return nil
	}
	w, err := r.observeWorld(ctx, s)
	if err != nil {
		return err
	}
	o.Placement = &remedy.Placement{Unjudged: withoutComponent(s, w.claims)}
	if !w.bound {
		return nil
	}
	if o.Placement.World, err = s.unfilled(w); err != nil {
		return err
	}
	o.Placement.Unjudged = append(o.Placement.Unjudged, unjudged(w.pods, o.Live.Edits)...)
	policies := kubeblocks.ClusterPolicies(s.cluster)
	for i := range policies {
		rewritten, err := applyEdits(&policies[i], o.Live.Edits)
		if err != nil {
			return err
		}
		o.Placement.Rewritten = append(o.Placement.Rewritten, *rewritten)
	}
	return nil
}

// world is the database Pods of a Cluster, in the same order as pods, and all that decides where they can run.
type world struct {
	feasibility.World
	pods   []kubeblocks.DatabasePod
	claims []corev1.PersistentVolumeClaim
	// bound says that a volume is bound. Otherwise Nodes are not read, and nothing below is set.
	bound bool
	// budget is what all answers about the World may cost in a reconcile, beside the decision of package remedy.
	budget    *feasibility.Budget
	occupancy *feasibility.Occupancy
}

// observeWorld reads where the volumes of the database are, once in a reconcile.
func (r *ClusterReconciler) observeWorld(ctx context.Context, s *scope) (*world, error) {
	if s.world != nil {
		return s.world, nil
	}
	claims, err := r.liveClaims(ctx, s)
	if err != nil {
		return nil, err
	}
	w := &world{
		World:  feasibility.World{Namespace: s.cluster.Namespace},
		pods:   kubeblocks.DatabasePods(r.Apps, s.cluster, kubeblocks.ClusterPolicies(s.cluster), s.components, claims),
		claims: claims,
	}
	for i := range w.pods {
		pod, err := r.placedPod(ctx, s, &w.pods[i])
		if err != nil {
			return nil, err
		}
		w.bound = w.bound || slices.ContainsFunc(pod.Volumes, isBound)
		w.Pods = append(w.Pods, pod)
	}
	if w.bound {
		if err := r.readNodes(ctx, s, w); err != nil {
			return nil, err
		}
		w.budget = feasibility.NewBudget()
		w.occupancy = feasibility.NewOccupancy(&w.World, w.budget)
	}
	s.world = w
	return w, nil
}

// readNodes reads the Nodes and the labels of the Namespace.
func (r *ClusterReconciler) readNodes(ctx context.Context, s *scope, w *world) (err error) {
	var nodes corev1.NodeList
	if err := r.APIReader.List(ctx, &nodes); err != nil {
		return fmt.Errorf("list Nodes: %w", err)
	}
	w.Nodes = nodes.Items
	w.NamespaceLabels, err = r.namespaceLabels(ctx, s.cluster.Namespace)
	return err
}

func isBound(v feasibility.Volume) bool {
	return v.Node != "" || v.NodeAffinity != nil && v.NodeAffinity.Required != nil
}

func (r *ClusterReconciler) namespaceLabels(ctx context.Context, name string) (map[string]string, error) {
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	if err := r.Client.Get(ctx, types.NamespacedName{Name: name}, namespace); err != nil {
		return nil, fmt.Errorf("get Namespace %s: %w", name, err)
	}
	return namespace.Labels, nil
}

// placedPod returns a database Pod with its rules before and after the rewrite, and with its volumes.
func (r *ClusterReconciler) placedPod(ctx context.Context, s *scope, p *kubeblocks.DatabasePod) (feasibility.Pod, error) {
	pod := feasibility.Pod{Name: p.Name, Labels: p.Labels, NodeSelector: p.NodeSelector, Tolerations: p.Tolerations}
	if p.Policy != nil {
		rewritten, err := applyEdits(p.Policy, s.observation.Live.Edits)
		if err != nil {
			return feasibility.Pod{}, err
		}
		pod.Policy, pod.Stale, pod.Rewritten = p.Policy.Path, rulesOf(p.Policy, p), rulesOf(rewritten, p)
	}
	for _, claim := range p.Claims {
		volume, err := r.placedVolume(ctx, claim)
		if err != nil {
			return feasibility.Pod{}, err
		}
		pod.Volumes = append(pod.Volumes, volume)
	}
	return pod, nil
}

// rulesOf returns the rules that a policy gives to a Pod. KubeBlocks writes the name of its shard where a rule has an empty one,
// and the rules about nodes come from the Component.
func rulesOf(policy *rewrite.Policy, p *kubeblocks.DatabasePod) feasibility.Rules {
	rules := feasibility.Rules{Affinity: policy.Affinity.DeepCopy()}
	for i := range policy.TopologySpreadConstraints {
		rules.TopologySpreadConstraints = append(rules.TopologySpreadConstraints, *policy.TopologySpreadConstraints[i].DeepCopy())
	}
	if p.NodeAffinity != nil {
		if rules.Affinity == nil {
			rules.Affinity = &corev1.Affinity{}
		}
		rules.Affinity.NodeAffinity = p.NodeAffinity
	}
	if shard := p.Shard(); shard != "" {
		for _, rule := range feasibility.Required(policy.Path, rules) {
			fillShard(rule.Selector, shard)
		}
	}
	return rules
}

// fillShard writes the component name of a shard where a selector has an empty one.
func fillShard(selector *metav1.LabelSelector, shard string) {
	if selector == nil {
		return
	}
	if name, ok := selector.MatchLabels[kubeblocks.LabelComponentName]; ok && name == "" {
		selector.MatchLabels[kubeblocks.LabelComponentName] = shard
	}
	for _, requirement := range selector.MatchExpressions {
		if i := slices.Index(requirement.Values, ""); requirement.Key == kubeblocks.LabelComponentName && i >= 0 {
			requirement.Values[i] = shard
		}
	}
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

// applyEdits returns a policy with those edits applied that are in it.
func applyEdits(p *rewrite.Policy, edits []rewrite.Edit) (*rewrite.Policy, error) {
	var own []rewrite.Edit
	for _, edit := range edits {
		if strings.HasPrefix(edit.Path, p.Path+"/") {
			own = append(own, edit)
		}
	}
	if len(own) == 0 {
		return p, nil
	}
	data, err := json.Marshal(rulesJSON{p.Affinity, p.TopologySpreadConstraints})
	if err != nil {
		return nil, fmt.Errorf("marshal the rules of %s: %w", p.Place, err)
	}
	if data, err = patch.Apply(data, below(p.Path, own)); err != nil {
		return nil, fmt.Errorf("rewrite the rules of %s: %w", p.Place, err)
	}
	var rules rulesJSON
	if err := json.Unmarshal(data, &rules); err != nil {
		return nil, fmt.Errorf("read the rewritten rules of %s: %w", p.Place, err)
	}
	rewritten := *p
	rewritten.Affinity, rewritten.TopologySpreadConstraints = rules.Affinity, rules.TopologySpreadConstraints
	return &rewritten, nil
}

type rulesJSON struct {
	Affinity                  *corev1.Affinity                  `json:"affinity,omitempty"`
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`
}
