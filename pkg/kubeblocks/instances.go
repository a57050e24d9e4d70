package kubeblocks

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Instance is a view of KubeBlocks' Instance: it controls one Pod of an InstanceSet, and its claims. It came with KubeBlocks 1.1, and
// is used where a component asks for it.
//
// +kubebuilder:object:root=true
type Instance struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec InstanceSpec `json:"spec,omitempty"`
}

// InstanceSpec holds the template of the Pod. KubeBlocks does not update it while the Pod is Pending.
type InstanceSpec struct {
	Template InstanceSetTemplate `json:"template,omitempty"`
	// InstanceUpdateStrategyType is OnDelete if KubeBlocks does not replace an outdated Pod.
	InstanceUpdateStrategyType appsv1.StatefulSetUpdateStrategyType `json:"instanceUpdateStrategyType,omitempty"`
}

// InstanceList is a list of Instances.
//
// +kubebuilder:object:root=true
type InstanceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Instance `json:"items"`
}

const kindInstance = "Instance"

// OfInstance reports whether an Instance controls a Pod, rather than an InstanceSet.
func OfInstance(p *corev1.Pod) bool {
	owner := metav1.GetControllerOf(p)
	return owner != nil && owner.Kind == kindInstance
}

// InstancePolicies lists the scheduling policy of an Instance's Pod. KubeBlocks derives it from the InstanceSet's.
func InstancePolicies(i *Instance, owner *Component) []rewrite.Policy {
	var list policyList
	list.addAt(&i.Spec.Template.Spec, derived(owner.Labels, "/spec/template/spec", "Instance "+i.Name))
	return list
}

// KeepsPendingPod returns why KubeBlocks does not replace the outdated Pending Pod of an Instance; empty where it does.
func KeepsPendingPod(i *Instance) string {
	if i.Spec.InstanceUpdateStrategyType == appsv1.OnDeleteStatefulSetStrategyType {
		return textOnDelete
	}
	return ""
}
