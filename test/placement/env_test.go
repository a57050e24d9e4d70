package placement

import (
	"context"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/rehome-operator/rehome/pkg/placement"
	"github.com/rehome-operator/rehome/test/placement/worlds"
)

// env is a control plane that has one world at a time.
type env struct {
	client kubernetes.Interface
}

func newEnv(ctx context.Context, config *rest.Config) (*env, error) {
	config.QPS, config.Burst = 1000, 2000
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	e := &env{client: client}
	for _, n := range worlds.Namespaces() {
		if _, err := client.CoreV1().Namespaces().Create(ctx, &n, metav1.CreateOptions{}); err != nil {
			return nil, err
		}
	}
	for _, c := range worlds.Classes() {
		if _, err := client.StorageV1().StorageClasses().Create(ctx, &c, metav1.CreateOptions{}); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// create makes the nodes, volumes and running Pods of a world. Nodes that it does not have are cordoned.
func (e *env) create(ctx context.Context, w *placement.World) error {
	wanted := map[string]*corev1.Node{}
	for i := range w.Nodes {
		wanted[w.Nodes[i].Name] = &w.Nodes[i]
	}
	for i := range worlds.MaxNodes {
		name := fmt.Sprintf("node-%d", i)
		if err := e.setNode(ctx, name, wanted[name]); err != nil {
			return err
		}
	}
	for i := range w.Volumes {
		if _, err := e.client.CoreV1().PersistentVolumes().Create(ctx, &w.Volumes[i], metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	for i := range w.Claims {
		claim := w.Claims[i].DeepCopy()
		claim.Annotations = nil // the controller binds it
		if _, err := e.client.CoreV1().PersistentVolumeClaims(claim.Namespace).Create(ctx, claim, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	for i := range w.Pods {
		if w.Pods[i].NodeName() == "" {
			continue
		}
		if _, err := e.createPod(ctx, w.Pods[i].Object()); err != nil {
			return err
		}
	}
	return e.bound(ctx, w)
}

// setNode gives a node the labels and taints of a world.
func (e *env) setNode(ctx context.Context, name string, wanted *corev1.Node) error {
	return retry(ctx, func() error {
		node, err := e.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		delete(node.Labels, corev1.LabelTopologyZone)
		delete(node.Labels, "disk")
		node.Spec.Taints, node.Spec.Unschedulable = nil, wanted == nil
		if wanted != nil {
			maps.Copy(node.Labels, wanted.Labels)
			node.Spec.Taints, node.Spec.Unschedulable = wanted.Spec.Taints, wanted.Spec.Unschedulable
		}
		if node.Spec.Unschedulable {
			// The node lifecycle controller adds it, too, but later.
			node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule})
		}
		_, err = e.client.CoreV1().Nodes().Update(ctx, node, metav1.UpdateOptions{})
		return err
	})
}

// retry repeats what failed because something else was written meanwhile, or does not exist yet.
func retry(ctx context.Context, do func() error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, 20*time.Second, true, func(context.Context) (bool, error) {
		last = do()
		if apierrors.IsConflict(last) || apierrors.IsForbidden(last) || apierrors.IsAlreadyExists(last) {
			return false, nil
		}
		return last == nil, last
	})
	if last != nil {
		return last
	}
	return err
}

// createPod creates a Pod, once its namespace has a service account.
func (e *env) createPod(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	var stored *corev1.Pod
	err := retry(ctx, func() (err error) {
		stored, err = e.client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{})
		return err
	})
	return stored, err
}

// bound waits until the claims of volumes are bound.
func (e *env) bound(ctx context.Context, w *placement.World) error {
	for i := range w.Claims {
		if w.Claims[i].Spec.VolumeName == "" {
			continue
		}
		err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) {
			claim, err := e.client.CoreV1().PersistentVolumeClaims(w.Claims[i].Namespace).Get(ctx, w.Claims[i].Name, metav1.GetOptions{})
			return err == nil && claim.Status.Phase == corev1.ClaimBound, err
		})
		if err != nil {
			return fmt.Errorf("claim %s is not bound: %w", w.Claims[i].Name, err)
		}
	}
	return nil
}

// read reads the world as the API server has it.
func (e *env) read(ctx context.Context) (*placement.World, error) {
	w := &placement.World{}
	core := e.client.CoreV1()
	nodes, err := core.Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	pods, err := core.Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	namespaces, err := core.Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	claims, err := core.PersistentVolumeClaims("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	volumes, err := core.PersistentVolumes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	packer := placement.NewPacker() // as in the commands
	for i := range pods.Items {
		w.Pods = append(w.Pods, packer.Pack(&pods.Items[i]))
	}
	w.Nodes, w.Namespaces, w.Claims, w.Volumes = nodes.Items, namespaces.Items, claims.Items, volumes.Items
	w.Classes = worlds.Classes()
	return w, nil
}

func (e *env) pod(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	return e.client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
}

// deletePod deletes a Pod at once.
func (e *env) deletePod(ctx context.Context, pod *corev1.Pod) error {
	return e.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)})
}

// selectedNode returns the node that kube-scheduler chose for a Pod whose volume does not exist: it waits for the volume.
func (e *env) selectedNode(ctx context.Context, pod *corev1.Pod) (string, error) {
	for _, v := range pod.Spec.Volumes {
		if v.PersistentVolumeClaim == nil {
			continue
		}
		claim, err := e.client.CoreV1().PersistentVolumeClaims(pod.Namespace).Get(ctx, v.PersistentVolumeClaim.ClaimName, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		if node := claim.Annotations["volume.kubernetes.io/selected-node"]; node != "" {
			return node, nil
		}
	}
	return "", nil
}

// clear deletes the Pods, claims and volumes.
func (e *env) clear(ctx context.Context) error {
	now := metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)}
	for _, namespace := range []string{worlds.Namespace, worlds.Other} {
		if err := e.client.CoreV1().Pods(namespace).DeleteCollection(ctx, now, metav1.ListOptions{}); err != nil {
			return err
		}
		if err := e.client.CoreV1().PersistentVolumeClaims(namespace).DeleteCollection(ctx, now, metav1.ListOptions{}); err != nil {
			return err
		}
	}
	if err := e.client.CoreV1().PersistentVolumes().DeleteCollection(ctx, now, metav1.ListOptions{}); err != nil {
		return err
	}
	return wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) {
		pods, err := e.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
		return err == nil && len(pods.Items) == 0, err
	})
}
