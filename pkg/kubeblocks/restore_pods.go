package kubeblocks

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// SelectsRestorePods reports whether a selector that selects database Pods surely selects the Pods that restore their volumes, too. It is
// false for a label that not every release of the version gives both alike: in 1.0.0, all restore Pods have the name of the first
// database Pod, and none has the labels of the Cluster's owner.
func (v Version) SelectsRestorePods(selector *metav1.LabelSelector) bool {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return false
	}
	requirements, _ := parsed.Requirements()
	return !slices.ContainsFunc(requirements, func(r labels.Requirement) bool {
		return !v.labelsAlike(r.Key()) && !r.Matches(restorePodLabels)
	})
}

// restorePodLabels are those that restore Pods have where database Pods have another value, or none.
var restorePodLabels = labels.Set{LabelManagedBy: ManagedByDataProtection, LabelRestore: ""}

// labelsAlike reports whether a restore Pod has the value of a label that the database Pod has whose volumes it writes.
func (v Version) labelsAlike(key string) bool {
	switch key {
	case LabelInstance, LabelComponentName:
		return true
	case LabelWorkload, LabelShardingName:
		return v.LabelsRestorePods()
	}
	return false
}
