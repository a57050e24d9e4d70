package unblock

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
	"github.com/rehome-operator/rehome/test/controlplane"
)

// The source, its component and its backup.
const source, component, backup = "my1", "mysql", "backup-my1"

const (
	pollInterval = 100 * time.Millisecond
	// accountTimeout limits the wait for a Namespace's default service account, which every Pod needs.
	accountTimeout = time.Minute
	// restTimeout limits the wait for the operator and for KubeBlocks after all restore Pods are scheduled.
	restTimeout = 5 * time.Minute
)

// newNamespace creates a Namespace with a source and its backup.
func (e *fakeEnv) newNamespace(ctx context.Context, round int) (namespace, error) {
	n := &fakeNamespace{fakeEnv: e, namespace: fmt.Sprintf("round-%d", round)}
	obj := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: n.namespace}}
	if err := e.admin.Create(ctx, obj); err != nil {
		return nil, fmt.Errorf("create Namespace: %w", err)
	}
	if err := disableOperators(ctx, e.admin, n.namespace); err != nil {
		return nil, err
	}
	if err := n.waitAccount(ctx); err != nil {
		return nil, err
	}
	if err := n.runSource(ctx); err != nil {
		return nil, fmt.Errorf("run a source: %w", err)
	}
	finished := rehometesting.MakeBackup(n.namespace, backup).Of(n.cluster(source).Obj()).Obj()
	if err := e.admin.Create(ctx, finished); err != nil {
		return nil, fmt.Errorf("create Backup: %w", err)
	}
	return n, nil
}

type fakeNamespace struct {
	*fakeEnv
	namespace string
}

func (n *fakeNamespace) controlPlane() *controlplane.ControlPlane { return n.plane }

func (n *fakeNamespace) name() string { return n.namespace }

func (n *fakeNamespace) enable(ctx context.Context) error {
	return enableOperators(ctx, n.admin, n.namespace)
}

func (n *fakeNamespace) restore(ctx context.Context, cluster string) error {
	restored := n.cluster(cluster).RestoredFrom(component, backup).Obj()
	if err := n.admin.Create(ctx, restored); err != nil {
		return fmt.Errorf("create Cluster %s: %w", cluster, err)
	}
	return nil
}

// cluster builds a Cluster with the source's rules, as every restored Cluster has them.
func (n *fakeNamespace) cluster(name string) *rehometesting.ClusterWrapper {
	return rehometesting.MakeCluster(rehometesting.V10(), n.namespace, name).Component(component, n.rules())
}

// rules are those of fixture's sources. Neutral ones have the same form.
func (n *fakeNamespace) rules() map[string]any {
	key := kubeblocks.LabelInstance
	if n.neutral {
		key = "example.com/nobody"
	}
	selector := map[string]any{"matchLabels": map[string]any{key: source, kubeblocks.LabelComponentName: component}}
	return map[string]any{
		"affinity": map[string]any{"podAntiAffinity": map[string]any{
			"requiredDuringSchedulingIgnoredDuringExecution": []any{
				map[string]any{"topologyKey": corev1.LabelHostname, "labelSelector": selector},
			},
			"preferredDuringSchedulingIgnoredDuringExecution": []any{map[string]any{
				"weight":          int64(100),
				"podAffinityTerm": map[string]any{"topologyKey": corev1.LabelTopologyZone, "labelSelector": selector},
			}},
		}},
		"topologySpreadConstraints": []any{map[string]any{
			"maxSkew": int64(1), "topologyKey": corev1.LabelTopologyZone, "whenUnsatisfiable": string(corev1.DoNotSchedule),
			"labelSelector": selector,
		}},
	}
}

// finish waits until all Restores are complete: then the fake KubeBlocks deletes their Jobs.
func (n *fakeNamespace) finish(ctx context.Context, _ []string) error {
	err := wait.PollUntilContextTimeout(ctx, pollInterval, restTimeout, true, func(ctx context.Context) (bool, error) {
		var jobs metav1.PartialObjectMetadataList
		jobs.SetGroupVersionKind(batchv1.SchemeGroupVersion.WithKind("JobList"))
		err := n.admin.List(ctx, &jobs, client.InNamespace(n.namespace), client.Limit(1))
		return len(jobs.Items) == 0, err
	})
	if err != nil {
		return fmt.Errorf("wait until the Restores are complete: %w", err)
	}
	return nil
}

func (n *fakeNamespace) waitAccount(ctx context.Context) error {
	err := wait.PollUntilContextTimeout(ctx, pollInterval, accountTimeout, true, func(ctx context.Context) (bool, error) {
		err := n.admin.Get(ctx, types.NamespacedName{Namespace: n.namespace, Name: "default"}, &corev1.ServiceAccount{})
		return err == nil, client.IgnoreNotFound(err)
	})
	if err != nil {
		return fmt.Errorf("wait for the service account of Namespace %s: %w", n.namespace, err)
	}
	return nil
}

// runSource binds a Pod of the source to every node.
func (n *fakeNamespace) runSource(ctx context.Context) error {
	owner := rehometesting.MakeComponent(n.cluster(source).Obj(), component).Obj()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelCreates)
	for i, node := range n.nodes {
		pod := rehometesting.MakeDatabasePod(owner, fmt.Sprintf("%s-%s-%d", source, component, i)).OnNode(node.Name).Obj()
		group.Go(func() error { return n.admin.Create(ctx, pod) })
	}
	return group.Wait()
}
