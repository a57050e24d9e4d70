package kubeblocks

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Served is which of KubeBlocks' kinds the API server serves. It shows the version of KubeBlocks.
type Served struct {
	// Apps is the version through which Clusters are read and written: v1 where it is served, else v1alpha1.
	Apps schema.GroupVersion
	// OnlyV1 says that v1alpha1 of Clusters is not served, as from KubeBlocks 1.2 on. That version marks no Clusters, and does not
	// read AnnotationRestoreFromBackup.
	OnlyV1 bool
	// Instances says that the Instance API is served, as from KubeBlocks 1.1 on.
	Instances bool
}

// Discover returns what the API server serves. It returns ErrNotInstalled, wrapped, when that is no Restores, or neither v1 nor
// v1alpha1 of the other kinds.
func Discover(mapper meta.RESTMapper) (Served, error) {
	restores, err := serves(mapper, DataProtectionV1alpha1.WithKind("Restore"))
	if err != nil {
		return Served{}, err
	}
	if !restores {
		return Served{}, fmt.Errorf(textNotServed, ErrNotInstalled, "Restore")
	}
	for _, apps := range []schema.GroupVersion{AppsV1, AppsV1alpha1} {
		all, err := servesAll(mapper, apps)
		if err != nil {
			return Served{}, err
		}
		if all {
			return discover(mapper, apps)
		}
	}
	return Served{}, fmt.Errorf(textNotServed, ErrNotInstalled, "Cluster")
}

// discover completes Served for the version through which Clusters are read and written.
func discover(mapper meta.RESTMapper, apps schema.GroupVersion) (Served, error) {
	old, err := serves(mapper, AppsV1alpha1.WithKind("Cluster"))
	if err != nil {
		return Served{}, err
	}
	instances, err := serves(mapper, workloads(apps).WithKind(kindInstance))
	return Served{Apps: apps, OnlyV1: !old, Instances: instances}, err
}

// servesAll reports whether Cluster, Component and InstanceSet are served in a version of the apps group.
func servesAll(mapper meta.RESTMapper, apps schema.GroupVersion) (bool, error) {
	for _, kind := range []schema.GroupVersionKind{
		apps.WithKind("Cluster"), apps.WithKind("Component"), workloads(apps).WithKind("InstanceSet"),
	} {
		if served, err := serves(mapper, kind); err != nil || !served {
			return false, err
		}
	}
	return true, nil
}

func serves(mapper meta.RESTMapper, kind schema.GroupVersionKind) (bool, error) {
	_, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf(textNotFound, kind.Kind, err)
	}
	return true, nil
}

// Version is the oldest one that serves these kinds.
func (s Served) Version() Version {
	return VersionServing(s.Apps == AppsV1, s.Apps == AppsV1alpha1 || !s.OnlyV1)
}

// Owns reports whether the installed KubeBlocks works on a Cluster. KubeBlocks up to 1.1 ignores a Cluster with the mark of another
// generation. KubeBlocks 1.2 marks none, and works on those without a mark.
func (s Served) Owns(c *Cluster) bool {
	if s.OnlyV1 && c.Annotations[AnnotationCRDAPIVersion] == "" {
		return true
	}
	return GenerationOf(c.Annotations) == s.Apps.String()
}
