package manifest

import (
	"slices"
	"strings"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// carriedMetadata are the fields that the API server and controllers gave the source.
var carriedMetadata = []string{
	"uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink",
	"ownerReferences", "managedFields", "finalizers",
}

// carriedKeys are annotations and labels of the source's tools.
var carriedKeys = []string{
	"kubectl.kubernetes.io/last-applied-configuration",
	"helm.sh/chart",
}

// carriedPrefixes are those of annotations and labels by which Helm, Argo CD, Flux and Rehome own an object.
var carriedPrefixes = []string{
	"meta.helm.sh/", "helm.sh/", "argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/", "fluxcd.io/",
	"rehome.kubeblocks.io/",
}

// carriedAddresses are the annotations of a Service that hold an address or an instance of a load balancer.
var carriedAddresses = []string{
	"metallb.universe.tf/loadBalancerIPs", "metallb.io/loadBalancerIPs", "kube-vip.io/loadbalancerIPs",
	"io.cilium/lb-ipam-ips", "lbipam.cilium.io/ips",
	"service.beta.kubernetes.io/azure-load-balancer-ipv4", "service.beta.kubernetes.io/azure-load-balancer-ipv6",
	"service.beta.kubernetes.io/aws-load-balancer-eip-allocations", "service.beta.kubernetes.io/aws-load-balancer-private-ipv4-addresses",
	"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-id", "service.beta.kubernetes.io/alicloud-loadbalancer-id",
	"service.kubernetes.io/tke-existed-lbid", "kubernetes.io/elb.id", "networking.gke.io/load-balancer-ip-addresses",
}

// carrier collects what belongs to the source's life.
type carrier struct {
	keep     bool
	findings []rewrite.Finding
	paths    []string
}

// carried returns a finding for each field that belongs to the source's life, and the paths to remove. A field that holds nothing
// has no finding.
func carried(cluster object, in Input) ([]rewrite.Finding, []string) {
	c := &carrier{keep: in.Keep}
	root := located{cluster, ""}
	c.metadata(root.member("metadata"))
	spec := root.member("spec")
	plain, shards := components(cluster)
	for _, component := range slices.Concat([]located{spec}, plain, shards) {
		c.services(component)
		c.field(component, "offlineInstances")
	}
	for _, shard := range shards {
		for _, account := range shard.elements("systemAccounts") {
			c.field(account, "secretRef")
		}
	}
	c.field(root, "status")
	return c.findings, c.paths
}

// field adds a field, if it exists.
func (c *carrier) field(of located, name string) {
	value, ok := of.object[name]
	if !ok {
		return
	}
	path := of.path + "/" + rewrite.Escape(name)
	c.paths = append(c.paths, path)
	if isEmpty(value) {
		return
	}
	text := textDropped
	if c.keep {
		text = textKept
	}
	c.findings = append(c.findings, rewrite.Finding{Path: path, Class: Carried, Message: Describe(path) + text})
}

func (c *carrier) metadata(metadata located) {
	for _, name := range carriedMetadata {
		c.field(metadata, name)
	}
	annotations := metadata.member("annotations")
	for _, key := range annotations.keys() {
		if isOwnership(key) {
			c.field(annotations, key)
		}
	}
	labels := metadata.member("labels")
	for _, key := range labels.keys() {
		// Argo CD writes the name of its Application into the label of the instance, and deletes what has it and is not in Git.
		if isOwnership(key) || key == kubeblocks.LabelInstance || key == kubeblocks.LabelManagedBy && labels.text(key) == "Helm" {
			c.field(labels, key)
		}
	}
}

// isOwnership reports whether an annotation or label says which tool or operation an object belongs to.
func isOwnership(key string) bool {
	return kubeblocks.IsOperationKey(key) || slices.Contains(carriedKeys, key) ||
		slices.ContainsFunc(carriedPrefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}

// services adds what the source's Services have for themselves: ports of nodes, addresses, and selectors by its name.
func (c *carrier) services(of located) {
	for _, service := range of.elements("services") {
		annotations := service.member("annotations")
		for _, key := range annotations.keys() {
			if slices.Contains(carriedAddresses, key) {
				c.field(annotations, key)
			}
		}
		spec := service.member("spec")
		for _, name := range []string{"loadBalancerIP", "externalIPs", "healthCheckNodePort"} {
			c.field(spec, name)
		}
		if ip := spec.text("clusterIP"); ip != "None" {
			c.field(spec, "clusterIP")
			c.field(spec, "clusterIPs")
		}
		for _, port := range spec.elements("ports") {
			c.field(port, "nodePort")
		}
		c.field(spec.member("selector"), kubeblocks.LabelInstance)
	}
}

// Describe names a field by its path: "metadata.annotations[helm.sh/chart]" is easier to read than a JSON Pointer.
func Describe(path string) string {
	var out strings.Builder
	for _, part := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch {
		case strings.ContainsAny(part, "./"), strings.Trim(part, "0123456789") == "":
			out.WriteString("[" + part + "]")
		case out.Len() == 0:
			out.WriteString(part)
		default:
			out.WriteString("." + part)
		}
	}
	return out.String()
}
