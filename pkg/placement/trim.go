package placement

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Trim drops from a Pod that runs what neither a scheduler nor this package reads: a large cluster has very many of them. A Pod that waits
// stays whole.
func Trim(pod *corev1.Pod) {
	if Waits(pod) {
		return
	}
	pod.Annotations, pod.ManagedFields, pod.Finalizers = nil, nil, nil
	pod.Spec.Volumes = slices.Clip(slices.DeleteFunc(pod.Spec.Volumes, isLocal))
	pod.Spec.ImagePullSecrets, pod.Spec.SecurityContext, pod.Spec.DNSConfig, pod.Spec.HostAliases = nil, nil, nil, nil
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			trimContainer(&containers[i])
		}
	}
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range statuses {
			s := &statuses[i]
			s.ImageID, s.ContainerID, s.LastTerminationState, s.VolumeMounts, s.User = "", "", corev1.ContainerState{}, nil, nil
		}
	}
}

// isLocal reports whether a volume is made on the node of its Pod, from nothing that is scheduled.
func isLocal(v corev1.Volume) bool {
	return v.EmptyDir != nil || v.ConfigMap != nil || v.Secret != nil || v.Projected != nil || v.DownwardAPI != nil
}

// trimContainer keeps what a container requests, its ports and its image, which a scheduler scores.
func trimContainer(c *corev1.Container) {
	c.Command, c.Args, c.Env, c.EnvFrom = nil, nil, nil, nil
	c.VolumeMounts, c.VolumeDevices = nil, nil
	c.LivenessProbe, c.ReadinessProbe, c.StartupProbe, c.Lifecycle, c.SecurityContext = nil, nil, nil, nil, nil
}
