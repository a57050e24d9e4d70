package unblock

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
	"github.com/rehome-operator/rehome/test/bench/fakekubeblocks"
)

const (
	// hostileComponents is the number of components of a hostile Cluster: as many as it can name Backups that are read.
	hostileComponents = 32
	// hostileRules is how many rules the snapshots of most hostile Backups have: as many as 32 of them can have together. Every fourth has
	// nearly as many as one snapshot can have.
	hostileRules, hostileMaxRules = 120, 990
	// touchInterval is how often a hostile controller changes each of its Clusters, so that it is reconciled. With half of it, the tenants'
	// writes alone make a restore take 1.9 times as long, because they keep the API server busy.
	touchInterval = 20 * time.Second
)

// hostileTenant is one with a Namespace in which all is made to be slow to reconcile.
type hostileTenant struct {
	admin     client.Client
	namespace string
	clusters  []string
}

// createHostile creates n Clusters, and as many Backups and Rehomings, in the Namespaces of two tenants. Rehome ignores them until they
// are enabled.
func (e *fakeEnv) createHostile(ctx context.Context, n int) ([]*hostileTenant, error) {
	var all []*hostileTenant
	for i, numbers := range halves(n) {
		t := &hostileTenant{admin: e.admin, namespace: fmt.Sprintf("hostile-%d", i)}
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: t.namespace, Annotations: map[string]string{v1alpha1.AnnotationMode: string(configv1alpha1.Disabled)},
		}}
		if err := e.admin.Create(ctx, namespace); err != nil {
			return nil, fmt.Errorf("create Namespace: %w", err)
		}
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(parallelCreates)
		for _, number := range numbers {
			t.clusters = append(t.clusters, fmt.Sprintf("hostile%d", number))
			group.Go(func() error { return t.createBackup(ctx, number) })
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		group.SetLimit(parallelCreates)
		for _, number := range numbers {
			group.Go(func() error { return t.createCluster(context.WithoutCancel(ctx), number, numbers) })
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// createBackup creates a Backup whose snapshot has many rules, all different.
func (t *hostileTenant) createBackup(ctx context.Context, number int) error {
	count := hostileRules
	if number%4 == 0 {
		count = hostileMaxRules
	}
	rules := make([]any, count)
	for i := range rules {
		rules[i] = hostileRule(i, source)
	}
	snapshot := t.cluster(source, func(c int) []any { return rules[c*count/hostileComponents : (c+1)*count/hostileComponents] }).Obj()
	if err := t.admin.Create(ctx, rehometesting.MakeBackup(t.namespace, backupOf(number)).Of(snapshot).Obj()); err != nil {
		return fmt.Errorf("create Backup %d: %w", number, err)
	}
	return nil
}

func backupOf(number int) string { return fmt.Sprintf("hostile-backup-%d", number) }

// createCluster creates a Cluster that names a Backup for each component, and its Rehoming with all consents.
func (t *hostileTenant) createCluster(ctx context.Context, number int, numbers []int) error {
	name := fmt.Sprintf("hostile%d", number)
	backups := map[string]any{}
	for c := range hostileComponents {
		backups[hostileComponent(c)] = map[string]string{"name": backupOf(numbers[(number+c)%len(numbers)])}
	}
	annotation, err := json.Marshal(backups)
	if err != nil {
		return err
	}
	cluster := t.cluster(name, func(c int) []any { return []any{hostileRule(c, source), hostileRule(c, "other"), hostileRule(c, name)} }).
		Annotation(kubeblocks.AnnotationRestoreFromBackup, string(annotation)).Obj()
	cluster.SetLabels(map[string]string{fakekubeblocks.LabelIgnored: "true"})
	rehoming := &v1alpha1.Rehoming{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: name}}
	rehoming.Spec.Consents = []v1alpha1.Consent{v1alpha1.ConsentScopeUnscoped, v1alpha1.ConsentRestoreThirdParty, v1alpha1.ConsentRollingUpdate}
	for _, object := range []client.Object{rehoming, cluster} {
		if err := t.admin.Create(ctx, object); err != nil {
			return fmt.Errorf("create %T %s: %w", object, name, err)
		}
	}
	return nil
}

// cluster builds a Cluster whose components have these rules.
func (t *hostileTenant) cluster(name string, rules func(component int) []any) *rehometesting.ClusterWrapper {
	w := rehometesting.MakeCluster(rehometesting.V10(), t.namespace, name)
	for c := range hostileComponents {
		w.Component(hostileComponent(c), map[string]any{"topologySpreadConstraints": rules(c)})
	}
	return w
}

func hostileComponent(number int) string { return fmt.Sprintf("component-%d", number) }

func hostileRule(number int, cluster string) any {
	return map[string]any{
		"maxSkew": int64(1), "topologyKey": fmt.Sprintf("topology-%d", number%hostileComponents), "whenUnsatisfiable": "ScheduleAnyway",
		"labelSelector": map[string]any{"matchLabels": map[string]any{kubeblocks.LabelInstance: cluster, "number": fmt.Sprint(number)}},
	}
}

// work is the tenant's controller: it changes all of its Clusters again and again, until the context ends.
func (t *hostileTenant) work(ctx context.Context) error {
	ticker := time.NewTicker(touchInterval / time.Duration(len(t.clusters)))
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		cluster := &kubeblocks.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: t.clusters[i%len(t.clusters)]}}
		touch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"metadata":{"annotations":{"example.com/touched":"%d"}}}`, i))
		if err := t.admin.Patch(ctx, cluster, touch); err != nil && ctx.Err() == nil {
			return fmt.Errorf("change Cluster %s: %w", cluster.Name, err)
		}
	}
}
