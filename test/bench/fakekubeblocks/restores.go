package fakekubeblocks

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// restores creates the Restore of each Component.
type restores struct{ client.Client }

func setUpRestores(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("fake-restores").
		For(&kubeblocks.Component{}).
		Owns(&kubeblocks.Restore{}).
		Complete(restores{mgr.GetClient()})
}

func (r restores) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	component := &kubeblocks.Component{}
	if err := r.Get(ctx, req.NamespacedName, component); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	var existing kubeblocks.RestoreList
	err := r.List(ctx, &existing, client.InNamespace(component.Namespace), client.MatchingLabels{
		kubeblocks.LabelInstance:      component.Labels[kubeblocks.LabelInstance],
		kubeblocks.LabelComponentName: component.Labels[kubeblocks.LabelComponentName],
	})
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("list Restores: %w", err)
	}
	if len(existing.Items) > 0 {
		return ctrl.Result{}, nil
	}
	return ctrl.Result{}, r.create(ctx, component)
}

func (r restores) create(ctx context.Context, component *kubeblocks.Component) error {
	backup, err := r.backupOf(ctx, component)
	if err != nil {
		return err
	}
	policy, err := asMap(component.Spec.SchedulingPolicy)
	if err != nil {
		return err
	}
	owner := ownerOf(generation.Apps.WithKind("Component"), component)
	name := fmt.Sprintf("%s-%.8s-preparedata", component.Name, component.UID)
	err = r.Create(ctx, rehometesting.MakeRestore(component.Namespace, name).Of(owner).Backup(backup).Policy(policy).Obj())
	return wrap(client.IgnoreAlreadyExists(err), "create Restore "+name)
}

// backupOf returns the name of the Backup that a Component's Cluster is restored from.
func (r restores) backupOf(ctx context.Context, component *kubeblocks.Component) (string, error) {
	cluster := &kubeblocks.Cluster{}
	key := types.NamespacedName{Namespace: component.Namespace, Name: metav1.GetControllerOf(component).Name}
	if err := r.Get(ctx, key, cluster); err != nil {
		return "", fmt.Errorf("get Cluster: %w", err)
	}
	backups, err := kubeblocks.BackupsOf(cluster, nil)
	switch {
	case err != nil:
		return "", err
	case len(backups) == 0:
		return "", fmt.Errorf("the Cluster %s names no Backup", key)
	}
	return backups[0].Name, nil
}
