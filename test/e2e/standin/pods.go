package standin

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// labelRevision holds the revision of the rules that a Pod was created with.
const labelRevision = "controller-revision-hash"

// reconcileSet creates and replaces the Pods of an InstanceSet. It reports whether all are ready.
func (k *KubeBlocks) reconcileSet(ctx context.Context, cluster *unstructured.Unstructured, c component, set *unstructured.Unstructured) (ready bool, err error) {
	pods, err := k.pods(ctx, set.GetLabels())
	if err != nil {
		return false, err
	}
	replicas := c.replicas(set.GetName())
	owners, err := k.ownersOf(ctx, c, set, replicas, pods)
	if err != nil {
		return false, err
	}
	if len(pods) == len(replicas) && !c.onDelete() {
		if err := k.replaceOutdated(ctx, replicas, pods); err != nil {
			return false, err
		}
	}
	return k.createMissing(ctx, cluster, c, set, owners, replicas, pods)
}

// createMissing creates the Pods that do not exist. It reports whether all are ready.
func (k *KubeBlocks) createMissing(
	ctx context.Context, cluster *unstructured.Unstructured, c component, set *unstructured.Unstructured, owners []*unstructured.Unstructured,
	replicas []replica, pods map[string]*corev1.Pod,
) (ready bool, err error) {
	for i, r := range replicas {
		pod := pods[r.name]
		if pod == nil {
			if err := k.createPod(ctx, cluster, c, owners[i], r, set.GetLabels()); err != nil {
				return false, err
			}
		}
		if c.PodManagementPolicy == "OrderedReady" && (pod == nil || !isReady(pod)) {
			return false, nil
		}
		ready = pod != nil && isReady(pod) && (i == 0 || ready)
	}
	return ready, nil
}

// ownersOf returns what controls each Pod: its Instance, or the InstanceSet.
func (k *KubeBlocks) ownersOf(
	ctx context.Context, c component, set *unstructured.Unstructured, replicas []replica, pods map[string]*corev1.Pod,
) (owners []*unstructured.Unstructured, err error) {
	owners = slices.Repeat([]*unstructured.Unstructured{set}, len(replicas))
	if !c.EnableInstanceAPI {
		return owners, nil
	}
	for i := range replicas {
		if owners[i], err = k.ensureInstance(ctx, c, set, &replicas[i], pods[replicas[i].name]); err != nil {
			return nil, err
		}
	}
	return owners, nil
}

// ensureInstance creates the Instance of a Pod. It updates it only while its Pod is not Pending, and sets the replica's policy to that of
// the Instance.
func (k *KubeBlocks) ensureInstance(ctx context.Context, c component, set *unstructured.Unstructured, r *replica, pod *corev1.Pod) (*unstructured.Unstructured, error) {
	want := newObject(workloads.WithKind("Instance"), k.namespace, r.name, set)
	want.SetLabels(podLabels(set.GetLabels(), set.GetName(), *r))
	strategy, _ := c.InstanceUpdateStrategy["type"].(string)
	spec, err := asJSON(map[string]any{
		"template": map[string]any{"spec": r.policy}, "instanceSetName": set.GetName(), "instanceTemplateName": r.template,
		"instanceUpdateStrategyType": strategy,
	})
	if err != nil {
		return nil, err
	}
	want.Object["spec"] = spec
	have := &unstructured.Unstructured{}
	have.SetGroupVersionKind(want.GroupVersionKind())
	err = k.client.Get(ctx, client.ObjectKeyFromObject(want), have)
	if client.IgnoreNotFound(err) != nil {
		return nil, err
	}
	if err != nil || pod != nil && pod.Spec.NodeName != "" {
		if have, err = k.ensure(ctx, want); err != nil {
			return nil, err
		}
	}
	r.policy, _, err = unstructured.NestedMap(have.Object, "spec", "template", "spec")
	return have, err
}

// replaceOutdated deletes Pods whose rules have changed: all without a node, and of those with one the last, when all are ready.
func (k *KubeBlocks) replaceOutdated(ctx context.Context, replicas []replica, pods map[string]*corev1.Pod) error {
	var running *corev1.Pod
	allReady := true
	for _, r := range replicas {
		pod := pods[r.name]
		if pod == nil || !pod.DeletionTimestamp.IsZero() {
			return nil
		}
		allReady = allReady && isReady(pod)
		if pod.Labels[labelRevision] == revisionOf(r.policy) {
			continue
		}
		if pod.Spec.NodeName != "" {
			running = pod
			continue
		}
		if err := k.client.Delete(ctx, pod, client.GracePeriodSeconds(0), client.Preconditions{UID: &pod.UID}); err != nil {
			return err
		}
		delete(pods, r.name)
	}
	if running == nil || !allReady {
		return nil
	}
	return k.client.Delete(ctx, running, client.Preconditions{UID: &running.UID})
}

func (k *KubeBlocks) createPod(
	ctx context.Context, cluster *unstructured.Unstructured, c component, owner *unstructured.Unstructured, r replica, labels map[string]string,
) error {
	pod := &corev1.Pod{}
	if err := convert(map[string]any{"spec": r.policy}, pod); err != nil {
		return err
	}
	workload := cluster.GetName() + "-" + c.Name
	pod.Namespace, pod.Name, pod.Labels = k.namespace, r.name, podLabels(labels, workload, r)
	pod.Labels[labelRevision] = revisionOf(r.policy)
	pod.Labels["workloads.kubeblocks.io/managed-by"] = "InstanceSet"
	pod.OwnerReferences = controlledBy(owner)
	if owner.GetKind() == "Instance" {
		pod.Labels["apps.kubeblocks.io/instance-name"] = r.name
	}
	pod.Spec.Containers = []corev1.Container{{Name: "mysql", Image: "mysql:8.0"}}
	if err := convert(c.Resources, &pod.Spec.Containers[0].Resources); err != nil {
		return err
	}
	pod.Spec.Volumes = []corev1.Volume{{Name: volume, VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: volume + "-" + r.name},
	}}}
	if err := k.createClaim(ctx, cluster, c, owner, pod); client.IgnoreAlreadyExists(err) != nil {
		return err
	}
	return client.IgnoreAlreadyExists(k.client.Create(ctx, pod))
}

// podLabels returns the labels of a Pod, which its Instance and its claim have, too.
func podLabels(of map[string]string, workload string, r replica) map[string]string {
	labels := maps.Clone(of)
	maps.Copy(labels, map[string]string{
		kubeblocks.LabelManagedBy: "kubeblocks", kubeblocks.LabelWorkload: workload, rewrite.LabelPodName: r.name,
		kubeblocks.LabelInstanceTemplate: r.template,
	})
	return labels
}

// revisionOf returns a value that differs for different rules.
func revisionOf(rules policy) string {
	hash := fnv.New32a()
	_, _ = fmt.Fprint(hash, rules) // maps are printed sorted by key
	return fmt.Sprintf("%08x", hash.Sum32())
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

func newObject(gvk schema.GroupVersionKind, namespace, name string, owner *unstructured.Unstructured) *unstructured.Unstructured {
	obj := &unstructured.Unstructured{}
	obj.SetGroupVersionKind(gvk)
	obj.SetNamespace(namespace)
	obj.SetName(name)
	obj.SetOwnerReferences(controlledBy(owner))
	return obj
}
