package audit

import (
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// pod stands for the Pods of one component, or of one instance template, with the labels that are known without them.
type pod struct {
	labels map[string]string
	// absent are labels that other Pods of the cluster have.
	absent map[string]bool
	// names is the beginning of their names, and shards that of the component names of shards.
	names, shards string
	count         int
}

// podsOf returns the Pods of a cluster with the components of a source.
func podsOf(components []rewrite.Component, needs kubeblocks.Needs, cluster rewrite.Identity) []pod {
	keys := map[string]bool{}
	for i := range components {
		for _, labels := range components[i].Labels {
			for key := range labels {
				keys[key] = true
			}
		}
	}
	pods := make([]pod, 0, len(components))
	for i := range components {
		c := &components[i]
		rest := max(needs.Pods[c.Name], 1)
		if len(c.Labels) == len(c.Templates)+1 { // without shard templates
			for j, template := range c.Templates {
				count := needs.Templates[c.Name][template]
				pods = append(pods, podOf(c, c.Labels[j+1], keys, cluster, count))
				rest -= count
			}
		}
		if rest > 0 {
			var labels map[string]string
			if len(c.Labels) > 0 {
				labels = c.Labels[0]
			}
			pods = append(pods, podOf(c, labels, keys, cluster, rest))
		}
	}
	return pods
}

func podOf(c *rewrite.Component, own map[string]string, keys map[string]bool, cluster rewrite.Identity, count int) pod {
	p := pod{labels: map[string]string{}, absent: map[string]bool{}, names: cluster.Name + "-" + c.Name + "-", count: count}
	for key := range keys {
		if _, ok := own[key]; !ok {
			p.absent[key] = true
		}
	}
	maps.Copy(p.labels, own)
	p.labels[rewrite.LabelInstance] = cluster.Name
	if cluster.UID != "" {
		p.labels[rewrite.LabelClusterUID] = string(cluster.UID)
	}
	if c.Sharding {
		p.labels[rewrite.LabelShardingName], p.shards = c.Name, c.Name+"-"
	} else {
		p.labels[rewrite.LabelComponentName] = c.Name
		p.labels[rewrite.LabelWorkload] = cluster.Name + "-" + c.Name
	}
	return p
}

// meets reports whether a requirement is met. One on a label that is not known counts as met: a ComponentDefinition can set it.
func (p *pod) meets(r metav1.LabelSelectorRequirement) bool {
	if prefix, ok := p.begins(r.Key); ok {
		return r.Key == rewrite.LabelComponentName && slices.Contains(r.Values, "") || begins(r, prefix)
	}
	value, known := p.labels[r.Key]
	if !known {
		return !p.absent[r.Key] || r.Operator == metav1.LabelSelectorOpNotIn || r.Operator == metav1.LabelSelectorOpDoesNotExist
	}
	switch r.Operator {
	case metav1.LabelSelectorOpIn:
		return slices.Contains(r.Values, value) || r.Key == rewrite.LabelComponentName && slices.Contains(r.Values, "")
	case metav1.LabelSelectorOpNotIn:
		return !slices.Contains(r.Values, value)
	case metav1.LabelSelectorOpDoesNotExist:
		return false
	}
	return true
}

// begins returns the beginning of a label's value, for one that holds the name of a Pod or of a shard.
func (p *pod) begins(key string) (prefix string, ok bool) {
	switch key {
	case rewrite.LabelPodName, rewrite.LabelInstanceName, rewrite.LabelStatefulSetPod:
		return p.names, true
	case rewrite.LabelWorkload:
		return p.names, p.shards != ""
	case rewrite.LabelComponentName:
		return p.shards, p.shards != ""
	}
	return "", false
}

// begins is meets for a label whose value is known by its prefix only.
func begins(r metav1.LabelSelectorRequirement, prefix string) bool {
	switch r.Operator {
	case metav1.LabelSelectorOpIn:
		return slices.ContainsFunc(r.Values, func(name string) bool { return strings.HasPrefix(name, prefix) })
	case metav1.LabelSelectorOpDoesNotExist:
		return r.Key == rewrite.LabelInstanceName || r.Key == rewrite.LabelStatefulSetPod
	}
	return true
}
