package kubeblocks

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// Finalizer blocks the deletion of a Restore, and of each of its Jobs, until KubeBlocks has cleaned up.
const Finalizer = "dataprotection.kubeblocks.io/finalizer"

// HasFinalizer reports whether KubeBlocks blocks the deletion of an object.
func HasFinalizer(obj client.Object) bool { return controllerutil.ContainsFinalizer(obj, Finalizer) }

// OfRestoreJob reports whether a Job that KubeBlocks named after a Restore controls a Pod.
func OfRestoreJob(p *corev1.Pod, r *Restore) bool {
	owner := metav1.GetControllerOf(p)
	return owner != nil && owner.Kind == "Job" && strings.HasPrefix(owner.Name, fmt.Sprintf("restore-preparedata-%.8s-", r.UID))
}

// OfWorkload reports whether an InstanceSet or Instance controls a Pod. Labels alone do not make a Pod part of a database.
func OfWorkload(p *corev1.Pod) bool {
	owner := metav1.GetControllerOf(p)
	return owner != nil && strings.HasPrefix(owner.APIVersion, workloadsGroup+"/")
}

// HasEnded reports whether a Pod has ended or is being deleted. Its successor is created from the template of that time.
func HasEnded(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed || !p.DeletionTimestamp.IsZero()
}

// InstanceSetOf returns the InstanceSet that a database Pod belongs to, or nil. From KubeBlocks 1.1 on, an Instance can stand
// between the two. It is named as the Pod, whose label names the InstanceSet.
func InstanceSetOf(p *corev1.Pod, sets []InstanceSet) *InstanceSet {
	owner := metav1.GetControllerOf(p)
	if owner == nil {
		return nil
	}
	i := slices.IndexFunc(sets, func(s InstanceSet) bool {
		return owner.UID == s.UID || owner.Kind == kindInstance && owner.Name == p.Name && p.Labels[LabelWorkload] == s.Name
	})
	if i < 0 {
		return nil
	}
	return &sets[i]
}

// ComponentOf returns the Component that owns an InstanceSet, or nil.
func ComponentOf(s *InstanceSet, components []Component) *Component {
	i := slices.IndexFunc(components, func(c Component) bool {
		return slices.ContainsFunc(s.OwnerReferences, func(o metav1.OwnerReference) bool { return o.UID == c.UID })
	})
	if i < 0 {
		return nil
	}
	return &components[i]
}

// TemplateOf returns the instance template of a workload's Pod, or an empty string. A Pod without the label is named
// workload-template-ordinal or workload-ordinal.
func TemplateOf(pod string, labels map[string]string, workload string) string {
	if template, labelled := labels[LabelInstanceTemplate]; labelled {
		return template
	}
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
