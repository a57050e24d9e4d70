package operator

import (
	"context"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/metrics"
)

// The role is bound only where the metric is on.
//
// +kubebuilder:rbac:roleName=rehome-backups,groups=dataprotection.kubeblocks.io,resources=backups,verbs=list;watch

// addBackups counts Backups for the metrics, where the configuration says so. Only the leader counts.
func addBackups(mgr ctrl.Manager, settings *configv1alpha1.Configuration, now kubeblocks.Served, m *metrics.Metrics) error {
	m.SetBackups(nil)
	if !settings.Metrics.Backups {
		return nil
	}
	client, err := metadata.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("watch Backups: %w", err)
	}
	namespaces := settings.WatchNamespaces
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	judge := audit.NewJudge(audit.Facts{Version: now.Version(), IdentityLabels: settings.IdentityLabels})
	count := &backupCount{judge: func(b *kubeblocks.Backup) audit.Outcome { return judge.Backup(b).Outcome }}
	reflectors := make([]*toolscache.Reflector, 0, len(namespaces))
	for _, namespace := range namespaces {
		backups := client.Resource(kubeblocks.DataProtectionV1alpha1.WithResource("backups")).Namespace(namespace)
		store := count.newStore()
		lister := &backupLister{list: backups.List, watch: backups.Watch, note: store.note}
		reflectors = append(reflectors, toolscache.NewReflectorWithOptions(lister, &metav1.PartialObjectMetadata{}, store,
			toolscache.ReflectorOptions{Name: "backups", TypeDescription: "Backup"}))
	}
	return mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		m.SetBackups(count.byOutcome)
		defer m.SetBackups(nil)
		var group sync.WaitGroup
		for _, r := range reflectors {
			group.Go(func() { r.RunWithContext(ctx) })
		}
		group.Wait()
		return nil
	}))
}
