package placement

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// noProvisioner is the provisioner of classes for volumes that somebody creates by hand.
const noProvisioner = "kubernetes.io/no-provisioner"

// volumes provisions the claims of a restore in a World of its own.
type volumes struct {
	world *World
	// pinned is as in player.
	pinned  bool
	unknown []string
	// atOnce says that the place of a volume is chosen before that of its Pod, and not known.
	atOnce bool
	nodes  map[string]*corev1.Node
}

// newVolumes returns a World with the claims of a restore. Claims whose class binds at once have a volume.
func newVolumes(w *World, claims []corev1.PersistentVolumeClaim, pinned bool) *volumes {
	own := *w
	v := &volumes{world: &own, pinned: pinned, nodes: map[string]*corev1.Node{}}
	for i := range w.Nodes {
		v.nodes[w.Nodes[i].Name] = &w.Nodes[i]
	}
	own.Volumes, own.Claims = slices.Clone(w.Volumes), slices.Clone(w.Claims)
	exists := map[types.NamespacedName]bool{}
	for i := range w.Claims {
		exists[types.NamespacedName{Namespace: w.Claims[i].Namespace, Name: w.Claims[i].Name}] = true
	}
	for i := range claims {
		if !exists[types.NamespacedName{Namespace: claims[i].Namespace, Name: claims[i].Name}] {
			own.Claims = append(own.Claims, *claims[i].DeepCopy())
		}
	}
	for i := len(w.Claims); i < len(own.Claims); i++ {
		if class := storageClassOf(w, &own.Claims[i]); class != nil && !kubeblocks.BindsLate(class) {
			v.bindAtOnce(&own.Claims[i], class)
		}
	}
	return v
}

// provision gives the claims of placed Pods volumes, where they have none.
func (v *volumes) provision(placed []OnNode) {
	for _, p := range placed {
		for _, name := range kubeblocks.ClaimsOf(&p.Pod.Spec) {
			i := slices.IndexFunc(v.world.Claims, func(c corev1.PersistentVolumeClaim) bool {
				return c.Namespace == p.Pod.Namespace && c.Name == name
			})
			if i >= 0 && v.world.Claims[i].Spec.VolumeName == "" {
				v.bindOn(&v.world.Claims[i], p.Node)
			}
		}
	}
}

// bindOn gives a claim a volume that a Pod on the node can mount: one that exists, or a new one of its class.
func (v *volumes) bindOn(claim *corev1.PersistentVolumeClaim, name string) {
	node := v.nodes[name]
	if node == nil || v.bindExisting(claim, node) {
		return
	}
	class := storageClassOf(v.world, claim)
	if class == nil || class.Provisioner == noProvisioner {
		return
	}
	keys, known := topologyOf(v.world, class, name)
	if !known {
		v.say(fmt.Sprintf(unknownTopology, class.Name, class.Provisioner))
		if v.pinned {
			keys = []string{corev1.LabelHostname}
		}
	}
	v.bindNew(claim, keys, node)
}

// bindAtOnce gives a claim a volume before any Pod is placed.
func (v *volumes) bindAtOnce(claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass) {
	if v.bindExisting(claim, nil) || class.Provisioner == noProvisioner {
		return
	}
	if !v.isAnywhere(class) {
		v.say(fmt.Sprintf(unknownImmediate, class.Name))
		v.atOnce = true
	}
	v.bindNew(claim, nil, nil)
}

func (v *volumes) say(text string) {
	if !slices.Contains(v.unknown, text) {
		v.unknown = append(v.unknown, text)
	}
}

// bindNew gives a claim a new volume for the nodes that have the same labels as one.
func (v *volumes) bindNew(claim *corev1.PersistentVolumeClaim, keys []string, node *corev1.Node) {
	pv := corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "would-be-" + claim.Namespace + "-" + claim.Name}}
	pv.Spec.Capacity = claim.Spec.Resources.Requests
	pv.Spec.AccessModes, pv.Spec.VolumeMode = claim.Spec.AccessModes, claim.Spec.VolumeMode
	if class := storageClassOf(v.world, claim); class != nil {
		pv.Spec.StorageClassName = class.Name
		pv.Spec.CSI = &corev1.CSIPersistentVolumeSource{Driver: class.Provisioner, VolumeHandle: pv.Name}
	}
	if term := termFor(keys, node); term != nil {
		pv.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{*term}}}
	}
	v.world.Volumes = append(v.world.Volumes, pv)
	bind(claim, &v.world.Volumes[len(v.world.Volumes)-1])
}

// termFor returns a term for the nodes that have the same labels as one, or nil for all nodes.
func termFor(keys []string, node *corev1.Node) *corev1.NodeSelectorTerm {
	var term corev1.NodeSelectorTerm
	for _, key := range keys {
		if value, ok := node.Labels[key]; ok {
			term.MatchExpressions = append(term.MatchExpressions, corev1.NodeSelectorRequirement{
				Key: key, Operator: corev1.NodeSelectorOpIn, Values: []string{value},
			})
		}
	}
	if len(term.MatchExpressions) == 0 {
		return nil
	}
	return &term
}

// bindExisting gives a claim the smallest free volume that a node admits, as a scheduler does. Without a node, any counts.
func (v *volumes) bindExisting(claim *corev1.PersistentVolumeClaim, node *corev1.Node) bool {
	var best *corev1.PersistentVolume
	for i := range v.world.Volumes {
		pv := &v.world.Volumes[i]
		if isFree(pv) && suits(pv, claim) && admits(pv, node) &&
			(best == nil || pv.Spec.Capacity.Storage().Cmp(*best.Spec.Capacity.Storage()) < 0) {
			best = pv
		}
	}
	if best != nil {
		bind(claim, best)
	}
	return best != nil
}

func isFree(pv *corev1.PersistentVolume) bool {
	return pv.Spec.ClaimRef == nil && pv.Status.Phase == corev1.VolumeAvailable && pv.DeletionTimestamp == nil
}

// suits reports whether a volume has what a claim asks for.
func suits(pv *corev1.PersistentVolume, claim *corev1.PersistentVolumeClaim) bool {
	class := ""
	if claim.Spec.StorageClassName != nil {
		class = *claim.Spec.StorageClassName
	}
	hasModes := !slices.ContainsFunc(claim.Spec.AccessModes, func(mode corev1.PersistentVolumeAccessMode) bool {
		return !slices.Contains(pv.Spec.AccessModes, mode)
	})
	selector, err := metav1.LabelSelectorAsSelector(claim.Spec.Selector)
	isLabelled := err == nil && (claim.Spec.Selector == nil || selector.Matches(labels.Set(pv.Labels)))
	return pv.Spec.StorageClassName == class && hasModes && isLabelled &&
		pv.Spec.Capacity.Storage().Cmp(*claim.Spec.Resources.Requests.Storage()) >= 0
}

// admits reports whether a volume can be mounted on a node.
func admits(pv *corev1.PersistentVolume, node *corev1.Node) bool {
	if node == nil || pv.Spec.NodeAffinity == nil || pv.Spec.NodeAffinity.Required == nil {
		return true
	}
	selector, err := nodeaffinity.NewNodeSelector(pv.Spec.NodeAffinity.Required)
	return err == nil && selector.Match(node)
}

// bind binds a claim and a volume to each other.
func bind(claim *corev1.PersistentVolumeClaim, pv *corev1.PersistentVolume) {
	claim.Spec.VolumeName, claim.Status.Phase = pv.Name, corev1.ClaimBound
	claim.Annotations = maps.Clone(claim.Annotations)
	if claim.Annotations == nil {
		claim.Annotations = map[string]string{}
	}
	claim.Annotations["pv.kubernetes.io/bind-completed"] = "yes"
	pv.Spec.ClaimRef = &corev1.ObjectReference{Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID}
	pv.Status.Phase = corev1.VolumeBound
}
