package peer

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/rewrite"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
	"github.com/rehome-operator/rehome/test/e2e/differential"
)

// component is the one that every shape has.
const component = "mysql"

// original is the source that the shapes' rules are put into.
func original() *unstructured.Unstructured {
	return rehometesting.MakeCluster(rehometesting.V10(), metav1.NamespaceDefault, differential.Source).Spec(map[string]any{
		"terminationPolicy": "Delete",
		"componentSpecs":    []any{map[string]any{"name": component, "componentDef": component, "replicas": int64(3)}},
	}).Obj()
}

// trialOf makes the Backup of a shape, as KubeBlocks does.
func trialOf(shape differential.Shape) (*differential.Case, error) {
	snapshot, err := shape.SnapshotLike(original())
	if err != nil {
		return nil, fmt.Errorf("make the snapshot of shape %s: %w", shape.Name, err)
	}
	backup := rehometesting.MakeBackup(shape.From, differential.Backup).Snapshot(string(snapshot)).Obj()
	return &differential.Case{Shape: shape, Backup: backup, Snapshot: snapshot}, nil
}

// restoredAs is the Cluster that somebody makes of the snapshot to have it restored, the way KubeBlocks documents it.
func restoredAs(t *differential.Case, namespace, name string) (*unstructured.Unstructured, error) {
	var snapshot unstructured.Unstructured
	if err := utiljson.Unmarshal(t.Snapshot, &snapshot.Object); err != nil { // with integers, as the API server answers
		return nil, fmt.Errorf("read the snapshot of shape %s: %w", t.Name, err)
	}
	return rehometesting.MakeCluster(rehometesting.V10(), namespace, name).
		RestoredFrom(component, differential.Backup).
		Spec(snapshot.Object["spec"].(map[string]any)).Obj(), nil
}

// judge is the verdict on the rules of a Cluster.
func judge(t *differential.Case, cluster *unstructured.Unstructured) (differential.Verdict, error) {
	data, err := json.Marshal(cluster)
	if err != nil {
		return differential.Verdict{}, err
	}
	policies, err := differential.ClusterPolicies(data)
	return t.Judge(policies), err
}

// judgeRehome is the verdict on what Rehome makes of the rules in a Backup.
func judgeRehome(t *differential.Case) (differential.Verdict, error) {
	outcome, err := t.Rewrite(t.Snapshot, rewrite.Options{})
	return t.Judge(outcome.Policies), err
}

// createNamespace creates a Namespace unless it is there.
func createNamespace(ctx context.Context, c client.Client, name string, labels map[string]string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	if err := c.Create(ctx, namespace); client.IgnoreAlreadyExists(err) != nil {
		return fmt.Errorf("create Namespace %s: %w", name, err)
	}
	return nil
}

// setForcing has the policy hold in a Namespace that is there.
func setForcing(ctx context.Context, c client.Client, name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:%q}}}`, forcedLabel, forcedValue)
	if err := c.Patch(ctx, namespace, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return fmt.Errorf("label Namespace %s: %w", name, err)
	}
	return nil
}

// forcing are the labels of a Namespace in which the policy holds.
func forcing() map[string]string { return map[string]string{forcedLabel: forcedValue} }

func sameSpec(a, b *unstructured.Unstructured) bool {
	return equality.Semantic.DeepEqual(a.Object["spec"], b.Object["spec"])
}
