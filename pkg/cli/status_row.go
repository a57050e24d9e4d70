package cli

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	rehomev1alpha1 "github.com/rehome-operator/rehome/api/v1alpha1"
)

// row is a restored Cluster.
type row struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Source    string `json:"source,omitempty"`
	Backup    string `json:"backup,omitempty"`
	// State is the reason of the condition Ready, or Ready.
	State string `json:"state"`
	Ready bool   `json:"ready"`
	// Stalled reports whether somebody has to act.
	Stalled bool         `json:"stalled"`
	Since   *metav1.Time `json:"since,omitempty"`
	Next    string       `json:"next,omitempty"`
	// PendingPods counts the restore Pods without a node.
	PendingPods int                           `json:"pendingPods"`
	Status      rehomev1alpha1.RehomingStatus `json:"status"`
}

// newRows converts Rehomings: those that somebody has to act on first, then those that wait.
func newRows(objects []unstructured.Unstructured) ([]row, error) {
	rows := make([]row, 0, len(objects))
	for i := range objects {
		r, err := newRow(&objects[i])
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b row) int {
		if a.rank() != b.rank() {
			return a.rank() - b.rank()
		}
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	return rows, nil
}

func (r row) rank() int {
	switch {
	case r.Stalled:
		return 0
	case !r.Ready:
		return 1
	}
	return 2
}

// attemptsLeft returns how often Rehome can still re-create the Restores that wait for that reason.
func attemptsLeft(restores []rehomev1alpha1.RestoreStatus, reason string) string {
	if !slices.Contains(reasonsOfAttempts, reason) {
		return ""
	}
	left := int32(-1)
	for _, r := range restores {
		if r.PolicyReason == reason && (left < 0 || r.AttemptsLeft < left) {
			left = r.AttemptsLeft
		}
	}
	if left < 0 {
		return ""
	}
	return fmt.Sprintf(textAttemptsLeft, left)
}

func newRow(object *unstructured.Unstructured) (row, error) {
	rehoming := &rehomev1alpha1.Rehoming{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, rehoming); err != nil {
		return row{}, fmt.Errorf("decode Rehoming %s/%s: %w", object.GetNamespace(), object.GetName(), err)
	}
	s := rehoming.Status
	r := row{Namespace: rehoming.Namespace, Name: rehoming.Name, State: stateUnknown, Status: s}
	if s.Source != nil {
		r.Source = s.Source.Name
	}
	if len(s.Backups) > 0 {
		r.Backup = s.Backups[0].Name
	}
	for _, restore := range s.Restores {
		r.PendingPods += len(restore.PendingPods)
	}
	reason := ""
	for _, c := range s.Conditions {
		switch c.Type {
		case rehomev1alpha1.ConditionReady:
			r.Ready, reason = c.Status == metav1.ConditionTrue, c.Reason
			r.Since = c.LastTransitionTime.DeepCopy()
		case rehomev1alpha1.ConditionStalled:
			r.Stalled = c.Status == metav1.ConditionTrue
		}
	}
	switch {
	case r.Ready:
		r.State = "Ready"
	case reason != "":
		r.State = reason
		r.Next = nextSteps[reason] + attemptsLeft(s.Restores, reason)
	}
	if r.PendingPods > 0 && !r.Ready {
		r.State += fmt.Sprintf(" (%d Pods)", r.PendingPods)
	}
	return r, nil
}
