package kubeblocks

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersions of KubeBlocks. Cluster and Component are served as v1alpha1 by 0.9, and as both from 1.0 on, where v1 is
// the stored version and a write through v1alpha1 loses fields.
var (
	AppsV1                 = schema.GroupVersion{Group: "apps.kubeblocks.io", Version: "v1"}
	AppsV1alpha1           = schema.GroupVersion{Group: "apps.kubeblocks.io", Version: "v1alpha1"}
	DataProtectionV1alpha1 = schema.GroupVersion{Group: "dataprotection.kubeblocks.io", Version: "v1alpha1"}
)

// workloadsGroup is the group of InstanceSet, which is served in the same versions as Cluster.
const workloadsGroup = "workloads.kubeblocks.io"

// ErrNotInstalled says that the API server answers, and does not serve KubeBlocks' kinds.
var ErrNotInstalled = errors.New("KubeBlocks is not installed in the API server")

// Discover returns the version through which Clusters are read and written: v1 where the API server serves it, else
// v1alpha1. It returns ErrNotInstalled, wrapped, when the API server serves neither with all that belongs to it, or no Restores.
func Discover(mapper meta.RESTMapper) (schema.GroupVersion, error) {
	if _, err := mapper.RESTMapping(DataProtectionV1alpha1.WithKind("Restore").GroupKind(), DataProtectionV1alpha1.Version); err != nil {
		if meta.IsNoMatchError(err) {
			return schema.GroupVersion{}, fmt.Errorf("%w: it serves no Restore", ErrNotInstalled)
		}
		return schema.GroupVersion{}, fmt.Errorf("find KubeBlocks' Restore in the API server: %w", err)
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
	return schema.GroupVersion{}, fmt.Errorf("%w: it serves no Cluster", ErrNotInstalled)
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
			return false, fmt.Errorf("find KubeBlocks' %s in the API server: %w", kind.Kind, err)
		}
	}
	return true, nil
}

// AddToScheme registers the views under KubeBlocks' kinds, those of the apps and workloads groups under the given version of apps.
func AddToScheme(scheme *runtime.Scheme, apps schema.GroupVersion) {
	scheme.AddKnownTypes(apps, &Cluster{}, &ClusterList{}, &Component{}, &ComponentList{})
	metav1.AddToGroupVersion(scheme, apps)
	workloads := schema.GroupVersion{Group: workloadsGroup, Version: apps.Version}
	scheme.AddKnownTypes(workloads, &InstanceSet{}, &InstanceSetList{})
	metav1.AddToGroupVersion(scheme, workloads)
	scheme.AddKnownTypes(DataProtectionV1alpha1, &Restore{}, &RestoreList{}, &Backup{}, &BackupList{})
	metav1.AddToGroupVersion(scheme, DataProtectionV1alpha1)
}
