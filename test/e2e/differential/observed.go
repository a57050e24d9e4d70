package differential

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// NewObserved returns the case of a shape whose result was observed. Its backup and its Clusters are in no API server.
func NewObserved(shape Shape) (*Case, error) {
	cluster := func(name, namespace string, spec map[string]any) *unstructured.Unstructured {
		obj := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
		obj.SetGroupVersionKind(kubeblocks.AppsV1.WithKind("Cluster"))
		obj.SetNamespace(namespace)
		obj.SetName(name)
		return obj
	}
	source := cluster(Source, shape.From, shape.Rules)
	source.SetUID("source")
	c := &Case{Shape: shape, Backup: rehometesting.MakeBackup(shape.From, Backup).Of(source).Obj()}
	var err error
	if c.Snapshot, err = json.Marshal(source); err != nil {
		return nil, err
	}
	c.Restored, err = json.Marshal(cluster(Target, shape.To, shape.Observed))
	return c, err
}
