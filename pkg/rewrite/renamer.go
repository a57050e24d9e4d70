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
	target  Identity
	// nameKeys are the keys whose value is a cluster's name.
	nameKeys []string
}

func newRenamer(sources []Source, target Identity, identityLabels []string) renamer {
	return renamer{sources: sources, target: target, nameKeys: append([]string{LabelInstance}, identityLabels...)}
}

// identifies reports whether the values of a key identify clusters.
func (r renamer) identifies(key string) bool {
	switch key {
	case LabelWorkload, LabelPodName, LabelInstanceName, LabelStatefulSetPod, LabelClusterUID:
		return true
	}
	return slices.Contains(r.nameKeys, key)
}

// rename says whom a label of a Pod names and, for ofSource, what the label is for the target's Pods. The value is empty
// where the target has none yet: its UID before it is created. Values are compared whole: my1 is not a prefix of anything.
func (r renamer) rename(key, value string) (renamed string, m meaning) {
	if !r.identifies(key) {
		return "", r.meaningOfComponent(key, value)
	}
	for i := range r.sources {
		if renamed, m := r.renameOf(&r.sources[i], key, value); m != ofOther {
			return renamed, m
		}
	}
	return "", ofOther
}

func (r renamer) renameOf(source *Source, key, value string) (string, meaning) {
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
	return r.target.Name + rest, source.meaningOf(key, rest)
}

// meaningOf says whom a value names that starts with the source's name, by the rest of it.
func (s *Source) meaningOf(key, rest string) meaning {
	rest, derived := strings.CutPrefix(rest, "-")
	switch key {
	case LabelWorkload:
		if derived {
			return s.meaningOfWorkload(rest)
		}
	case LabelPodName, LabelInstanceName, LabelStatefulSetPod:
		if workload, ok := cutOrdinal(rest); derived && ok {
			return s.meaningOfPods(workload)
		}
	default:
		if !derived && rest == "" {
			return ofSource
		}
	}
	return ofOther
}

// meaningOfWorkload says whom a workload's name without the cluster's names.
func (s *Source) meaningOfWorkload(workload string) meaning {
	m := ofOther
	for _, c := range s.Components {
		switch {
		case !c.Sharding && workload == c.Name:
			return ofSource
		case c.Sharding && isShard(workload, c.Name):
			m = untold
		}
	}
	return m
}

// meaningOfPods says whom a Pod's name without the cluster's and the ordinal names: a workload's Pods, or those of one of
// its instance templates.
func (s *Source) meaningOfPods(name string) meaning {
	m := s.meaningOfWorkload(name)
	for _, c := range s.Components {
		for _, template := range c.Templates {
			workload, ok := strings.CutSuffix(name, "-"+template)
			if !ok {
				continue
			}
			if !c.Sharding && workload == c.Name {
				return ofSource
			}
			if c.Sharding && isShard(workload, c.Name) {
				m = untold
			}
		}
	}
	return m
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
func (r renamer) meaningOfComponent(key, value string) meaning {
	if key != LabelComponentName {
		return nobody
	}
	for i := range r.sources {
		if r.sources[i].meaningOfWorkload(value) == untold {
			return untold
		}
	}
	return nobody
}
