package remedy

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
)

// whole returns the verdict on the Cluster: that of the Restore which is worst off. Before there is any, and for what no
// Restore speaks of, the Cluster's own rules decide.
func (d *decision) whole() Verdict {
	v := Verdict{Rules: worst(d.plan.Verdicts, rulesOf), Pods: worst(d.plan.Verdicts, podsOf)}
	if d.Restoring && len(d.plan.Verdicts) == 0 {
		v.Pods = Said{metav1.ConditionUnknown, v1alpha1.ReasonNoPods, "KubeBlocks has yet to create a Restore."}
	}
	if v.Rules.Status != metav1.ConditionTrue {
		return v
	}
	own := d.rehomed()
	if said := d.clusterFirst(Restore{Component: anyComponent}); said != nil {
		own = *said
	} else if d.pods != nil {
		own = *d.pods
	}
	own.Message += " " + d.rules()
	if len(d.plan.Verdicts) == 0 || own.Status != metav1.ConditionTrue {
		v.Rules = own
	}
	return v
}

// anyComponent is governed by every rule.
const anyComponent = "*"

func rulesOf(v Verdict) Said { return v.Rules }
func podsOf(v Verdict) Said  { return v.Pods }

// worst returns the first of what is said that is False, else the first that is Unknown, else the last; where nothing is said,
// that no Pod waits.
func worst(verdicts []Verdict, of func(Verdict) Said) Said {
	found := Said{metav1.ConditionTrue, v1alpha1.ReasonScheduled, "No Restore prepares volumes."}
	for _, v := range verdicts {
		switch said := of(v); {
		case found.Status == metav1.ConditionFalse:
		case said.Status == metav1.ConditionTrue && found.Status == metav1.ConditionUnknown:
		default:
			found = said
		}
	}
	return found
}
