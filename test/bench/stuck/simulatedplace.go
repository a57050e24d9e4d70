package stuck

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

// The cluster that was backed up, its component and its backup.
const source, component, backup = "my1", "mysql", "backup-my1"

const (
	pollInterval = 100 * time.Millisecond
	// accountTimeout bounds the time until a new Namespace has the service account without which it takes no Pods.
	accountTimeout = time.Minute
	// restTimeout bounds the time until all is done that follows when restore Pods are scheduled.
	restTimeout = 5 * time.Minute
)

// begin makes a Namespace with a source and its backup.
func (s *simulated) begin(ctx context.Context, round int) (place, error) {
	p := &simulatedPlace{simulated: s, name: fmt.Sprintf("round-%d", round)}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: p.name}}
	if err := s.admin.Create(ctx, namespace); err != nil {
		return nil, fmt.Errorf("create Namespace: %w", err)
	}
	if err := hold(ctx, s.admin, p.name); err != nil {
		return nil, err
	}
	if err := p.awaitAccount(ctx); err != nil {
		return nil, err
	}
	if err := p.runSource(ctx); err != nil {
		return nil, fmt.Errorf("run a source: %w", err)
	}
	taken := rehometesting.MakeBackup(p.name, backup).Of(p.cluster(source).Obj()).Obj()
	if err := s.admin.Create(ctx, taken); err != nil {
		return nil, fmt.Errorf("create Backup: %w", err)
	}
	return p, nil
}

// simulatedPlace is a Namespace of a simulated world.
type simulatedPlace struct {
	*simulated
	name string
}

func (p *simulatedPlace) controlPlane() *controlplane.ControlPlane { return p.plane }

func (p *simulatedPlace) namespace() string { return p.name }

func (p *simulatedPlace) release(ctx context.Context) error { return release(ctx, p.admin, p.name) }

func (p *simulatedPlace) restore(ctx context.Context, cluster string) error {
	restored := p.cluster(cluster).RestoredFrom(component, backup).Obj()
	if err := p.admin.Create(ctx, restored); err != nil {
		return fmt.Errorf("create Cluster %s: %w", cluster, err)
	}
	return nil
}

// cluster starts a Cluster as all others are restored: with the rules of the source.
func (p *simulatedPlace) cluster(name string) *rehometesting.ClusterWrapper {
	return rehometesting.MakeCluster(rehometesting.V10(), p.name, name).Component(component, rules())
}

// rules are those of fixture's sources: Pods share no node, and are spread over zones.
func rules() map[string]any {
	peers := map[string]any{"matchLabels": map[string]any{
		kubeblocks.LabelInstance: source, kubeblocks.LabelComponentName: component,
	}}
	return map[string]any{
		"affinity": map[string]any{"podAntiAffinity": map[string]any{
			"requiredDuringSchedulingIgnoredDuringExecution": []any{
				map[string]any{"topologyKey": corev1.LabelHostname, "labelSelector": peers},
			},
			"preferredDuringSchedulingIgnoredDuringExecution": []any{map[string]any{
				"weight":          int64(100),
				"podAffinityTerm": map[string]any{"topologyKey": corev1.LabelTopologyZone, "labelSelector": peers},
			}},
		}},
		"topologySpreadConstraints": []any{map[string]any{
			"maxSkew": int64(1), "topologyKey": corev1.LabelTopologyZone, "whenUnsatisfiable": string(corev1.DoNotSchedule),
			"labelSelector": peers,
		}},
	}
}

// end returns when all Restores are complete: the stand-in keeps their Jobs until then.
func (p *simulatedPlace) end(ctx context.Context, _ []string) error {
	err := wait.PollUntilContextTimeout(ctx, pollInterval, restTimeout, true, func(ctx context.Context) (bool, error) {
		var jobs metav1.PartialObjectMetadataList
		jobs.SetGroupVersionKind(batchv1.SchemeGroupVersion.WithKind("JobList"))
		err := p.admin.List(ctx, &jobs, client.InNamespace(p.name), client.Limit(1))
		return len(jobs.Items) == 0, err
	})
	if err != nil {
		return fmt.Errorf("wait until the Restores are complete: %w", err)
	}
	return nil
}

func (p *simulatedPlace) awaitAccount(ctx context.Context) error {
	err := wait.PollUntilContextTimeout(ctx, pollInterval, accountTimeout, true, func(ctx context.Context) (bool, error) {
		err := p.admin.Get(ctx, types.NamespacedName{Namespace: p.name, Name: "default"}, &corev1.ServiceAccount{})
		return err == nil, client.IgnoreNotFound(err)
	})
	if err != nil {
		return fmt.Errorf("wait for the service account of Namespace %s: %w", p.name, err)
	}
	return nil
}

// runSource binds a Pod of the source to every node.
func (p *simulatedPlace) runSource(ctx context.Context) error {
	owner := rehometesting.MakeComponent(p.cluster(source).Obj(), component).Obj()
	making, ctx := errgroup.WithContext(ctx)
	making.SetLimit(makers)
	for i, node := range p.nodes {
		pod := rehometesting.MakeDatabasePod(owner, fmt.Sprintf("%s-%s-%d", source, component, i)).OnNode(node.Name).Obj()
		making.Go(func() error { return p.admin.Create(ctx, pod) })
	}
	return making.Wait()
}
