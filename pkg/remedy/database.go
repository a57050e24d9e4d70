package remedy

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
)

// RestoreProgress is how far KubeBlocks 1.2 says the restore is.
type RestoreProgress struct {
	// Expected says that the Cluster's spec names a source, so that KubeBlocks reports its progress.
	Expected bool
	// Status is that of the Cluster's condition Restore; empty where there is none yet.
	Status  metav1.ConditionStatus
	Message string
}

// clusterPods returns the condition PodsScheduled of the Cluster: that of its Restores, then that of its database.
func (d *decision) clusterPods() metav1.Condition {
	restores := d.summarize(podsScheduled)
	if d.Restoring && len(d.Restores) == 0 {
		restores = conditionUnknown(v1alpha1.ReasonNoPods, noRestoreYet)
	}
	if restores.Status == metav1.ConditionFalse {
		return restores
	}
	if waiting := d.databaseWaits(); waiting != nil {
		return *waiting
	}
	if d.Progress.Expected && len(d.Restores) == 0 {
		return d.progress()
	}
	return restores
}

// databaseWaits returns the condition PodsScheduled where database Pods have no node, or nil. Up to KubeBlocks 1.1 their volumes are
// restored before, so that only a refusal of the scheduler is worth a report.
func (d *decision) databaseWaits() *metav1.Condition {
	condition := unscheduled(d.Database, fmt.Sprintf(databasePending, len(d.Database)))
	refused := condition.Reason == v1alpha1.ReasonUnschedulable || condition.Reason == v1alpha1.ReasonVolumeNotBound
	if len(d.Database) == 0 || !refused && !d.ClusterOnly {
		return nil
	}
	condition.Message += d.keptRules(d.Database)
	condition = d.withCommand(condition)
	return &condition
}

// progress returns the condition PodsScheduled where every database Pod that exists has a node.
func (d *decision) progress() metav1.Condition {
	switch d.Progress.Status {
	case metav1.ConditionTrue:
		return conditionTrue(v1alpha1.ReasonScheduled, everyPodBound)
	case metav1.ConditionFalse:
		return *conditionFalse(v1alpha1.ReasonRestoreFailed, clusterRestoreFailed, d.Progress.Message)
	case metav1.ConditionUnknown:
		return conditionUnknown(v1alpha1.ReasonRestoringVolumes, fmt.Sprintf(restoringCluster, d.Progress.Message))
	default:
		return conditionUnknown(v1alpha1.ReasonNoPods, noRestoreYet)
	}
}
