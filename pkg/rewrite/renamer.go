package rewrite

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// meaning is what a label value says about the identity of the Pods that carry it.
type meaning int

const (
	// nobody: the key does not identify a cluster.
	nobody meaning = iota
	// ofSource: the value names a source.
	ofSource
	// untold: the value names a shard of a source, and the target's shards have other names, drawn at random; or it is a
	// UID, and that of the source is not known.
	untold
	// ofOther: the value names another cluster.
	ofOther
)

// renamer answers what identifying label values of the sources become for the target.
type renamer struct {
	sources []Source
	// components holds those of each source by name.
	components []components
	target     Identity
	// nameKeys are the keys whose value is a cluster's name.
	nameKeys []string
	valid    *validator
	// last is the selector that was read last: the rules of a policy mostly have the same.
	last reading
}

func newRenamer(sources []Source, target Identity, identityLabels []string) renamer {
	r := renamer{
		sources:  sources,
		target:   target,
		nameKeys: append([]string{LabelInstance}, identityLabels...),
		valid:    newValidator(),
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

// identifies reports whether the values of a key identify clusters.
func (r *renamer) identifies(key string) bool {
	switch key {
	case LabelWorkload, LabelPodName, LabelInstanceName, LabelStatefulSetPod, LabelClusterUID:
		return true
	}
	return slices.Contains(r.nameKeys, key)
}

// rename says whom a label of a Pod names and, for ofSource, what the label is for the target's Pods. The value is empty
// where the target has none yet: its UID before it is created. Values are compared whole: my1 is not a prefix of anything.
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
			return "", untold
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

// components are those of a source, by name.
type components map[string]*Component

// meaningOf says whom a value names that starts with the source's name, by the rest of it.
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

// meaningOfWorkload says whom a workload's name without the cluster's names: a component, or a shard, whose name is its
// sharding's and a suffix.
func (c components) meaningOfWorkload(workload string) meaning {
	if component, ok := c[workload]; ok && !component.Sharding {
		return ofSource
	}
	if i := strings.LastIndexByte(workload, '-'); i > 0 && i < len(workload)-1 {
		if sharding, ok := c[workload[:i]]; ok && sharding.Sharding {
			return untold
		}
	}
	return ofOther
}

// meaningOfPods says whom a Pod's name without the cluster's and the ordinal names: a workload's Pods, or those of one of
// its instance templates.
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

// cutOrdinal cuts "-" and a number off a Pod's name.
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

// meaningOfComponent says whether a component's name is that of a shard. Other component names identify no cluster.
func (r *renamer) meaningOfComponent(key, value string) meaning {
	if key != LabelComponentName {
		return nobody
	}
	for _, of := range r.components {
		if of.meaningOfWorkload(value) == untold {
			return untold
		}
	}
	return nobody
}
