package testing

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// Apart returns a scheduling policy with required anti-affinity per node against the Pods of the named clusters.
func Apart(clusters ...string) map[string]any {
	selectors := make([]map[string]any, 0, len(clusters))
	for _, cluster := range clusters {
		selectors = append(selectors, map[string]any{kubeblocks.LabelInstance: cluster})
	}
	return ApartBy(selectors...)
}

// ApartBy returns a scheduling policy with required anti-affinity per node against the Pods with the labels of each selector.
func ApartBy(selectors ...map[string]any) map[string]any {
	terms := make([]any, 0, len(selectors))
	for _, labels := range selectors {
		terms = append(terms, map[string]any{
			"labelSelector": map[string]any{"matchLabels": labels},
			"topologyKey":   corev1.LabelHostname,
		})
	}
	return map[string]any{"affinity": map[string]any{"podAntiAffinity": map[string]any{
		"requiredDuringSchedulingIgnoredDuringExecution": terms,
	}}}
}
