package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
)

// dump is a restore of my1 as carrot67 on three nodes, where my1 runs. The inherited rule refuses all of its Pods.
type dump struct {
	nodes []*corev1.Node
	pods  []*corev1.Pod
	more  []runtime.Object
}

func newDump() *dump {
	w := &dump{}
	for i, name := range []string{"node-a", "node-b", "node-c"} {
		w.nodes = append(w.nodes, &corev1.Node{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Node"},
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name, corev1.LabelTopologyZone: fmt.Sprintf("z%d", i%2)}},
			Status: corev1.NodeStatus{Allocatable: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("8"), corev1.ResourceMemory: resource.MustParse("32Gi"), corev1.ResourcePods: resource.MustParse("110"),
			}},
		})
		source := newPod(fmt.Sprintf("my1-mysql-%d", i), "my1")
		runOn(source, name)
		w.pods = append(w.pods, source)
	}
	for i := range 3 {
		pod := newPod(fmt.Sprintf("carrot67-%d", i), "carrot67")
		pod.Labels["dataprotection.kubeblocks.io/restore"] = "carrot67-restore"
		pod.Labels["app.kubernetes.io/managed-by"] = "kubeblocks-dataprotection"
		pod.Spec.Affinity = apartFrom("my1")
		w.pods = append(w.pods, pod)
	}
	cluster := func(name string) map[string]any {
		return map[string]any{
			"apiVersion": "apps.kubeblocks.io/v1", "kind": "Cluster",
			"metadata": map[string]any{"namespace": "default", "name": name, "annotations": map[string]any{
				"kubeblocks.io/crd-api-version": "apps.kubeblocks.io/v1",
			}},
			"spec": map[string]any{"componentSpecs": []any{map[string]any{
				"name": "mysql", "replicas": int64(3), "schedulingPolicy": map[string]any{"affinity": asMap(apartFrom("my1"))},
			}}},
		}
	}
	snapshot, _ := json.Marshal(cluster("my1"))
	restored := cluster("carrot67")
	restored["metadata"].(map[string]any)["annotations"].(map[string]any)["kubeblocks.io/restore-from-backup"] = `{"mysql":{"name":"bp1","namespace":"default"}}`
	w.more = append(w.more,
		&unstructured.Unstructured{Object: restored},
		&unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "dataprotection.kubeblocks.io/v1alpha1", "kind": "Backup",
			"metadata": map[string]any{
				"namespace": "default", "name": "bp1", "labels": map[string]any{"app.kubernetes.io/instance": "my1"},
				"annotations": map[string]any{"kubeblocks.io/cluster-snapshot": string(snapshot)},
			},
		}},
		emptyList("v1", "PersistentVolumeClaimList"), emptyList("v1", "PersistentVolumeList"), emptyList("v1", "ResourceQuotaList"),
		emptyList(storageV1, "StorageClassList"), emptyList(storageV1, "CSINodeList"), emptyList(storageV1, "CSIDriverList"),
		emptyList(storageV1, "CSIStorageCapacityList"),
		&corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: metav1.ObjectMeta{Name: "default"}},
	)
	return w
}

const storageV1 = "storage.k8s.io/v1"

// emptyList says that there are no objects of a kind.
func emptyList(version, kind string) runtime.Object {
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": version, "kind": kind, "items": []any{}}}
}

func asMap(object any) map[string]any {
	data, _ := json.Marshal(object)
	var out map[string]any
	_ = json.Unmarshal(data, &out)
	return out
}

func newPod(name, cluster string) *corev1.Pod {
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Labels: map[string]string{
			"app.kubernetes.io/instance": cluster, "apps.kubeblocks.io/component-name": "mysql", "app.kubernetes.io/managed-by": "kubeblocks",
		}},
		Spec:   corev1.PodSpec{SchedulerName: "default-scheduler", Containers: []corev1.Container{{Name: "main", Image: "main"}}},
		Status: corev1.PodStatus{Phase: corev1.PodPending},
	}
}

func runOn(pod *corev1.Pod, node string) {
	pod.Spec.NodeName = node
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{Name: "main"}}}
}

func unschedulable(pod *corev1.Pod, message string) {
	pod.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: message,
	}}
}

func apartFrom(cluster string) *corev1.Affinity {
	return apart(map[string]string{"app.kubernetes.io/instance": cluster, "apps.kubeblocks.io/component-name": "mysql"})
}

func apart(labels map[string]string) *corev1.Affinity {
	return &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
		TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{MatchLabels: labels},
	}}}}
}

func (w *dump) objects() []runtime.Object {
	var all []runtime.Object
	for _, n := range w.nodes {
		all = append(all, n)
	}
	for _, p := range w.pods {
		all = append(all, p)
	}
	return append(all, w.more...)
}

// eachPod changes the Pods of a cluster, or all.
func (w *dump) eachPod(cluster string, change func(*corev1.Pod)) {
	for _, p := range w.pods {
		if cluster == "" || p.Labels["app.kubernetes.io/instance"] == cluster {
			change(p)
		}
	}
}

func (w *dump) eachNode(change func(*corev1.Node)) {
	for _, n := range w.nodes {
		change(n)
	}
}

// rewritten gives the restored Pods the rules that they should have.
func (w *dump) rewritten() {
	w.eachPod("carrot67", func(p *corev1.Pod) { p.Spec.Affinity = apartFrom("carrot67") })
}

// inherited gives the snapshot and the restored Pods a rule.
func (w *dump) inherited(labels map[string]string) {
	w.eachPod("carrot67", func(p *corev1.Pod) { p.Spec.Affinity = apart(labels) })
	for _, object := range w.more {
		u, ok := object.(*unstructured.Unstructured)
		if !ok || u.GetKind() != "Backup" {
			continue
		}
		annotations := u.GetAnnotations()
		before, _ := json.Marshal(apartFrom("my1"))
		after, _ := json.Marshal(apart(labels))
		annotations["kubeblocks.io/cluster-snapshot"] = strings.Replace(annotations["kubeblocks.io/cluster-snapshot"], string(before), string(after), 1)
		u.SetAnnotations(annotations)
	}
}

func (w *dump) without(pod string) {
	w.pods = slices.DeleteFunc(w.pods, func(p *corev1.Pod) bool { return p.Name == pod })
}

func (w *dump) taint(node int, text string) {
	key, rest, _ := strings.Cut(text, "=")
	value, effect, _ := strings.Cut(rest, ":")
	w.nodes[node].Spec.Taints = append(w.nodes[node].Spec.Taints, corev1.Taint{Key: key, Value: value, Effect: corev1.TaintEffect(effect)})
}

func (w *dump) taintAll(text string) {
	for i := range w.nodes {
		w.taint(i, text)
	}
}

func (w *dump) request(name corev1.ResourceName, quantity string) {
	w.eachPod("carrot67", func(p *corev1.Pod) {
		p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{name: resource.MustParse(quantity)}
	})
}

// claimName is the claim that all restored Pods mount.
const claimName = "data"

func (w *dump) mount() {
	w.eachPod("carrot67", func(p *corev1.Pod) {
		p.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claimName},
		}}}
	})
}

func (w *dump) claim(volume string, phase corev1.PersistentVolumeClaimPhase) {
	claim := &corev1.PersistentVolumeClaim{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: claimName},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: ptr.To("fast"), VolumeName: volume, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		},
		Status: corev1.PersistentVolumeClaimStatus{Phase: phase},
	}
	if volume != "" {
		claim.Annotations = map[string]string{"pv.kubernetes.io/bind-completed": "yes"}
	}
	w.more = append(w.more, claim)
}

func (w *dump) volume(name, zone string) {
	w.more = append(w.more, &corev1.PersistentVolume{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolume"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeSpec{NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{
			NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{{
				Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{zone},
			}}}},
		}}},
	})
}

func (w *dump) class(mode storagev1.VolumeBindingMode) {
	w.more = append(w.more, &storagev1.StorageClass{
		TypeMeta:   metav1.TypeMeta{APIVersion: "storage.k8s.io/v1", Kind: "StorageClass"},
		ObjectMeta: metav1.ObjectMeta{Name: "fast"}, Provisioner: "example.com/disk", VolumeBindingMode: &mode,
	})
}

// job adds a restore Job without Pods, and takes the other Pods of the restore away.
func (w *dump) job(name string) {
	w.pods = slices.DeleteFunc(w.pods, func(p *corev1.Pod) bool { return p.Labels["app.kubernetes.io/instance"] == "carrot67" })
	template := newPod(name, "carrot67")
	w.more = append(w.more, &batchv1.Job{
		TypeMeta: metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Labels: map[string]string{
			"app.kubernetes.io/instance": "carrot67", "dataprotection.kubeblocks.io/restore": "carrot67-restore",
		}},
		Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: template.Labels}, Spec: template.Spec}},
	})
}

func (w *dump) quota() {
	w.more = append(w.more, &corev1.ResourceQuota{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ResourceQuota"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "small"},
		Status: corev1.ResourceQuotaStatus{
			Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("3")}, Used: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("3")},
		},
	})
}
