package remedy

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
)

// instances decides on the database Pods that are Pending under stale rules. Those that KubeBlocks replaces are left to it.
func (d *decision) instances() {
	if len(d.due) > 0 || d.DatabasePods == configv1alpha1.ReportDatabasePods {
		return
	}
	for _, pod := range d.Instances {
		switch {
		case pod.TemplateStale:
		case pod.Controller != nil && len(pod.Controller.Stale) > 0:
			d.reportInstance(d.patchInstance(pod.Controller))
		case pod.Kept != "" && !pod.NodeSelected:
			d.reportInstance(d.recreatePod(pod))
		}
	}
}

// patchInstance plans to rewrite an Instance. KubeBlocks then replaces its Pod, unless the update strategy is OnDelete. A Pod that can be
// bound at any moment counts as one that is.
func (d *decision) patchInstance(c *Controller) *metav1.Condition {
	switch {
	case c.Refused != "":
		return conditionFalse(v1alpha1.ReasonVolumesBound, instanceRefused, c.Name, c.Refused)
	case c.Undecided != "":
		return conditionFalse(v1alpha1.ReasonWaitingForScheduler, instanceUndecided, c.Name, c.Undecided)
	}
	// A later edit of the same Instance is another attempt.
	version := types.UID(fmt.Sprintf("%s/%d", c.UID, c.Generation))
	return d.attempt(keyOf("Instance", c.Object, version), d.pendingAction(v1alpha1.ReasonRewritingInstances, rewritingInstance, c.Name),
		func(k counted) Action { return PatchInstance{k, c.Object, c.Stale} })
}

func (d *decision) recreatePod(pod Instance) *metav1.Condition {
	if pod.Refused != "" {
		return conditionFalse(v1alpha1.ReasonVolumesBound, podRefused, pod.Name, pod.Refused)
	}
	return d.attempt(keyOf("Pod", pod.Object), d.pendingAction(v1alpha1.ReasonRecreatingPods, recreatingPod, pod.Name, pod.Kept),
		func(k counted) Action { return RecreatePod{k, pod.Object} })
}

// reportInstance has the Cluster and its Restores report a database Pod, because no Restore owns the Pod.
func (d *decision) reportInstance(condition *metav1.Condition) {
	d.pods = condition
	for uid, report := range d.plan.Restores {
		switch report.PolicyRehomed.Reason {
		case v1alpha1.ReasonRehomed, v1alpha1.ReasonRestoreFinished:
			report.PolicyRehomed = withRules(*condition, d.rules)
			d.plan.Restores[uid] = report
		}
	}
}
