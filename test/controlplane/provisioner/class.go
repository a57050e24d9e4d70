package provisioner

import (
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// name is the provisioner of the classes.
const name = "provisioner.rehome.test"

// Topology is what the volumes of a class are tied to.
type Topology string

// The topologies of volumes in the field: local disks, disks of a cloud, and network file systems.
const (
	Node Topology = "node"
	Zone Topology = "zone"
	Free Topology = "free"
)

// Topologies returns all of them.
func Topologies() []Topology { return []Topology{Node, Zone, Free} }

// label is the label of nodes that a volume is tied to. It is empty for free volumes.
func (t Topology) label() string {
	switch t {
	case Node:
		return corev1.LabelHostname
	case Zone:
		return corev1.LabelTopologyZone
	default:
		return ""
	}
}

// parameter is the parameter of a class that holds its topology.
const parameter = "topology"

// NewClass returns a class whose volumes are tied to the node that the scheduler selects for their first Pod.
func NewClass(name string, topology Topology) *storagev1.StorageClass {
	return newClass(name, topology, storagev1.VolumeBindingWaitForFirstConsumer)
}

// NewImmediateClass returns a class whose volumes are created before their first Pod. They are tied to the nodes in turn that have the
// label.
func NewImmediateClass(name string, topology Topology, label, value string) *storagev1.StorageClass {
	class := newClass(name, topology, storagev1.VolumeBindingImmediate)
	class.AllowedTopologies = []corev1.TopologySelectorTerm{{
		MatchLabelExpressions: []corev1.TopologySelectorLabelRequirement{{Key: label, Values: []string{value}}},
	}}
	return class
}

func newClass(className string, topology Topology, mode storagev1.VolumeBindingMode) *storagev1.StorageClass {
	retain := corev1.PersistentVolumeReclaimRetain
	return &storagev1.StorageClass{
		TypeMeta:          metav1.TypeMeta{APIVersion: storagev1.SchemeGroupVersion.String(), Kind: "StorageClass"},
		ObjectMeta:        metav1.ObjectMeta{Name: className},
		Provisioner:       name,
		Parameters:        map[string]string{parameter: string(topology)},
		ReclaimPolicy:     &retain,
		VolumeBindingMode: &mode,
	}
}
