package rewrite

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// meaning is what a label value says about the cluster of the Pods that carry it.
type meaning int

const (
	// noIdentity: the key does not identify a cluster.
	noIdentity meaning = iota
	// ofSource: the value names a source.
	ofSource
	// unmappable: the value names a shard of a source, and KubeBlocks names the target's shards at random; or it is a UID,
	// and the source's is not known.
	unmappable
	// ofOther: the value names another cluster.
	ofOther
)

// renamer maps the identifying label values of the sources to those of the target.
type renamer struct {
	sources []Source
	// components holds the components of each source.
	components []components
	target     Identity
	// nameKeys are the keys whose value is a cluster's name.
	nameKeys []string
	// literalKeys are the site's identity labels that the owner of a source gave its Pods: the target's Pods have the same value.
	literalKeys []string
	// live says that the policies of the sources are the target's own: a rule that names the target is one of its own.
	live  bool
	valid *validator
	// last is the result of the last call of info: most rules of a policy have the same selector.
	last selectorInfo
}

func newRenamer(sources []Source, target Identity, identityLabels []string) renamer {
	r := renamer{sources: sources, target: target, nameKeys: []string{LabelInstance}, valid: newValidator()}
	for _, key := range identityLabels {
		if key != LabelInstance && slices.ContainsFunc(sources, func(s Source) bool { return s.hasLiteral(key) }) {
			r.literalKeys = append(r.literalKeys, key)
		} else {
			r.nameKeys = append(r.nameKeys, key)
		}
	}
	for i := range sources {
		byName := make(components, len(sources[i].Components))
		for j := range sources[i].Components {
			byName[sources[i].Components[j].Name] = &sources[i].Components[j]
		}
		r.components = append(r.components, byName)
	}
	return r
}

// hasLiteral reports whether the owner gave Pods of the source a label with its name. A restored cluster has the same label.
func (s *Source) hasLiteral(key string) bool {
	return slices.ContainsFunc(s.Components, func(c Component) bool {
		return slices.ContainsFunc(c.Labels, func(labels map[string]string) bool { return labels[key] == s.Name })
	})
}

// identifies reports whether the values of a key identify clusters.
func (r *renamer) identifies(key string) bool {
	switch key {
	case LabelWorkload, LabelPodName, LabelInstanceName, LabelStatefulSetPod, LabelClusterUID:
		return true
	}
	return slices.Contains(r.nameKeys, key)
}

// rename returns which cluster a label value names and, for ofSource, the value of the target. That is empty for a UID that
// is not known yet. Whole names are compared: my1 is no part of my10.
func (r *renamer) rename(key, value string) (renamed string, m meaning) {
	if !r.identifies(key) {
		return "", r.meaningOfComponent(key, value)
	}
	for i := range r.sources {
		if renamed, m := r.renameOf(i, key, value); m != ofOther {
			return renamed, m
		}
	}
	return "", ofOther
}

func (r *renamer) renameOf(i int, key, value string) (string, meaning) {
	source := &r.sources[i]
	if key == LabelClusterUID {
		switch source.UID {
		case "":
			return "", unmappable
		case types.UID(value):
			return string(r.target.UID), ofSource
		}
		return "", ofOther
	}
	rest, ok := strings.CutPrefix(value, source.Name)
	if !ok {
		return "", ofOther
	}
	return r.target.Name + rest, r.components[i].meaningOf(key, rest)
}

// components holds the components of a source by name.
type components map[string]*Component

// meaningOf returns the meaning of a value that starts with the source's name and ends with rest.
func (c components) meaningOf(key, rest string) meaning {
	rest, derived := strings.CutPrefix(rest, "-")
	switch key {
	case LabelWorkload:
		if derived {
			return c.meaningOfWorkload(rest)
		}
	case LabelPodName, LabelInstanceName, LabelStatefulSetPod:
		if workload, ok := cutOrdinal(rest); derived && ok {
			return c.meaningOfPods(workload)
		}
	default:
		if !derived && rest == "" {
			return ofSource
		}
	}
	return ofOther
}

// meaningOfWorkload returns the meaning of a workload's name without the cluster's. It names a component, or a shard by the
// name of its sharding and a suffix.
func (c components) meaningOfWorkload(workload string) meaning {
	if component, ok := c[workload]; ok && !component.Sharding {
		return ofSource
	}
	if i := strings.LastIndexByte(workload, '-'); i > 0 && i < len(workload)-1 {
		if sharding, ok := c[workload[:i]]; ok && sharding.Sharding {
			return unmappable
		}
	}
	return ofOther
}

// meaningOfPods returns the meaning of a Pod's name without the cluster's and the ordinal. It names a workload, or a workload
// and one of its instance templates.
func (c components) meaningOfPods(name string) meaning {
	m := c.meaningOfWorkload(name)
	for i := strings.LastIndexByte(name, '-'); i > 0 && m != ofSource; i = strings.LastIndexByte(name[:i], '-') {
		if of := c.meaningOfWorkload(name[:i]); of != ofOther && c.hasTemplate(name[:i], name[i+1:]) {
			m = of
		}
	}
	return m
}

// hasTemplate reports whether a workload has an instance template.
func (c components) hasTemplate(workload, template string) bool {
	component, ok := c[workload]
	if !ok {
		component = c[workload[:strings.LastIndexByte(workload, '-')]]
	}
	return slices.Contains(component.Templates, template)
}

// cutOrdinal removes "-" and a number from the end of a Pod's name.
func cutOrdinal(name string) (string, bool) {
	i := strings.LastIndexByte(name, '-')
	if i < 0 || i == len(name)-1 || strings.Trim(name[i+1:], "0123456789") != "" {
		return "", false
	}
	return name[:i], true
}

// isShard reports whether a component's name is a sharding's and a suffix.
func isShard(component, sharding string) bool {
	suffix, ok := strings.CutPrefix(component, sharding+"-")
	return ok && suffix != "" && !strings.Contains(suffix, "-")
}

// meaningOfComponent returns unmappable for the name of a shard. Other component names identify no cluster.
func (r *renamer) meaningOfComponent(key, value string) meaning {
	if key != LabelComponentName {
		return noIdentity
	}
	for _, of := range r.components {
		if of.meaningOfWorkload(value) == unmappable {
			return unmappable
		}
	}
	return noIdentity
}
