package kubeblocks

import (
	"encoding/json"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Version is a release series of KubeBlocks, as far as the form of a Cluster to create depends on it.
type Version string

// The versions of KubeBlocks.
const (
	V09 Version = "0.9"
	V10 Version = "1.0"
	V11 Version = "1.1"
	V12 Version = "1.2"
)

// Versions lists the versions, the oldest first.
func Versions() []Version { return []Version{V09, V10, V11, V12} }

// Apps is the version of the apps group to create a Cluster in.
func (v Version) Apps() schema.GroupVersion {
	if v == V09 {
		return AppsV1alpha1
	}
	return AppsV1
}

// Serves reports whether the API server accepts a Cluster of this apiVersion.
func (v Version) Serves(apiVersion string) bool {
	switch apiVersion {
	case AppsV1.String():
		return v != V09
	case AppsV1alpha1.String():
		return v != V12
	}
	return false
}

// NeedsMark reports whether KubeBlocks ignores a Cluster without AnnotationCRDAPIVersion.
func (v Version) NeedsMark() bool { return v == V10 || v == V11 }

// RestoresBySpec reports whether spec.restore names the Backup of a Cluster. Before 1.2, AnnotationRestoreFromBackup does.
func (v Version) RestoresBySpec() bool { return v == V12 }

// CreatesServiceAccounts reports whether KubeBlocks creates the service account that a component names. Later versions wait for it.
func (v Version) CreatesServiceAccounts() bool { return v == V09 }

// VersionServing returns the oldest version that serves Clusters as v1, v1alpha1 or both. It is empty if neither is served.
func VersionServing(v1, v1alpha1 bool) Version {
	switch {
	case v1 && v1alpha1:
		return V10
	case v1:
		return V12
	case v1alpha1:
		return V09
	}
	return ""
}

// The fields of a Cluster's spec that only one version has, and those that came with v1.
var (
	fieldsOfV09 = []string{
		"clusterDefinitionRef", "clusterVersionRef", "shardingSpecs", "affinity", "tolerations", "tenancy", "availabilityPolicy",
	}
	fieldsOfV1 = []string{"shardings", "clusterDef"}
)

// annotationsOfV12 are those that KubeBlocks 1.2 gives each Cluster.
var annotationsOfV12 = []string{"parameters.kubeblocks.io/legacy-config-manager-required", "operations.kubeblocks.io/ops-uid"}

// VersionOfSnapshot is VersionOfCluster for a Cluster in JSON.
func VersionOfSnapshot(snapshot []byte) Version {
	var cluster map[string]any
	if err := json.Unmarshal(snapshot, &cluster); err != nil {
		return ""
	}
	return VersionOfCluster(cluster)
}

// VersionOfCluster returns the version of KubeBlocks that a Cluster is from, as far as its form shows it: V10 stands for 1.1 too. It
// is empty where the form does not show it.
func VersionOfCluster(cluster map[string]any) Version {
	apiVersion, annotations, spec := get[string](cluster, "apiVersion"), annotationsOf(cluster), get[map[string]any](cluster, "spec")
	hasField := func(name string) bool { _, ok := spec[name]; return ok }
	hasAnnotation := func(key string) bool { _, ok := annotations[key]; return ok }
	mark := get[string](annotations, AnnotationCRDAPIVersion)
	switch {
	case hasField("restore"), slices.ContainsFunc(annotationsOfV12, hasAnnotation):
		return V12
	case mark == AppsV1.String():
		return V10
	case mark == AppsV1alpha1.String(), apiVersion == AppsV1alpha1.String(), slices.ContainsFunc(fieldsOfV09, hasField):
		return V09
	case apiVersion == AppsV1.String(), slices.ContainsFunc(fieldsOfV1, hasField):
		return V12 // v1 without a mark
	}
	return ""
}

// Ignores reports whether this version ignores a Cluster that was made from a snapshot as its own version restores it: the reference to
// the Backup, so that the database starts empty, or the whole Cluster. It is false where the snapshot does not show its version.
func (v Version) Ignores(cluster map[string]any) bool {
	from := VersionOfCluster(cluster)
	if v == "" || from == "" {
		return false
	}
	switch v {
	case V09:
		return from != V09 // it serves no v1: it ignores a mark of v1, and the API server prunes spec.restore
	case V12:
		return !from.RestoresBySpec()
	default:
		return from.RestoresBySpec() || get[string](annotationsOf(cluster), AnnotationCRDAPIVersion) == AppsV1alpha1.String()
	}
}

func annotationsOf(cluster map[string]any) map[string]any {
	return get[map[string]any](get[map[string]any](cluster, "metadata"), "annotations")
}
