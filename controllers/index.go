package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// indexOf is the name of the index of cached objects by the value of a label.
func indexOf(label string) string { return "metadata.labels." + label }

// labelled selects the cached objects in a Namespace that have a label of that value, by the index. A selector of labels goes through
// all that there is in the Namespace, and a Cluster's neighbours can be many.
func labelled(namespace, label, value string) []client.ListOption {
	return []client.ListOption{client.InNamespace(namespace), client.MatchingFields{indexOf(label): value}}
}

// OfCluster selects those of the Components, Restores and waiting Pods in a cache that are labelled with a Cluster's name. The cache
// needs the indexes of AddIndexes.
func OfCluster(c *kubeblocks.Cluster) []client.ListOption {
	return labelled(c.Namespace, kubeblocks.LabelInstance, c.Name)
}

// AddIndexes adds the indexes to a cache that a ClusterReconciler reads by.
func AddIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	for label, objects := range map[string][]client.Object{
		kubeblocks.LabelInstance: {&kubeblocks.Component{}, &kubeblocks.Restore{}, &corev1.Pod{}},
		kubeblocks.LabelRestore:  {&corev1.Pod{}},
	} {
		value := func(obj client.Object) []string { return []string{obj.GetLabels()[label]} }
		for _, obj := range objects {
			if err := indexer.IndexField(ctx, obj, indexOf(label), value); err != nil {
				return fmt.Errorf("index %T by %s: %w", obj, label, err)
			}
		}
	}
	return nil
}
