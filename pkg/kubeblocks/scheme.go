package kubeblocks

import (
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersions of KubeBlocks. 0.9 serves Cluster and Component as v1alpha1. From 1.0 on both versions are served, v1 is
// stored, and a write through v1alpha1 loses fields.
var (
	AppsV1                 = schema.GroupVersion{Group: "apps.kubeblocks.io", Version: "v1"}
	AppsV1alpha1           = schema.GroupVersion{Group: "apps.kubeblocks.io", Version: "v1alpha1"}
	DataProtectionV1alpha1 = schema.GroupVersion{Group: "dataprotection.kubeblocks.io", Version: "v1alpha1"}
)

// workloadsGroup is the group of InstanceSet, which is served in the same versions as Cluster.
const workloadsGroup = "workloads.kubeblocks.io"

// workloads returns the version of the workloads group beside a version of the apps group.
func workloads(apps schema.GroupVersion) schema.GroupVersion {
	return schema.GroupVersion{Group: workloadsGroup, Version: apps.Version}
}

// ErrNotInstalled is the error of an API server that does not serve KubeBlocks' kinds.
var ErrNotInstalled = errors.New(textNotInstalled)

// AddToScheme registers the views under KubeBlocks' kinds. apps is the version of the apps and workloads groups.
func AddToScheme(scheme *runtime.Scheme, apps schema.GroupVersion) {
	scheme.AddKnownTypes(apps, &Cluster{}, &ClusterList{}, &Component{}, &ComponentList{})
	metav1.AddToGroupVersion(scheme, apps)
	scheme.AddKnownTypes(workloads(apps), &InstanceSet{}, &InstanceSetList{}, &Instance{}, &InstanceList{})
	metav1.AddToGroupVersion(scheme, workloads(apps))
	scheme.AddKnownTypes(DataProtectionV1alpha1, &Restore{}, &RestoreList{}, &Backup{}, &BackupList{})
	metav1.AddToGroupVersion(scheme, DataProtectionV1alpha1)
}
