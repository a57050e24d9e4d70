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

// found is what all others are copies of: a cluster that Rehome has reported on, the cluster's Pods, and a Backup.
type found struct{ cluster, pods, backup originals }

// create creates objects through the API server.
func (r *rig) create(ctx context.Context, objects ...client.Object) error {
	for _, object := range objects {
		if err := r.client.Create(ctx, object); err != nil {
			return fmt.Errorf("create %T %s: %w", object, object.GetName(), err)
		}
	}
	return nil
}

// createOriginals creates the Namespaces, each with the Backup that its clusters are restored from, and what all else is copied from.
func (r *rig) createOriginals(ctx context.Context) error {
	snapshot, err := snapshot()
	if err != nil {
		return err
	}
	for i := range r.namespaces {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf(namespaceFormat, i)}}
		if err := r.create(ctx, namespace, backupOf(namespace.Name, backup, snapshot)); err != nil {
			return err
		}
	}
	home := fmt.Sprintf(namespaceFormat, 0)
	if err := r.create(ctx, backupOf(home, fmt.Sprintf(backupFormat, 0), snapshot)); err != nil {
		return err
	}
	return r.createCluster(ctx, home, fmt.Sprintf(clusterFormat, 0))
}

// createCluster creates a cluster that was restored, and whose rules are its own: with Component, InstanceSet, finished Restore and
// running Pods.
func (r *rig) createCluster(ctx context.Context, namespace, name string) error {
	cluster := clusterOf(namespace, name)
	if err := r.create(ctx, cluster); err != nil {
		return err
	}
	of := rehometesting.MakeComponent(cluster, component).Policy(rules(name)).Obj()
	if err := r.create(ctx, of); err != nil {
		return err
	}
	set := rehometesting.MakeInstanceSet(rehometesting.V10(), of).Replicas(replicas).Obj()
	restore := restoreOf(of)
	if err := r.create(ctx, set, restore); err != nil {
		return err
	}
	if err := unstructured.SetNestedField(restore.Object, string(kubeblocks.RestoreCompleted), "status", "phase"); err != nil {
		return err
	}
	if err := r.client.Status().Update(ctx, restore); err != nil {
		return fmt.Errorf("finish Restore %s: %w", restore.GetName(), err)
	}
	for ordinal := range replicas {
		if err := r.createPod(ctx, podOf(of, set, ordinal)); err != nil {
			return err
		}
	}
	return nil
}

// createPod creates a Pod that runs.
func (r *rig) createPod(ctx context.Context, pod *corev1.Pod) error {
	if err := r.create(ctx, pod); err != nil {
		return err
	}
	run(pod)
	if err := r.client.Status().Update(ctx, pod); err != nil {
		return fmt.Errorf("run Pod %s: %w", pod.Name, err)
	}
	return nil
}

// readAll reads what is copied.
func (r *rig) readAll(ctx context.Context) error {
	all, err := readOriginals(ctx, r.store, fmt.Sprintf(clusterFormat, 0))
	if err != nil {
		return err
	}
	r.cluster, r.pods = all.only("pods", true), all.only("pods", false)
	r.backup, err = readOriginals(ctx, r.store, fmt.Sprintf(backupFormat, 0))
	return err
}

// await returns when the API server serves as many objects of a kind as there have to be.
func (r *rig) await(ctx context.Context, kind schema.GroupVersionKind, want int) error {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	// Of a list that has to be up to date, the API server answers one object, and how many there are besides.
	if err := r.client.List(ctx, list, client.Limit(1)); err != nil {
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

// addClusters copies the cluster without its Pods, for numbers from first to last, last not included.
func (r *rig) addClusters(ctx context.Context, first, last int) error {
	r.Stepf("scale: write %d clusters", last-first)
	if err := r.copyTo(ctx, r.cluster, clusterFormat, first, last); err != nil {
		return err
	}
	return r.await(ctx, rehometesting.V10().Apps.WithKind("Cluster"), last)
}

// addBackups copies the Backup. Those that clusters are restored from are there.
func (r *rig) addBackups(ctx context.Context) error {
	r.Stepf("scale: write %d Backups", r.backups)
	if err := r.copyTo(ctx, r.backup, backupFormat, 1, r.backups); err != nil {
		return err
	}
	return r.await(ctx, kubeblocks.DataProtectionV1alpha1.WithKind("Backup"), r.backups+r.namespaces)
}

// addPods copies the Pods, for all clusters that there will be.
func (r *rig) addPods(ctx context.Context) error {
	r.Stepf("scale: write %d Pods", r.many*replicas)
	if err := r.copyTo(ctx, r.pods, clusterFormat, 1, r.many); err != nil {
		return err
	}
	return r.await(ctx, corev1.SchemeGroupVersion.WithKind("Pod"), r.many*replicas)
}
