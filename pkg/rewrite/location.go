package rewrite

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// IsLocation reports whether a node label identifies a node, its zone, its region or its pool. Storage drivers and clouds have keys
// of their own.
func IsLocation(key string) bool {
	switch key {
	case corev1.LabelHostname, corev1.LabelTopologyZone, corev1.LabelTopologyRegion,
		corev1.LabelFailureDomainBetaZone, corev1.LabelFailureDomainBetaRegion:
		return true
	}
	domain, name, ok := strings.Cut(key, "/")
	if !ok {
		domain, name = "", key
	}
	return isTopologyDomain(domain) || isPool(name)
}

// isTopologyDomain reports whether all labels with this prefix say where a node is, such as topology.ebs.csi.aws.com and
// csi.hetzner.cloud.
func isTopologyDomain(domain string) bool {
	parts := strings.Split(domain, ".")
	return parts[0] == "topology" || parts[0] == "failure-domain" || slices.Contains(parts, "csi")
}

// isPool reports whether a label names a group of nodes that is created and deleted together, such as gke-nodepool and
// nodegroup-name. A label such as "pool" describes a kind of node instead.
func isPool(name string) bool {
	name = strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(name))
	return slices.ContainsFunc([]string{"nodepool", "nodegroup", "agentpool", "poolname", "poolid"}, func(part string) bool {
		return strings.Contains(name, part)
	})
}
