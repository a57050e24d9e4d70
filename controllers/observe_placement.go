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
	if w.tooMuch == "" {
		if o.Placement.World, err = s.unfilled(w); err != nil {
			return err
		}
		if err := r.observeRunning(ctx, s, w); err != nil {
			return err
		}
	}
	o.Placement.Unjudged = append(o.Placement.Unjudged, unjudged(w, o.Live.Edits)...)
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

// observeRunning fills in which rules the Pods that run do not admit. With the consent to restart them, they make room.
func (r *ClusterReconciler) observeRunning(ctx context.Context, s *scope, w *world) error {
	if s.observation.AllowRollingUpdate {
		return nil
	}
	database, err := r.liveDatabase(ctx, s)
	if err != nil {
		return err
	}
	p := s.observation.Placement
	p.Unjudged = append(p.Unjudged, besideRunning(&w.World, database, w.budget)...)
	return nil
}

// world is the database Pods of a Cluster, in the same order as pods, and all that decides where they can run.
type world struct {
	feasibility.World
	pods   []kubeblocks.DatabasePod
	claims []corev1.PersistentVolumeClaim
	// bound says that a volume is bound. Otherwise World is empty.
	bound bool
	// tooMuch says what is too much to judge where the Pods can run; empty where nothing is. World is empty then, too.
	tooMuch string
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
	w := &world{World: feasibility.World{Namespace: s.cluster.Namespace}, claims: claims, budget: feasibility.NewBudget()}
	var complete bool
	w.pods, complete = kubeblocks.DatabasePods(r.Apps, s.cluster, kubeblocks.ClusterPolicies(s.cluster), s.components, claims)
	volumes, err := r.placedVolumes(ctx, w)
	if err != nil {
		return nil, err
	}
	switch {
	case !w.bound || w.tooMuch != "":
	case !complete:
		w.tooMuch = fmt.Sprintf(tooManyPods, kubeblocks.MaxDatabasePods)
	case !isJudgeable(w.pods):
		w.tooMuch = tooManyPodRules
	default:
		if err := r.fillWorld(ctx, s, w, volumes); err != nil {
			return nil, err
		}
	}
	s.world = w
	return w, nil
}

// fillWorld adds the Pods with their volumes, the Nodes, and the labels of the Namespace.
func (r *ClusterReconciler) fillWorld(ctx context.Context, s *scope, w *world, volumes map[string]feasibility.Volume) error {
	rules := podRules{edits: s.observation.Live.Edits, known: map[rulesKey]rulesPair{}}
	for i := range w.pods {
		pod, err := rules.placedPod(&w.pods[i])
		if err != nil {
			return err
		}
		for _, claim := range w.pods[i].Claims {
			pod.Volumes = append(pod.Volumes, volumes[claim.Name])
		}
		w.Pods = append(w.Pods, pod)
	}
	if err := r.readNodes(ctx, s, w); err != nil {
		return err
	}
	w.occupancy = feasibility.NewOccupancy(&w.World, w.budget)
	return nil
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

// podRules are the rules of database Pods before and after a rewrite. Pods of one policy share them.
type podRules struct {
	edits []rewrite.Edit
	known map[rulesKey]rulesPair
}

// rulesKey is all that the rules of a Pod depend on.
type rulesKey struct {
	policy       *rewrite.Policy
	nodeAffinity *corev1.NodeAffinity
	shard        string
}

type rulesPair struct{ stale, rewritten feasibility.Rules }

// placedPod returns a database Pod with its rules before and after the rewrite.
func (r *podRules) placedPod(p *kubeblocks.DatabasePod) (feasibility.Pod, error) {
	pod := feasibility.Pod{Name: p.Name, Labels: p.Labels, NodeSelector: p.NodeSelector, Tolerations: p.Tolerations}
	if p.Policy == nil {
		return pod, nil
	}
	key := rulesKey{p.Policy, p.NodeAffinity, p.Shard()}
	pair, ok := r.known[key]
	if !ok {
		rewritten, err := applyEdits(p.Policy, r.edits)
		if err != nil {
			return feasibility.Pod{}, err
		}
		pair = rulesPair{rulesOf(p.Policy, p), rulesOf(rewritten, p)}
		r.known[key] = pair
	}
	pod.Policy, pod.Stale, pod.Rewritten = p.Policy.Path, pair.stale, pair.rewritten
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

// applyEdits returns a policy with those edits applied that are in it.
func applyEdits(p *rewrite.Policy, edits []rewrite.Edit) (*rewrite.Policy, error) {
	var own []rewrite.Edit
	prefix := p.Path + "/"
	for _, edit := range edits {
		if strings.HasPrefix(edit.Path, prefix) {
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
