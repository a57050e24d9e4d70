package testing

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

func newObject(gvk schema.GroupVersionKind, namespace, name string) *unstructured.Unstructured {
	obj := &unstructured.Unstructured{}
	obj.SetGroupVersionKind(gvk)
	obj.SetNamespace(namespace)
	obj.SetName(name)
	return obj
}

// set sets a field. An impossible path is a mistake in a test, so it panics.
func set(obj *unstructured.Unstructured, value any, path ...string) {
	if err := unstructured.SetNestedField(obj.Object, value, path...); err != nil {
		panic(err)
	}
}

func setAnnotation(obj *unstructured.Unstructured, key, value string) {
	set(obj, value, "metadata", "annotations", key)
}

func setLabel(obj *unstructured.Unstructured, key, value string) {
	set(obj, value, "metadata", "labels", key)
}

// ClusterWrapper builds a Cluster.
type ClusterWrapper struct {
	generation Generation
	obj        *unstructured.Unstructured
}

// MakeCluster starts a Cluster of a generation of KubeBlocks, with its mark.
func MakeCluster(g Generation, namespace, name string) *ClusterWrapper {
	w := &ClusterWrapper{g, newObject(g.Apps.WithKind("Cluster"), namespace, name)}
	if !g.Unmarked {
		w.Annotation(kubeblocks.AnnotationCRDAPIVersion, g.Apps.String())
	}
	return w
}

// Obj returns the Cluster.
func (w *ClusterWrapper) Obj() *unstructured.Unstructured { return w.obj }

// Annotation sets an annotation.
func (w *ClusterWrapper) Annotation(key, value string) *ClusterWrapper {
	setAnnotation(w.obj, key, value)
	return w
}

// RestoredFrom names the Backup of a component, in the Cluster's namespace. From KubeBlocks 1.2 on it is that of all components.
func (w *ClusterWrapper) RestoredFrom(component, backup string) *ClusterWrapper {
	if w.generation.Served().OnlyV1 {
		return w.Source(w.obj.GetNamespace(), backup)
	}
	return w.Annotation(kubeblocks.AnnotationRestoreFromBackup,
		fmt.Sprintf(`{%q:{"name":%q,"namespace":%q,"volumeRestorePolicy":"Parallel"}}`, component, backup, w.obj.GetNamespace()))
}

// Source names the Backup in the spec, as from KubeBlocks 1.2 on.
func (w *ClusterWrapper) Source(namespace, backup string) *ClusterWrapper {
	set(w.obj, map[string]any{"source": map[string]any{
		"apiGroup": kubeblocks.DataProtectionV1alpha1.Group, "kind": "Backup", "name": backup, "namespace": namespace,
	}}, "spec", "restore")
	return w
}

// Spec replaces the spec.
func (w *ClusterWrapper) Spec(spec map[string]any) *ClusterWrapper {
	set(w.obj, spec, "spec")
	return w
}

// Component adds a component with a scheduling policy.
func (w *ClusterWrapper) Component(name string, policy map[string]any) *ClusterWrapper {
	specs, _, _ := unstructured.NestedSlice(w.obj.Object, "spec", "componentSpecs")
	set(w.obj, append(specs, map[string]any{"name": name, "schedulingPolicy": policy}), "spec", "componentSpecs")
	return w
}

// ComponentWrapper builds a Component.
type ComponentWrapper struct{ obj *unstructured.Unstructured }

// MakeComponent starts the Component that KubeBlocks creates for a component of an existing Cluster.
func MakeComponent(cluster *unstructured.Unstructured, component string) *ComponentWrapper {
	gvk := cluster.GroupVersionKind().GroupVersion().WithKind("Component")
	w := &ComponentWrapper{newObject(gvk, cluster.GetNamespace(), cluster.GetName()+"-"+component)}
	setLabel(w.obj, kubeblocks.LabelInstance, cluster.GetName())
	setLabel(w.obj, kubeblocks.LabelComponentName, component)
	w.obj.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(cluster, cluster.GroupVersionKind())})
	return w
}

// Obj returns the Component.
func (w *ComponentWrapper) Obj() *unstructured.Unstructured { return w.obj }

// Policy sets the scheduling policy.
func (w *ComponentWrapper) Policy(policy map[string]any) *ComponentWrapper {
	set(w.obj, policy, "spec", "schedulingPolicy")
	return w
}

// InstanceSetWrapper builds an InstanceSet.
type InstanceSetWrapper struct{ obj *unstructured.Unstructured }

// MakeInstanceSet starts the InstanceSet that KubeBlocks creates for an existing Component. Its template has the Component's
// rules.
func MakeInstanceSet(g Generation, component *unstructured.Unstructured) *InstanceSetWrapper {
	w := &InstanceSetWrapper{newObject(g.Workloads().WithKind("InstanceSet"), component.GetNamespace(), component.GetName())}
	for key, value := range component.GetLabels() {
		setLabel(w.obj, key, value)
	}
	w.obj.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(component, component.GroupVersionKind())})
	policy, _, _ := unstructured.NestedMap(component.Object, "spec", "schedulingPolicy")
	set(w.obj, policy, "spec", "template", "spec")
	return w
}

// Obj returns the InstanceSet.
func (w *InstanceSetWrapper) Obj() *unstructured.Unstructured { return w.obj }

// Replicas sets the number of Pods.
func (w *InstanceSetWrapper) Replicas(n int64) *InstanceSetWrapper {
	set(w.obj, n, "spec", "replicas")
	return w
}

// OnDelete sets the update strategy with which KubeBlocks replaces no Pods.
func (w *InstanceSetWrapper) OnDelete() *InstanceSetWrapper {
	set(w.obj, "OnDelete", "spec", "instanceUpdateStrategy", "type")
	return w
}

// MakeInstance returns the Instance from which KubeBlocks creates one Pod of an existing InstanceSet, with the rules of its template.
func MakeInstance(set *unstructured.Unstructured, pod *corev1.Pod) *unstructured.Unstructured {
	obj := newObject(set.GroupVersionKind().GroupVersion().WithKind("Instance"), set.GetNamespace(), pod.Name)
	obj.SetLabels(pod.Labels)
	obj.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(set, set.GroupVersionKind())})
	rules, _, _ := unstructured.NestedMap(set.Object, "spec", "template", "spec")
	obj.Object["spec"] = map[string]any{
		"template": map[string]any{"spec": rules}, "instanceSetName": set.GetName(),
		"instanceTemplateName": pod.Labels[kubeblocks.LabelInstanceTemplate],
	}
	return obj
}

// RestoreWrapper builds a Restore.
type RestoreWrapper struct{ obj *unstructured.Unstructured }

// MakeRestore starts a Restore of stage prepareData.
func MakeRestore(namespace, name string) *RestoreWrapper {
	w := &RestoreWrapper{newObject(kubeblocks.DataProtectionV1alpha1.WithKind("Restore"), namespace, name)}
	set(w.obj, map[string]any{"restoreVolumePolicy": "Parallel"}, "spec", "prepareDataConfig")
	w.obj.SetFinalizers([]string{kubeblocks.Finalizer})
	return w
}

// Obj returns the Restore.
func (w *RestoreWrapper) Obj() *unstructured.Unstructured { return w.obj }

// Of makes an existing Component the owner.
func (w *RestoreWrapper) Of(component *unstructured.Unstructured) *RestoreWrapper {
	for key, value := range component.GetLabels() {
		w.Label(key, value)
	}
	w.obj.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(component, component.GroupVersionKind())})
	return w
}

// Label sets a label.
func (w *RestoreWrapper) Label(key, value string) *RestoreWrapper {
	setLabel(w.obj, key, value)
	return w
}

// Backup names the Backup, in the Restore's own namespace.
func (w *RestoreWrapper) Backup(name string) *RestoreWrapper {
	set(w.obj, map[string]any{"name": name, "namespace": w.obj.GetNamespace()}, "spec", "backup")
	return w
}

// Policy sets the scheduling policy of the Restore's Pods.
func (w *RestoreWrapper) Policy(policy map[string]any) *RestoreWrapper {
	set(w.obj, policy, "spec", "prepareDataConfig", "schedulingSpec")
	return w
}

// Stale sets a policy that names the source.
func (w *RestoreWrapper) Stale(source string) *RestoreWrapper { return w.Policy(Apart(source)) }

// PostReady makes it a Restore of stage postReady.
func (w *RestoreWrapper) PostReady() *RestoreWrapper {
	unstructured.RemoveNestedField(w.obj.Object, "spec", "prepareDataConfig")
	return w
}

// DataSourceRef makes it a Restore of a single volume.
func (w *RestoreWrapper) DataSourceRef(kind, name string) *RestoreWrapper {
	set(w.obj, map[string]any{"kind": kind, "name": name}, "spec", "prepareDataConfig", "dataSourceRef")
	return w
}

// BackupWrapper builds a Backup.
type BackupWrapper struct{ obj *unstructured.Unstructured }

// MakeBackup starts a Backup without a snapshot.
func MakeBackup(namespace, name string) *BackupWrapper {
	return &BackupWrapper{newObject(kubeblocks.DataProtectionV1alpha1.WithKind("Backup"), namespace, name)}
}

// Obj returns the Backup.
func (w *BackupWrapper) Obj() *unstructured.Unstructured { return w.obj }

// Of sets the snapshot and labels of a Cluster, as KubeBlocks does.
func (w *BackupWrapper) Of(cluster *unstructured.Unstructured) *BackupWrapper {
	snapshot, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"name": cluster.GetName(), "namespace": cluster.GetNamespace()},
		"spec":     cluster.Object["spec"],
	})
	if err != nil {
		panic(err)
	}
	setLabel(w.obj, kubeblocks.LabelInstance, cluster.GetName())
	setLabel(w.obj, kubeblocks.LabelBackupClusterUID, string(cluster.GetUID()))
	return w.Snapshot(string(snapshot))
}

// Snapshot sets the annotation of the snapshot to any text.
func (w *BackupWrapper) Snapshot(text string) *BackupWrapper {
	setAnnotation(w.obj, kubeblocks.AnnotationClusterSnapshot, text)
	return w
}
