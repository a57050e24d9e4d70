package remedy

import (
	"cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
)

// summary returns the conditions of the Cluster: those of the Restore that is worst off. Where no Restore has stale rules, the
// Cluster's own rules decide.
func (d *decision) summary() RestoreConditions {
	c := RestoreConditions{d.summarize(policyRehomed), d.clusterPods()}
	if c.PolicyRehomed.Status != metav1.ConditionTrue {
		return c
	}
	own := d.rehomed()
	if waits := cmp.Or(d.rulesFirst(d.anyRefusal(), anyEdit), d.componentFirst(anyComponent)); waits != nil {
		own = *waits
	} else if d.pods != nil {
		own = *d.pods
	}
	if len(d.Restores) == 0 || own.Status != metav1.ConditionTrue {
		c.PolicyRehomed = withRules(own, d.rules)
	}
	return c
}

// summarize returns one condition for all Restores: the first that is False, else the first that is Unknown, else the last.
func (d *decision) summarize(of func(RestoreConditions) metav1.Condition) metav1.Condition {
	found := conditionTrue(v1alpha1.ReasonScheduled, noRestore)
	for _, r := range d.Restores {
		switch c := of(d.plan.Restores[r.UID].RestoreConditions); {
		case found.Status == metav1.ConditionFalse:
		case c.Status == metav1.ConditionTrue && found.Status == metav1.ConditionUnknown:
		default:
			found = c
		}
	}
	return found
}

func anyComponent(Component) bool { return true }
