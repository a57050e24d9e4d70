package kubeblocks

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
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

// ErrNotInstalled is the error of an API server that does not serve KubeBlocks' kinds.
var ErrNotInstalled = errors.New(textNotInstalled)

// Discover returns the version through which Clusters are read and written: v1 where the API server serves it, else
// v1alpha1. It returns ErrNotInstalled, wrapped, when the API server serves neither completely, or no Restores.
func Discover(mapper meta.RESTMapper) (schema.GroupVersion, error) {
	if _, err := mapper.RESTMapping(DataProtectionV1alpha1.WithKind("Restore").GroupKind(), DataProtectionV1alpha1.Version); err != nil {
		if meta.IsNoMatchError(err) {
			return schema.GroupVersion{}, fmt.Errorf(textNotServed, ErrNotInstalled, "Restore")
		}
		return schema.GroupVersion{}, fmt.Errorf(textNotFound, "Restore", err)
	}
	for _, gv := range []schema.GroupVersion{AppsV1, AppsV1alpha1} {
		serves, err := servesAll(mapper, gv)
		if err != nil {
			return schema.GroupVersion{}, err
		}
		if serves {
			return gv, nil
		}
	}
	return schema.GroupVersion{}, fmt.Errorf(textNotServed, ErrNotInstalled, "Cluster")
}

// servesAll reports whether Cluster, Component and InstanceSet are served in a version of the apps group.
func servesAll(mapper meta.RESTMapper, apps schema.GroupVersion) (bool, error) {
	for _, kind := range []schema.GroupKind{
		apps.WithKind("Cluster").GroupKind(), apps.WithKind("Component").GroupKind(), {Group: workloadsGroup, Kind: "InstanceSet"},
	} {
		_, err := mapper.RESTMapping(kind, apps.Version)
		if meta.IsNoMatchError(err) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf(textNotFound, kind.Kind, err)
		}
	}
	return true, nil
}

// AddToScheme registers the views under KubeBlocks' kinds. apps is the version of the apps and workloads groups.
func AddToScheme(scheme *runtime.Scheme, apps schema.GroupVersion) {
	scheme.AddKnownTypes(apps, &Cluster{}, &ClusterList{}, &Component{}, &ComponentList{})
	metav1.AddToGroupVersion(scheme, apps)
	workloads := schema.GroupVersion{Group: workloadsGroup, Version: apps.Version}
	scheme.AddKnownTypes(workloads, &InstanceSet{}, &InstanceSetList{})
	metav1.AddToGroupVersion(scheme, workloads)
	scheme.AddKnownTypes(DataProtectionV1alpha1, &Restore{}, &RestoreList{}, &Backup{}, &BackupList{})
	metav1.AddToGroupVersion(scheme, DataProtectionV1alpha1)
}
