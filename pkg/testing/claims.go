package testing

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// ClaimWrapper builds the volume claim of a database Pod, in the shapes of KubeBlocks 1.2.
type ClaimWrapper struct{ obj *corev1.PersistentVolumeClaim }

// MakeClaim starts the claim of a database Pod. The Pod's controller controls it.
func MakeClaim(pod *corev1.Pod) *ClaimWrapper {
	w := &ClaimWrapper{&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{
		Namespace: pod.Namespace, Name: "data-" + pod.Name,
		Labels: maps.Clone(pod.Labels), Annotations: map[string]string{}, OwnerReferences: pod.OwnerReferences,
	}}}
	w.obj.Labels["apps.kubeblocks.io/vct-name"] = "data"
	w.obj.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	w.obj.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	w.obj.Status.Phase = corev1.ClaimPending
	return w
}

// From has the claim filled from a Backup.
func (w *ClaimWrapper) From(namespace, backup string) *ClaimWrapper {
	for key, value := range map[string]string{
		"source-api-group": kubeblocks.DataProtectionV1alpha1.Group, "source-kind": "Backup", "source-name": backup,
		"source-namespace": namespace, "component": w.obj.Labels[kubeblocks.LabelComponentName], "volume-template": "data",
	} {
		w.obj.Annotations["apps.kubeblocks.io/restore-"+key] = value
	}
	w.obj.Spec.DataSourceRef = &corev1.TypedObjectReference{
		APIGroup: ptr.To(kubeblocks.DataProtectionV1alpha1.Group), Kind: "Backup", Name: backup,
	}
	return w
}

// LostSource drops the reference to the Backup, as the API server does with one to another Namespace.
func (w *ClaimWrapper) LostSource() *ClaimWrapper {
	w.obj.Spec.DataSourceRef = nil
	return w
}

// Selected has the scheduler select a node for the claim, where KubeBlocks then restores the volume.
func (w *ClaimWrapper) Selected(node string) *ClaimWrapper {
	w.obj.Annotations["volume.kubernetes.io/selected-node"] = node
	w.obj.Finalizers = []string{kubeblocks.Finalizer}
	w.obj.Status.Conditions = []corev1.PersistentVolumeClaimCondition{
		{Type: "Populating", Status: corev1.ConditionTrue, Reason: "Processing"},
		{Type: "Restore", Status: corev1.ConditionUnknown, Reason: "Processing"},
	}
	return w
}

// Obj returns the claim.
func (w *ClaimWrapper) Obj() *corev1.PersistentVolumeClaim { return w.obj }
