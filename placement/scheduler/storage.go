package scheduler

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/component-helpers/storage/volume"

	"github.com/rehome-operator/rehome/pkg/placement"
)

// storage binds claims of Pods that are assumed to run.
type storage struct {
	claims, volumes cache.Indexer
	classes         map[string]*storagev1.StorageClass
	// keys are the topology keys of each driver on each node.
	keys map[driverNode][]string
}

type driverNode struct{ driver, node string }

// bound is a claim as it was, and the volume that it was bound to. before is nil for a volume that was created for the claim.
type bound struct {
	claim  *corev1.PersistentVolumeClaim
	volume *corev1.PersistentVolume
	before *corev1.PersistentVolume
}

func newStorage(factory informers.SharedInformerFactory, w *placement.World) *storage {
	s := &storage{
		claims:  factory.Core().V1().PersistentVolumeClaims().Informer().GetIndexer(),
		volumes: factory.Core().V1().PersistentVolumes().Informer().GetIndexer(),
		classes: map[string]*storagev1.StorageClass{},
		keys:    map[driverNode][]string{},
	}
	for i := range w.Classes {
		s.classes[w.Classes[i].Name] = &w.Classes[i]
	}
	for i := range w.CSINodes {
		for _, driver := range w.CSINodes[i].Spec.Drivers {
			s.keys[driverNode{driver.Name, w.CSINodes[i].Name}] = driver.TopologyKeys
		}
	}
	return s
}

// bind binds the claims of a Pod that waited for a node: to a volume that exists, or else to one that is created beside the node.
func (s *storage) bind(pod *corev1.Pod, node *corev1.Node) ([]bound, error) {
	var all []bound
	for i := range pod.Spec.Volumes {
		claim := s.waiting(pod, &pod.Spec.Volumes[i])
		if claim == nil {
			continue
		}
		b, err := s.choose(claim, node)
		if err != nil {
			return nil, err
		}
		next := claim.DeepCopy()
		next.Spec.VolumeName, next.Status.Phase = b.volume.Name, corev1.ClaimBound
		metav1.SetMetaDataAnnotation(&next.ObjectMeta, volume.AnnBindCompleted, "yes")
		if err := s.volumes.Update(b.volume); err != nil {
			return nil, err
		}
		if err := s.claims.Update(next); err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

// waiting returns the claim of a volume if it is not bound; else nil.
func (s *storage) waiting(pod *corev1.Pod, v *corev1.Volume) *corev1.PersistentVolumeClaim {
	var name string
	switch {
	case v.PersistentVolumeClaim != nil:
		name = v.PersistentVolumeClaim.ClaimName
	case v.Ephemeral != nil:
		name = pod.Name + "-" + v.Name
	default:
		return nil
	}
	object, ok, err := s.claims.GetByKey(pod.Namespace + "/" + name)
	if err != nil || !ok {
		return nil
	}
	claim := object.(*corev1.PersistentVolumeClaim)
	if claim.Spec.VolumeName != "" {
		return nil
	}
	return claim
}

// choose returns the volume for a claim, as kube-scheduler and the volume's driver would.
func (s *storage) choose(claim *corev1.PersistentVolumeClaim, node *corev1.Node) (bound, error) {
	class := volume.GetPersistentVolumeClaimClass(claim)
	var candidates []*corev1.PersistentVolume
	for _, object := range s.volumes.List() {
		if v := object.(*corev1.PersistentVolume); volume.GetPersistentVolumeClass(v) == class {
			candidates = append(candidates, v)
		}
	}
	slices.SortFunc(candidates, func(a, b *corev1.PersistentVolume) int { return cmp.Compare(a.Name, b.Name) })
	found, err := volume.FindMatchingVolume(claim, candidates, node, nil, true, true)
	if err != nil {
		return bound{}, err
	}
	if found == nil {
		return bound{claim: claim, volume: s.provisioned(claim, class, node)}, nil
	}
	taken := found.DeepCopy()
	taken.Spec.ClaimRef = referenceTo(claim)
	return bound{claim: claim, volume: taken, before: found}, nil
}

// provisioned returns the volume that a driver would create for a Pod on a node. It is tied to the values that the node has for the
// driver's topology keys. A driver that is not known on the node ties it to nothing.
func (s *storage) provisioned(claim *corev1.PersistentVolumeClaim, class string, node *corev1.Node) *corev1.PersistentVolume {
	v := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "assumed-" + claim.Namespace + "-" + claim.Name},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName: class, AccessModes: claim.Spec.AccessModes, Capacity: claim.Spec.Resources.Requests, ClaimRef: referenceTo(claim),
		},
	}
	var term corev1.NodeSelectorTerm
	if known := s.classes[class]; known != nil {
		v.Spec.CSI = &corev1.CSIPersistentVolumeSource{Driver: known.Provisioner, VolumeHandle: v.Name}
		for _, key := range s.keys[driverNode{known.Provisioner, node.Name}] {
			if value, ok := node.Labels[key]; ok {
				term.MatchExpressions = append(term.MatchExpressions, corev1.NodeSelectorRequirement{
					Key: key, Operator: corev1.NodeSelectorOpIn, Values: []string{value},
				})
			}
		}
	}
	if len(term.MatchExpressions) > 0 {
		v.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{term}}}
	}
	return v
}

func referenceTo(claim *corev1.PersistentVolumeClaim) *corev1.ObjectReference {
	return &corev1.ObjectReference{Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID}
}

// release undoes bind.
func (s *storage) release(all []bound) error {
	for _, b := range all {
		if err := s.claims.Update(b.claim); err != nil {
			return err
		}
		if b.before == nil {
			if err := s.volumes.Delete(b.volume); err != nil {
				return err
			}
		} else if err := s.volumes.Update(b.before); err != nil {
			return err
		}
	}
	return nil
}
