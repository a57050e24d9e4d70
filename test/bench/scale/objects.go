package scale

import (
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

const (
	component = "mysql"
	// source is the cluster that every cluster is restored from.
	source = "my1"
	// backup is in each Namespace; the Namespace's clusters are restored from it.
	backup   = "bp1"
	replicas = 5
	// snapshotSize is the size of the snapshot in a Backup, in bytes.
	snapshotSize = 32 << 10
)

// rules are the rules that kbcli writes for a cluster, and a spread over zones.
func rules(cluster string) map[string]any {
	selector := map[string]any{"matchLabels": map[string]any{
		kubeblocks.LabelInstance: cluster, kubeblocks.LabelComponentName: component,
	}}
	return map[string]any{
		"affinity": map[string]any{"podAntiAffinity": map[string]any{
			"requiredDuringSchedulingIgnoredDuringExecution": []any{
				map[string]any{"labelSelector": selector, "topologyKey": corev1.LabelHostname},
			},
			"preferredDuringSchedulingIgnoredDuringExecution": []any{map[string]any{
				"weight": int64(100), "podAffinityTerm": map[string]any{"labelSelector": selector, "topologyKey": corev1.LabelTopologyZone},
			}},
		}},
		"topologySpreadConstraints": []any{map[string]any{
			"labelSelector": selector, "maxSkew": int64(1), "topologyKey": corev1.LabelTopologyZone, "whenUnsatisfiable": "ScheduleAnyway",
		}},
	}
}

// specOf is the spec of a cluster whose rules name itself.
func specOf(cluster string) map[string]any {
	return map[string]any{
		"terminationPolicy": "Delete",
		"componentSpecs": []any{map[string]any{
			"name": component, "componentDef": "apecloud-mysql", "serviceVersion": "8.0.30", "replicas": int64(replicas),
			"resources": map[string]any{
				"limits":   map[string]any{"cpu": "1", "memory": "1Gi"},
				"requests": map[string]any{"cpu": "500m", "memory": "512Mi"},
			},
			"volumeClaimTemplates": []any{map[string]any{"name": "data", "spec": map[string]any{
				"accessModes": []any{"ReadWriteOnce"},
				"resources":   map[string]any{"requests": map[string]any{"storage": "20Gi"}},
			}}},
			"schedulingPolicy": rules(cluster),
		}},
	}
}

func clusterOf(namespace, name string) *unstructured.Unstructured {
	return rehometesting.MakeCluster(rehometesting.V10(), namespace, name).Spec(specOf(name)).Obj()
}

// restoreOf is the Restore of an existing Component, with the Component's rules.
func restoreOf(of *unstructured.Unstructured) *unstructured.Unstructured {
	name := of.GetLabels()[kubeblocks.LabelInstance]
	return rehometesting.MakeRestore(of.GetNamespace(), of.GetName()+"-preparedata").Of(of).Backup(backup).Policy(rules(name)).Obj()
}

// makeSnapshot returns the source's snapshot, padded by an annotation.
func makeSnapshot() (string, error) {
	const note = "example.com/note"
	withPadding := func(padding int) ([]byte, error) {
		return json.Marshal(map[string]any{
			"metadata": map[string]any{
				"name": source, "namespace": metav1.NamespaceDefault, "annotations": map[string]any{note: strings.Repeat("x", padding)},
			},
			"spec": specOf(source),
		})
	}
	bare, err := withPadding(0)
	if err != nil {
		return "", fmt.Errorf("make a snapshot: %w", err)
	}
	padded, err := withPadding(snapshotSize - len(bare))
	return string(padded), err
}

func backupOf(namespace, name, snapshot string) *unstructured.Unstructured {
	obj := rehometesting.MakeBackup(namespace, name).Snapshot(snapshot).Obj()
	obj.SetLabels(map[string]string{kubeblocks.LabelInstance: source})
	return obj
}

// podOf is a scheduled database Pod of an existing Component and InstanceSet.
func podOf(of, set *unstructured.Unstructured, ordinal int) *corev1.Pod {
	cluster := of.GetLabels()[kubeblocks.LabelInstance]
	pod := rehometesting.MakeDatabasePod(of, fmt.Sprintf("%s-%d", of.GetName(), ordinal)).
		Of(set).Rules(of, "spec", "schedulingPolicy").OnNode(fmt.Sprintf("node-%d", ordinal)).Claim("data-" + of.GetName()).Obj()
	pod.Labels[kubeblocks.LabelWorkload] = of.GetName()
	container := &pod.Spec.Containers[0]
	container.Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m")}
	for _, name := range []string{"CLUSTER_NAME", "COMPONENT_NAME", "POD_NAME", "POD_IP", "SERVICE_HOST", "LOG_LEVEL"} {
		container.Env = append(container.Env, corev1.EnvVar{Name: name, Value: cluster})
	}
	return pod
}

// setRunning sets the status that a kubelet sets on a running Pod.
func setRunning(pod *corev1.Pod) {
	now := metav1.Now()
	pod.Status.Phase, pod.Status.StartTime = corev1.PodRunning, &now
	for _, condition := range []corev1.PodConditionType{
		corev1.PodScheduled, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady,
	} {
		pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{
			Type: condition, Status: corev1.ConditionTrue, LastTransitionTime: now,
		})
	}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: pod.Spec.Containers[0].Name, Image: pod.Spec.Containers[0].Image, Ready: true,
		State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
	}}
}
