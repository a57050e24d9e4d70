package remedy

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// reportUnread reports a Backup that was not read once nothing else is left to do: what it shows may still be stale.
func (o Observation) reportUnread(p Plan) Plan {
	if o.Unread == nil {
		return p
	}
	if p.Cluster.PolicyRehomed.Status == metav1.ConditionTrue {
		p.Cluster.PolicyRehomed = conditionUnknown(o.Unread.Reason, o.Unread.Message+" "+unreadKept)
	} else {
		p.Cluster.PolicyRehomed.Message += " " + o.Unread.Message + " " + unreadKept
	}
	if wait := o.Unread.RequeueAfter; wait.Duration > 0 && (p.RequeueAfter.Duration == 0 || wait.Duration < p.RequeueAfter.Duration) {
		p.RequeueAfter = wait
	}
	return p
}
