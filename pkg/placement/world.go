package placement

import (
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// World is what a scheduler knows when it looks for a node. Nothing in it is changed by this package.
type World struct {
	Nodes []corev1.Node
	// Pods are all Pods that have not ended. Those with a nodeName take part in the rules of others; the rest wait.
	Pods        []Pod
	Namespaces  []corev1.Namespace
	Claims      []corev1.PersistentVolumeClaim
	Volumes     []corev1.PersistentVolume
	Classes     []storagev1.StorageClass
	CSINodes    []storagev1.CSINode
	CSIDrivers  []storagev1.CSIDriver
	CSICapacity []storagev1.CSIStorageCapacity
	Quotas      []corev1.ResourceQuota
	// Unread are the kinds that could not be read, by resource name, with the reason in words. A verdict that depends on one is marked.
	Unread map[string]string
}
