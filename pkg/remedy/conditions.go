package remedy

import (
	"cmp"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
)

func conditionTrue(reason, message string) metav1.Condition {
	return metav1.Condition{Status: metav1.ConditionTrue, Reason: reason, Message: message}
}

func conditionUnknown(reason, message string) metav1.Condition {
	return metav1.Condition{Status: metav1.ConditionUnknown, Reason: reason, Message: message}
}

// condition returns the condition PolicyRehomed because of an obstacle.
func (o *Obstacle) condition() metav1.Condition {
	return metav1.Condition{Status: cmp.Or(o.Status, metav1.ConditionUnknown), Reason: o.Reason, Message: o.Message}
}

func conditionFalse(reason, format string, args ...any) *metav1.Condition {
	return &metav1.Condition{Status: metav1.ConditionFalse, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// pendingAction is conditionFalse for an action that is due: in mode Observe it is only reported.
func (d *decision) pendingAction(reason, format string, args ...any) *metav1.Condition {
	condition := conditionFalse(reason, format, args...)
	if d.Mode == configv1alpha1.Observe {
		condition.Reason, condition.Message = v1alpha1.ReasonObserved, observed+condition.Message
	}
	return condition
}

// withRules appends the list of inherited rules to a condition's message.
func withRules(c metav1.Condition, rules string) metav1.Condition {
	if rules != "" {
		c.Message += " " + rules
	}
	return c
}

func policyRehomed(c RestoreConditions) metav1.Condition { return c.PolicyRehomed }
func podsScheduled(c RestoreConditions) metav1.Condition { return c.PodsScheduled }
