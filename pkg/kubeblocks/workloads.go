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

// Finalizer blocks the deletion of a Restore, and of each of its Jobs, until KubeBlocks has cleaned up.
const Finalizer = "dataprotection.kubeblocks.io/finalizer"

// HasFinalizer reports whether KubeBlocks blocks the deletion of an object.
func HasFinalizer(obj client.Object) bool { return controllerutil.ContainsFinalizer(obj, Finalizer) }

// IsDatabasePod reports whether a Pod of a component is no Pod of a backup or restore.
func IsDatabasePod(p *corev1.Pod) bool { return p.Labels[LabelManagedBy] != ManagedByDataProtection }

// TemplateOf returns the instance template of a workload's Pod, or an empty string. The Pod is named
// workload-template-ordinal or workload-ordinal.
func TemplateOf(pod, workload string) string {
	rest, ok := strings.CutPrefix(pod, workload+"-")
	i := strings.LastIndexByte(rest, '-')
	if !ok || i < 0 {
		return ""
	}
	return rest[:i]
}

// KeepsPending returns why KubeBlocks does not replace an outdated Pending Pod of an InstanceSet; empty where it does. apps is
// the version of Clusters, pods the number of existing Pods.
func KeepsPending(apps schema.GroupVersion, s *InstanceSet, pods int) string {
	switch {
	case apps == AppsV1alpha1:
		return textBefore094 // the patch version is unknown, so KubeBlocks can delete the Pod too
	case s.Spec.UpdateStrategy != nil && s.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType:
		return textOnDelete
	case s.Spec.Replicas != nil && pods < int(*s.Spec.Replicas):
		return textNotAll
	default:
		return ""
	}
}

// WaitingFor returns why a bound Pod makes no progress; empty where it does.
func WaitingFor(p *corev1.Pod) string {
	for _, c := range p.Status.ContainerStatuses {
		if c.State.Waiting != nil && c.State.Waiting.Reason != "" {
			return c.State.Waiting.Reason
		}
		// From 1.0.2 on, another container keeps the Pod alive.
		if done := c.State.Terminated; c.Name == "restore" && done != nil && done.ExitCode == 0 && p.Status.Phase == corev1.PodRunning {
			return textWaitsForOther
		}
	}
	return ""
}

// BindsLate reports whether a class binds volumes when the first Pod with them is scheduled.
func BindsLate(c *storagev1.StorageClass) bool {
	return c.VolumeBindingMode != nil && *c.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
}
