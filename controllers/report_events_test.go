package controllers

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// A Restore that a long list left out must not count as one that was never reported: each report would send its event again.
func TestTheLastReasonsOfARestoreThatTheListLeftOutAreItsOwn(t *testing.T) {
	g := NewWithT(t)
	restore := &kubeblocks.Restore{}
	restore.Name = "left-out"
	restore.Status.Conditions = []metav1.Condition{
		{Type: v1alpha1.ConditionPolicyRehomed, Reason: v1alpha1.ReasonVolumesBound},
		{Type: v1alpha1.ConditionPodsScheduled, Reason: v1alpha1.ReasonUnschedulable},
	}
	before := v1alpha1.RehomingStatus{
		Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady}},
		Restores:   []v1alpha1.RestoreStatus{{Name: "listed"}},
		Counts:     &v1alpha1.Counts{Restores: 2},
	}

	policy, pods := reasonsBefore(before, restore)
	g.Expect([]string{policy, pods}).To(Equal([]string{v1alpha1.ReasonVolumesBound, v1alpha1.ReasonUnschedulable}))

	before.Counts.Restores = 1
	policy, pods = reasonsBefore(before, restore)
	g.Expect([]string{policy, pods}).To(Equal([]string{"", ""}), "the last report was not about it")
}
