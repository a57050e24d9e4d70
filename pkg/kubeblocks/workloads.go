package kubeblocks

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// Finalizer is what holds a Restore, and each of its Jobs, until KubeBlocks has cleaned up.
const Finalizer = "dataprotection.kubeblocks.io/finalizer"

// HasFinalizer reports whether KubeBlocks holds an object back from being deleted.
func HasFinalizer(obj client.Object) bool { return controllerutil.ContainsFinalizer(obj, Finalizer) }

// IsDatabasePod tells database Pods from those of backups and restores.
func IsDatabasePod(p *corev1.Pod) bool { return p.Labels[LabelManagedBy] != ManagedByDataProtection }

// TemplateOf returns the instance template that a Pod of a workload was made of, empty where it was made of none: its name is
// workload-template-ordinal or workload-ordinal.
func TemplateOf(pod, workload string) string {
	rest, ok := strings.CutPrefix(pod, workload+"-")
	i := strings.LastIndexByte(rest, '-')
	if !ok || i < 0 {
		return ""
	}
	return rest[:i]
}

// KeepsPending says why KubeBlocks does not replace a Pod of an InstanceSet that waits for a node and is outdated; it is empty
// where KubeBlocks does. apps is the version in which KubeBlocks works with Clusters, pods the number of Pods there are.
func KeepsPending(apps schema.GroupVersion, s *InstanceSet, pods int) string {
	switch {
	case apps == AppsV1alpha1:
		return "KubeBlocks 0.9 does not before 0.9.4" // which of them runs cannot be told, and both may try
	case s.Spec.UpdateStrategy != nil && s.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType:
		return "its update strategy is OnDelete"
	case s.Spec.Replicas != nil && pods < int(*s.Spec.Replicas):
		return "not all of its Pods have been created"
	default:
		return ""
	}
}

// WaitingFor says why a bound Pod does not get on; it is empty where it does.
func WaitingFor(p *corev1.Pod) string {
	for _, c := range p.Status.ContainerStatuses {
		if c.State.Waiting != nil && c.State.Waiting.Reason != "" {
			return c.State.Waiting.Reason
		}
		// From 1.0.2 on, another container keeps the Pod alive.
		if done := c.State.Terminated; c.Name == "restore" && done != nil && done.ExitCode == 0 && p.Status.Phase == corev1.PodRunning {
			return "its data is restored, it waits for the other Pods of the Restore"
		}
	}
	return ""
}

// BindsLate reports whether a class chooses volumes where the first Pod that mounts them is scheduled.
func BindsLate(c *storagev1.StorageClass) bool {
	return c.VolumeBindingMode != nil && *c.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
}
