package controllers

import (
	"encoding/json"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
)

const (
	// maxStatus is the size limit of a status as JSON, in bytes.
	maxStatus = 64 << 10
	// maxText is the size limit of a text in a list, in bytes.
	maxText = 1 << 10
	// maxListed is the limit of a list before its size is measured.
	maxListed = 1000
	// maxPendingPods is the limit of the Pods of one Restore.
	maxPendingPods = 20
)

// bound truncates the texts of a status, then halves its largest list until the status is small enough. It returns the number of
// halvings: each list is empty after at most log2(maxListed)+1 of them.
func bound(status *v1alpha1.RehomingStatus) (steps int) {
	lists := listsOf(status)
	for _, list := range lists {
		list.truncate()
	}
	for size := sizeOf(status); size > maxStatus; steps++ {
		largest := slices.MaxFunc(lists, func(a, b *boundedList) int { return a.size - b.size })
		if largest.size == 0 {
			boundConditions(status)
			return steps
		}
		size -= largest.size
		largest.halve()
		size += largest.size
	}
	return steps
}

// boundedList is one list of a status.
type boundedList struct {
	// size is that of the list as JSON; 0 when it is empty.
	size int
	// truncate limits the list and its texts.
	truncate func()
	halve    func()
}

// listsOf returns all lists of a status except the conditions.
func listsOf(status *v1alpha1.RehomingStatus) []*boundedList {
	return []*boundedList{
		listOf(&status.Backups, func(b *v1alpha1.BackupReference) { truncateAll(&b.Namespace, &b.Name) }),
		listOf(&status.Edits, func(e *v1alpha1.EditStatus) { truncateAll(&e.Path, &e.From, &e.To) }),
		listOf(&status.Findings, func(f *v1alpha1.FindingStatus) { truncateAll(&f.Path, &f.Class, &f.Message) }),
		listOf(&status.Actions, func(a *v1alpha1.ActionStatus) { truncateAll(&a.Action, &a.Target.Kind, &a.Target.Name) }),
		listOf(&status.Restores, func(r *v1alpha1.RestoreStatus) {
			truncateAll(&r.Name, &r.Phase, &r.PolicyReason, &r.PodsReason)
			r.PendingPods = r.PendingPods[:min(len(r.PendingPods), maxPendingPods)]
			for i := range r.PendingPods {
				truncateAll(&r.PendingPods[i].Name, &r.PendingPods[i].Reason)
			}
		}),
	}
}

func listOf[T any](items *[]T, truncateItem func(*T)) *boundedList {
	list := &boundedList{}
	measure := func() {
		if list.size = 0; len(*items) > 0 {
			list.size = sizeOf(*items)
		}
	}
	list.truncate = func() {
		*items = (*items)[:min(len(*items), maxListed)]
		for i := range *items {
			truncateItem(&(*items)[i])
		}
		measure()
	}
	list.halve = func() {
		*items = (*items)[:len(*items)/2]
		measure()
	}
	return list
}

func truncateAll(texts ...*string) {
	for _, text := range texts {
		*text = truncate(*text, maxText)
	}
}

var rehomingConditions = []string{
	v1alpha1.ConditionReady, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled,
	v1alpha1.RehomingPolicyRehomed, v1alpha1.RehomingPodsScheduled,
}

// boundConditions keeps Rehome's own conditions only, and truncates their messages.
func boundConditions(status *v1alpha1.RehomingStatus) {
	status.Conditions = slices.DeleteFunc(status.Conditions, func(c metav1.Condition) bool {
		return !slices.Contains(rehomingConditions, c.Type)
	})
	for i := range status.Conditions {
		truncateAll(&status.Conditions[i].Message)
	}
}

func sizeOf(value any) int {
	data, err := json.Marshal(value)
	if err != nil {
		return 0
	}
	return len(data)
}
