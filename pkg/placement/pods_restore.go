package placement

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// labelClaimTemplate, on a claim and its restore Pod, names the volume.
const labelClaimTemplate = "apps.kubeblocks.io/vct-name"

// restore returns the Pod that writes the volumes of an instance, given the claims of its database Pod. It is false where the volumes
// are not restored, or not by such a Pod.
func (i instance) restore(claims []corev1.PersistentVolumeClaim) (corev1.Pod, bool) {
	if i.restored.Unprepared || !i.restored.Version.RestoresByJobs() || !i.backedUp() {
		return corev1.Pod{}, false
	}
	pod := newPod(i.restored.Cluster.Metadata.Namespace, "restore-preparedata-"+i.workload()+"-"+i.suffix)
	pod.Labels = i.restoreLabels()
	restored := 0
	for c := range claims {
		name := claims[c].Labels[labelClaimTemplate]
		if i.restored.Volumes != nil && !slices.Contains(i.restored.Volumes, name) {
			continue
		}
		mount(&pod, claims[c].Name)
		if restored++; restored == 1 && i.restored.Version.LabelsRestorePods() {
			pod.Labels[labelClaimTemplate] = name
		}
	}
	// KubeBlocks limits restore containers to 0, so that they request nothing.
	none := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("0"), corev1.ResourceMemory: resource.MustParse("0")}
	pod.Spec.Containers = []corev1.Container{{Name: "restore", Resources: corev1.ResourceRequirements{Limits: none, Requests: none}}}
	var template *kubeblocks.PodPolicy
	if i.template != nil {
		template = i.template.SchedulingPolicy
	}
	i.schedule(&pod, i.restored.Version.RestorePolicy(i.componentPolicy(), template))
	return pod, restored > 0
}

// restoreLabels returns the labels of the Pod that writes the volumes. From KubeBlocks 1.0 on it has those of their claims.
func (i instance) restoreLabels() map[string]string {
	labels := map[string]string{kubeblocks.LabelInstance: i.restored.Cluster.Metadata.Name, kubeblocks.LabelComponentName: i.name}
	if i.restored.Version.LabelsRestorePods() {
		labels = i.databaseLabels(i.workload()+"-"+i.suffix, i.spec.Labels)
		delete(labels, kubeblocks.LabelInstanceTemplate)
		if i.template != nil {
			labels[kubeblocks.LabelInstanceTemplate] = i.template.Name
		}
	}
	labels[kubeblocks.LabelManagedBy] = kubeblocks.ManagedByDataProtection
	labels[kubeblocks.LabelRestore] = i.workload() + "-preparedata"
	return labels
}
