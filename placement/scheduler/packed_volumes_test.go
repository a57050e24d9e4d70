package scheduler

import (
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/rehome-operator/rehome/pkg/placement"
)

func mountClaim(name string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "data", VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name},
		}})
	}
}

// addClaim adds a claim of a Pod, and its volume.
func addClaim(w *placement.World, name, pod string, mode corev1.PersistentVolumeAccessMode) {
	claim := corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Annotations: map[string]string{"pv.kubernetes.io/bind-completed": "yes"}},
		Spec:       corev1.PersistentVolumeClaimSpec{VolumeName: "pv-" + name, AccessModes: []corev1.PersistentVolumeAccessMode{mode}},
		Status:     corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound},
	}
	if pod != "" {
		claim.OwnerReferences = []metav1.OwnerReference{{Kind: "Pod", Name: pod, UID: podNamed(pod).UID, Controller: ptr.To(true)}}
	}
	w.Claims = append(w.Claims, claim)
	w.Volumes = append(w.Volumes, corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: claim.Spec.VolumeName},
		Spec: corev1.PersistentVolumeSpec{PersistentVolumeSource: corev1.PersistentVolumeSource{
			CSI: &corev1.CSIPersistentVolumeSource{Driver: "disk", VolumeHandle: name},
		}},
	})
}

// volumeFields are the volumes that count, or that no two Pods can have.
func volumeFields() []readField {
	// The nodes can have one volume of a driver.
	limit := func(w *placement.World) {
		for i := range w.Nodes {
			w.CSINodes = append(w.CSINodes, storagev1.CSINode{
				ObjectMeta: metav1.ObjectMeta{Name: w.Nodes[i].Name},
				Spec: storagev1.CSINodeSpec{Drivers: []storagev1.CSINodeDriver{{
					Name: "disk", NodeID: w.Nodes[i].Name, Allocatable: &storagev1.VolumeNodeResources{Count: ptr.To[int32](1)},
				}}},
			})
		}
		addClaim(w, "own", "", corev1.ReadWriteOnce)
		addClaim(w, "data", "", corev1.ReadWriteOnce)
		for i := range w.Pods {
			addClaim(w, w.Pods[i].Name()+"-scratch", w.Pods[i].Name(), corev1.ReadWriteOnce)
		}
	}
	disk := func(p *corev1.Pod) {
		p.Spec.Volumes = []corev1.Volume{{Name: "disk", VolumeSource: corev1.VolumeSource{
			GCEPersistentDisk: &corev1.GCEPersistentDiskVolumeSource{PDName: "disk"},
		}}}
	}
	return []readField{
		{name: "claims, which have a limit", add: mountClaim("data"), asks: mountClaim("own"), world: limit},
		{name: "claims of one Pod only", add: mountClaim("single"), asks: mountClaim("single"), world: func(w *placement.World) {
			addClaim(w, "single", "", corev1.ReadWriteOncePod)
		}},
		{name: "ephemeral volumes", asks: mountClaim("own"), world: limit, add: func(p *corev1.Pod) {
			p.Spec.Volumes = []corev1.Volume{{Name: "scratch", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}}}
		}},
		{name: "inline volumes", add: disk, asks: disk},
	}
}
