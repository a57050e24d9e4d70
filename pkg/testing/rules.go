package testing

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// Apart returns a scheduling policy with required anti-affinity per node against the Pods of the named clusters.
func Apart(clusters ...string) map[string]any {
	terms := make([]any, 0, len(clusters))
	for _, cluster := range clusters {
		terms = append(terms, map[string]any{
			"labelSelector": map[string]any{"matchLabels": map[string]any{kubeblocks.LabelInstance: cluster}},
			"topologyKey":   corev1.LabelHostname,
		})
	}
	return map[string]any{"affinity": map[string]any{"podAntiAffinity": map[string]any{
		"requiredDuringSchedulingIgnoredDuringExecution": terms,
	}}}
}
