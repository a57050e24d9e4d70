package feasibility

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/rehome-operator/rehome/pkg/feasibility"
)

// The names that all worlds share: the plugin that binds volumes reads them from caches that are filled once.
const (
	namespace  = "prod"
	lateClass  = "late"
	maxNodes   = 8
	maxClaims  = 16
	selected   = "selected "
	annotation = "volume.kubernetes.io/selected-node"
)

var zones = []string{"a", "b", "c"}

func nodeName(i int) string { return fmt.Sprintf("node%d", i) }

// places are where a volume can be: nowhere yet, in a zone, on a node, or selected for a node. The last node is in no world.
func places() []string {
	all := append([]string{""}, zones...)
	for i := range maxNodes + 1 {
		all = append(all, nodeName(i), selected+nodeName(i))
	}
	return all
}

// storage is all claims and volumes there are: for each place, as many as a world can need.
type storage struct {
	claims  map[string]*corev1.PersistentVolumeClaim
	volumes map[string]*corev1.PersistentVolume
	objects []runtime.Object
}

func newStorage() *storage {
	s := &storage{claims: map[string]*corev1.PersistentVolumeClaim{}, volumes: map[string]*corev1.PersistentVolume{}}
	s.objects = append(s.objects, &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{Name: lateClass}, Provisioner: "example.com/disk",
		VolumeBindingMode: ptr.To(storagev1.VolumeBindingWaitForFirstConsumer),
	})
	for i, place := range places() {
		for j := range maxClaims {
			s.add(fmt.Sprintf("data-%d-%d", i, j), place)
		}
	}
	return s
}

// add adds a claim in a place, bound to a volume where it has one.
func (s *storage) add(name, place string) {
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: map[string]string{}},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: ptr.To(lateClass),
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}
	s.claims[name] = claim
	s.objects = append(s.objects, claim)
	if place == "" {
		return
	}
	if node, ok := strings.CutPrefix(place, selected); ok {
		claim.Annotations[annotation] = node
		return
	}
	volume := boundVolume("pv-"+name, place)
	claim.Spec.VolumeName, claim.Status.Phase = volume.Name, corev1.ClaimBound
	claim.Annotations["pv.kubernetes.io/bind-completed"] = "yes"
	s.volumes[name] = volume
	s.objects = append(s.objects, volume)
}

func boundVolume(name, place string) *corev1.PersistentVolume {
	key := corev1.LabelHostname
	if len(place) == 1 {
		key = corev1.LabelTopologyZone
	}
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName: lateClass,
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: corev1.NodeSelectorOpIn, Values: []string{place}}},
			}}}},
		},
	}
}

// seen returns a claim as the operator reads it.
func (s *storage) seen(claim string) feasibility.Volume {
	v := feasibility.Volume{Claim: claim, Node: s.claims[claim].Annotations[annotation]}
	if volume := s.volumes[claim]; volume != nil {
		v.NodeAffinity = volume.Spec.NodeAffinity
	}
	return v
}
