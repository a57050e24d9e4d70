package scale

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// templates are the originals of all copies: a cluster that Rehome has reported on, its Pods, and a Backup.
type templates struct{ cluster, pods, backup originals }

func (e *env) create(ctx context.Context, objects ...client.Object) error {
	for _, object := range objects {
		if err := e.client.Create(ctx, object); err != nil {
			return fmt.Errorf("create %T %s: %w", object, object.GetName(), err)
		}
	}
	return nil
}

// createOriginals creates the Namespaces, each with the Backup that its clusters are restored from, and the originals of all copies.
func (e *env) createOriginals(ctx context.Context) error {
	snapshot, err := makeSnapshot()
	if err != nil {
		return err
	}
	for i := range e.namespaces {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf(namespaceFormat, i)}}
		if err := e.create(ctx, namespace, backupOf(namespace.Name, backup, snapshot)); err != nil {
			return err
		}
	}
	first := fmt.Sprintf(namespaceFormat, 0)
	if err := e.create(ctx, backupOf(first, fmt.Sprintf(backupFormat, 0), snapshot)); err != nil {
		return err
	}
	return e.createCluster(ctx, first, fmt.Sprintf(clusterFormat, 0))
}

// createCluster creates a restored and rewritten cluster: with Component, InstanceSet, completed Restore and running Pods.
func (e *env) createCluster(ctx context.Context, namespace, name string) error {
	cluster := clusterOf(namespace, name)
	if err := e.create(ctx, cluster); err != nil {
		return err
	}
	of := rehometesting.MakeComponent(cluster, component).Policy(rules(name)).Obj()
	if err := e.create(ctx, of); err != nil {
		return err
	}
	set := rehometesting.MakeInstanceSet(rehometesting.V10(), of).Replicas(replicas).Obj()
	restore := restoreOf(of)
	if err := e.create(ctx, set, restore); err != nil {
		return err
	}
	if err := unstructured.SetNestedField(restore.Object, string(kubeblocks.RestoreCompleted), "status", "phase"); err != nil {
		return err
	}
	if err := e.client.Status().Update(ctx, restore); err != nil {
		return fmt.Errorf("complete Restore %s: %w", restore.GetName(), err)
	}
	for ordinal := range replicas {
		if err := e.createRunningPod(ctx, podOf(of, set, ordinal)); err != nil {
			return err
		}
	}
	return nil
}

func (e *env) createRunningPod(ctx context.Context, pod *corev1.Pod) error {
	if err := e.create(ctx, pod); err != nil {
		return err
	}
	setRunning(pod)
	if err := e.client.Status().Update(ctx, pod); err != nil {
		return fmt.Errorf("set the status of Pod %s: %w", pod.Name, err)
	}
	return nil
}

// readTemplates reads the originals of all copies.
func (e *env) readTemplates(ctx context.Context) error {
	all, err := readOriginals(ctx, e.store, fmt.Sprintf(clusterFormat, 0))
	if err != nil {
		return err
	}
	e.pods, e.cluster = all.split("pods")
	e.backup, err = readOriginals(ctx, e.store, fmt.Sprintf(backupFormat, 0))
	return err
}

// checkCount fails unless the API server serves the wanted number of objects of a kind.
func (e *env) checkCount(ctx context.Context, kind schema.GroupVersionKind, want int) error {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	// The API server returns one object, and the number of the remaining ones.
	if err := e.client.List(ctx, list, client.Limit(1)); err != nil {
		return fmt.Errorf("count every %s: %w", kind.Kind, err)
	}
	got := len(list.Items)
	if list.RemainingItemCount != nil {
		got += int(*list.RemainingItemCount)
	}
	if got != want {
		return fmt.Errorf("the API server serves %d of kind %s, not %d", got, kind.Kind, want)
	}
	return nil
}

// addClusters copies the cluster without its Pods, with the numbers from first to last, excluding last.
func (e *env) addClusters(ctx context.Context, first, last int) error {
	e.Stepf("scale: write %d clusters", last-first)
	if err := e.copyTo(ctx, e.cluster, clusterFormat, first, last); err != nil {
		return err
	}
	return e.checkCount(ctx, rehometesting.V10().Apps.WithKind("Cluster"), last)
}

// addBackups copies the Backup that nothing is restored from.
func (e *env) addBackups(ctx context.Context) error {
	e.Stepf("scale: write %d Backups", e.backups)
	if err := e.copyTo(ctx, e.backup, backupFormat, 1, e.backups); err != nil {
		return err
	}
	return e.checkCount(ctx, kubeblocks.DataProtectionV1alpha1.WithKind("Backup"), e.backups+e.namespaces)
}

// addPods copies the Pods of all clusters, also of those that are added later.
func (e *env) addPods(ctx context.Context) error {
	e.Stepf("scale: write %d Pods", e.many*replicas)
	if err := e.copyTo(ctx, e.pods, clusterFormat, 1, e.many); err != nil {
		return err
	}
	return e.checkCount(ctx, corev1.SchemeGroupVersion.WithKind("Pod"), e.many*replicas)
}
