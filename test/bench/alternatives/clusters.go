package alternatives

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/rewrite"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
	"github.com/rehome-operator/rehome/test/e2e/differential"
)

const component = "mysql"

// sourceTemplate is the source without the rules of a shape.
func sourceTemplate() *unstructured.Unstructured {
	return rehometesting.MakeCluster(rehometesting.V10(), metav1.NamespaceDefault, differential.Source).Spec(map[string]any{
		"terminationPolicy": "Delete",
		"componentSpecs":    []any{map[string]any{"name": component, "componentDef": component, "replicas": int64(3)}},
	}).Obj()
}

// caseOf builds the Backup of a shape.
func caseOf(shape differential.Shape) (*differential.Case, error) {
	snapshot, err := shape.SnapshotLike(sourceTemplate())
	if err != nil {
		return nil, fmt.Errorf("make the snapshot of shape %s: %w", shape.Name, err)
	}
	backup := rehometesting.MakeBackup(shape.From, differential.Backup).Snapshot(string(snapshot)).Obj()
	return &differential.Case{Shape: shape, Backup: backup, Snapshot: snapshot}, nil
}

// restoredCluster builds the Cluster that restores a Backup, as KubeBlocks' documentation describes it.
func restoredCluster(c *differential.Case, namespace, name string) (*unstructured.Unstructured, error) {
	var snapshot unstructured.Unstructured
	if err := utiljson.Unmarshal(c.Snapshot, &snapshot.Object); err != nil { // Keeps integers, as the API server does.
		return nil, fmt.Errorf("read the snapshot of shape %s: %w", c.Name, err)
	}
	return rehometesting.MakeCluster(rehometesting.V10(), namespace, name).
		RestoredFrom(component, differential.Backup).
		Spec(snapshot.Object["spec"].(map[string]any)).Obj(), nil
}

func judge(c *differential.Case, cluster *unstructured.Unstructured) (differential.Verdict, error) {
	data, err := json.Marshal(cluster)
	if err != nil {
		return differential.Verdict{}, err
	}
	policies, err := differential.ClusterPolicies(data)
	return c.Judge(policies), err
}

// judgeRehome judges Rehome's rewrite of the rules in a Backup.
func judgeRehome(c *differential.Case) (differential.Verdict, error) {
	outcome, err := c.Rewrite(c.Snapshot, rewrite.Options{})
	return c.Judge(outcome.Policies), err
}

// createNamespace ignores a Namespace that exists.
func createNamespace(ctx context.Context, c client.Client, name string, labels map[string]string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	if err := c.Create(ctx, namespace); client.IgnoreAlreadyExists(err) != nil {
		return fmt.Errorf("create Namespace %s: %w", name, err)
	}
	return nil
}

// policyLabels are the labels of a Namespace that the policy applies to.
func policyLabels() map[string]string { return map[string]string{policyLabel: policyLabelValue} }
