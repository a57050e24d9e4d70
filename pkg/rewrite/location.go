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
	name = strings.NewReplacer("-", "", "_", "", ".", "").Replace(strings.ToLower(name))
	return isTopologyDomain(domain) || domain != "" && slices.Contains(placeNames, name) || isPool(name) || slices.Contains(poolLabels, key)
}

// placeNames are the names of places in labels with a prefix, such as openebs.io/nodename. Without a prefix, a label is the site's own.
var placeNames = []string{"hostname", "nodename", "zone", "region", "faultdomain"}

// poolLabels are those of clouds. Elsewhere, a label such as "pool" describes a kind of node instead.
var poolLabels = []string{"worker.gardener.cloud/pool", "k8s.scaleway.com/pool"}

// isTopologyDomain reports whether all labels with this prefix say where a node is, such as topology.ebs.csi.aws.com,
// csi.hetzner.cloud and directpv.min.io.
func isTopologyDomain(domain string) bool {
	parts := strings.Split(domain, ".")
	return parts[0] == "topology" || parts[0] == "failure-domain" || slices.Contains(parts, "csi") || parts[0] == "directpv"
}

// isPool reports whether a label names a group of nodes that is created and deleted together, such as gke-nodepool and
// nodegroup-name.
func isPool(name string) bool {
	return slices.ContainsFunc(poolNames, func(part string) bool { return strings.Contains(name, part) })
}

var poolNames = []string{"nodepool", "nodegroup", "agentpool", "poolname", "poolid", "instancegroup", "provisionername"}
