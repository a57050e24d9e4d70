package conformance

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// selectorInfo says whose Pods a selector names and selects.
type selectorInfo struct {
	namesSource, namesTarget, namesShard bool
	// sourceOnly: it selects no stranger. strangersOnly: it selects no Pod of the source.
	sourceOnly, strangersOnly bool
	// namesUID: it names the source by UID. uidOrOther: one requirement accepts that UID or a stranger's value.
	namesUID, uidOrOther bool
}

func (r restore) inspect(s *metav1.LabelSelector) selectorInfo {
	if s == nil {
		return selectorInfo{strangersOnly: true}
	}
	var info selectorInfo
	for key, value := range s.MatchLabels {
		info.add(r, metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpIn, Values: []string{value}})
	}
	for _, requirement := range s.MatchExpressions {
		info.add(r, requirement)
	}
	return info
}

func (i *selectorInfo) add(r restore, q metav1.LabelSelectorRequirement) {
	if !slices.Contains(identityKeys, q.Key) {
		return
	}
	owners := map[owner]bool{}
	for _, value := range q.Values {
		owners[r.owner(q.Key, value)] = true
	}
	i.namesSource = i.namesSource || owners[ownerSource]
	i.namesTarget = i.namesTarget || owners[ownerTarget]
	i.namesShard = i.namesShard || owners[ownerShard]
	i.namesUID = i.namesUID || owners[ownerSource] && q.Key == rewrite.LabelClusterUID
	if q.Operator == metav1.LabelSelectorOpIn {
		i.restrictTo(q.Key, owners)
	}
}

// restrictTo adds a requirement that Pods have a value of one of these owners.
func (i *selectorInfo) restrictTo(key string, owners map[owner]bool) {
	i.sourceOnly = i.sourceOnly || !owners[ownerStranger]
	// The target's values are drawn only together with the source's.
	i.strangersOnly = i.strangersOnly || !owners[ownerSource]
	i.uidOrOther = i.uidOrOther || key == rewrite.LabelClusterUID && owners[ownerSource] && owners[ownerStranger]
}

// owner is the cluster that a label value identifies.
type owner int

const (
	ownerStranger owner = iota
	ownerSource
	ownerTarget
	ownerShard // a shard of the source
)

// owner compares a label value with those of every Pod that the clusters can have.
func (r restore) owner(key, value string) owner {
	for _, m := range allMembers {
		switch {
		case m.labelValue(source, key) == value && m.component == shard:
			return ownerShard
		case m.labelValue(source, key) == value:
			return ownerSource
		case m.labelValue(r.target, key) == value:
			return ownerTarget
		}
	}
	return ownerStranger
}
