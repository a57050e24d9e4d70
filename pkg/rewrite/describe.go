package rewrite

import corev1 "k8s.io/api/core/v1"

// describe names a term in words: "required anti-affinity per node against Pods of cluster my1".
func (t term) describe(cluster string) string {
	strength := "preferred"
	if t.required {
		strength = "required"
	}
	preposition := "with"
	switch t.kind {
	case antiAffinity:
		preposition = "against"
	case spread:
		preposition = "of"
	}
	return strength + " " + string(t.kind) + " per " + domain(t.topologyKey) + " " + preposition + " Pods of cluster " + cluster
}

// domain names a topology key in words.
func domain(topologyKey string) string {
	switch topologyKey {
	case corev1.LabelHostname:
		return "node"
	case corev1.LabelTopologyZone:
		return "zone"
	case corev1.LabelTopologyRegion:
		return "region"
	}
	return topologyKey
}
