package fakekubeblocks

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// LabelIgnored marks a Cluster for which nothing is created.
const LabelIgnored = "bench.rehome.kubeblocks.io/ignored"

// components creates the Components of restored Clusters, and copies the Clusters' rules to them.
type components struct{ client.Client }

func setUpComponents(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("fake-components").
		For(&kubeblocks.Cluster{}).
		Owns(&kubeblocks.Component{}).
		Complete(components{mgr.GetClient()})
}

func (r components) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	cluster := &kubeblocks.Cluster{}
	if err := r.Get(ctx, req.NamespacedName, cluster); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if cluster.Labels[LabelIgnored] != "" || cluster.Annotations[kubeblocks.AnnotationRestoreFromBackup] == "" || !cluster.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	for i := range cluster.Spec.ComponentSpecs {
		if err := r.sync(ctx, cluster, &cluster.Spec.ComponentSpecs[i]); err != nil {
			return ctrl.Result{}, err
		}
	}
	return ctrl.Result{}, nil
}

// sync creates a Component, or copies the Cluster's rules to it.
func (r components) sync(ctx context.Context, cluster *kubeblocks.Cluster, spec *kubeblocks.ComponentSpec) error {
	policy, err := asMap(spec.SchedulingPolicy)
	if err != nil {
		return err
	}
	component := &kubeblocks.Component{}
	key := types.NamespacedName{Namespace: cluster.Namespace, Name: cluster.Name + "-" + spec.Name}
	err = r.Get(ctx, key, component)
	switch {
	case apierrors.IsNotFound(err):
		owner := ownerOf(generation.Apps.WithKind("Cluster"), cluster)
		err = r.Create(ctx, rehometesting.MakeComponent(owner, spec.Name).Policy(policy).Obj())
		return wrap(client.IgnoreAlreadyExists(err), "create Component "+key.Name)
	case err != nil:
		return fmt.Errorf("get Component: %w", err)
	case equality.Semantic.DeepEqual(spec.SchedulingPolicy, component.Spec.SchedulingPolicy):
		return nil
	}
	err = r.Patch(ctx, component, merge(map[string]any{"spec": map[string]any{"schedulingPolicy": policy}}))
	return wrap(err, "patch Component "+key.Name)
}
