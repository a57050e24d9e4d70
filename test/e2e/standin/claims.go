package standin

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// volume is the name of the volume of a database Pod.
const volume = "data"

// restoreKey is the prefix of the annotations that name the source of a claim.
const restoreKey = "apps.kubeblocks.io/restore-"

// createClaim creates the claim of a Pod. That of a Cluster with spec.restore is to be filled from a Backup. The API server drops a
// reference to another namespace.
func (k *KubeBlocks) createClaim(
	ctx context.Context, cluster *unstructured.Unstructured, c component, owner *unstructured.Unstructured, pod *corev1.Pod,
) error {
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{
		Namespace: k.namespace, Name: volume + "-" + pod.Name, Labels: maps.Clone(pod.Labels), OwnerReferences: controlledBy(owner),
	}}
	claim.Labels["apps.kubeblocks.io/vct-name"] = volume
	if len(c.VolumeClaimTemplates) != 1 {
		return fmt.Errorf("component %s has %d volumes, and not one", c.Name, len(c.VolumeClaimTemplates))
	}
	class, _, err := unstructured.NestedString(c.VolumeClaimTemplates[0], "spec", "storageClassName")
	if err != nil {
		return err
	}
	claim.Spec = claimSpec(class)
	source, found, err := unstructured.NestedStringMap(cluster.Object, "spec", "restore", "source")
	if err != nil {
		return err
	}
	if found {
		claim.Annotations = map[string]string{restoreKey + "component": c.Name, restoreKey + "volume-template": volume}
		for field, key := range map[string]string{"apiGroup": "api-group", "kind": "kind", "name": "name", "namespace": "namespace"} {
			claim.Annotations[restoreKey+"source-"+key] = source[field]
		}
		claim.Spec.DataSourceRef = &corev1.TypedObjectReference{APIGroup: new(source["apiGroup"]), Kind: source["kind"], Name: source["name"]}
		if source["namespace"] != k.namespace {
			claim.Spec.DataSourceRef.Namespace = new(source["namespace"])
		}
	}
	return k.client.Create(ctx, claim)
}

func claimSpec(class string) corev1.PersistentVolumeClaimSpec {
	return corev1.PersistentVolumeClaimSpec{
		StorageClassName: &class,
		AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources: corev1.VolumeResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
		},
	}
}

// isPopulated reports whether a claim is to be filled from a Backup.
func isPopulated(claim *corev1.PersistentVolumeClaim) bool {
	ref := claim.Spec.DataSourceRef
	return ref != nil && ref.Kind == "Backup" && ref.APIGroup != nil && *ref.APIGroup == kubeblocks.DataProtectionV1alpha1.Group
}
