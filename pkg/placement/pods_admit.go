package placement

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// newPod returns a Pod with the defaults of the API server that a scheduler reads.
func newPod(namespace, name string) corev1.Pod {
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID("would-be/" + namespace + "/" + name)}}
	pod.Spec.SchedulerName = corev1.DefaultSchedulerName
	pod.Status.Phase = corev1.PodPending
	return pod
}

// mount adds a claim to a Pod.
func mount(pod *corev1.Pod, claim string) {
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: claim, VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
	}})
}

// schedule gives a Pod the rules of a policy, as the API server stores them.
func (p *part) schedule(pod *corev1.Pod, policy *kubeblocks.PodPolicy) {
	if policy != nil {
		pod.Spec.NodeName, pod.Spec.NodeSelector = policy.NodeName, maps.Clone(policy.NodeSelector)
		pod.Spec.Affinity = policy.Affinity.DeepCopy()
		for i := range policy.TopologySpreadConstraints {
			pod.Spec.TopologySpreadConstraints = append(pod.Spec.TopologySpreadConstraints, *policy.TopologySpreadConstraints[i].DeepCopy())
		}
		pod.Spec.Tolerations = append(pod.Spec.Tolerations, policy.Tolerations...)
		if policy.SchedulerName != "" {
			pod.Spec.SchedulerName = policy.SchedulerName
		}
	}
	for _, key := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
		pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{
			Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: ptr.To[int64](300),
		})
	}
	p.fill(pod)
	mergeLabelKeys(pod)
}

// fill writes the name of a shard where a rule of its sharding has an empty component name, as KubeBlocks does.
func (p *part) fill(pod *corev1.Pod) {
	if p.sharding == "" {
		return
	}
	for _, selector := range selectorsOf(pod) {
		if name, ok := selector.MatchLabels[kubeblocks.LabelComponentName]; ok && name == "" {
			selector.MatchLabels[kubeblocks.LabelComponentName] = p.name
		}
		for i := range selector.MatchExpressions {
			requirement := &selector.MatchExpressions[i]
			for k, value := range requirement.Values {
				if requirement.Key == kubeblocks.LabelComponentName && value == "" {
					requirement.Values[k] = p.name
				}
			}
		}
	}
}

// selectorsOf lists the selectors of a Pod's rules that are not nil.
func selectorsOf(pod *corev1.Pod) []*metav1.LabelSelector {
	var selectors []*metav1.LabelSelector
	for _, term := range kubeblocks.PodTerms(pod.Spec.Affinity) {
		if term.LabelSelector != nil {
			selectors = append(selectors, term.LabelSelector)
		}
	}
	for i := range pod.Spec.TopologySpreadConstraints {
		if selector := pod.Spec.TopologySpreadConstraints[i].LabelSelector; selector != nil {
			selectors = append(selectors, selector)
		}
	}
	return selectors
}

// mergeLabelKeys adds the label keys of rules to their selectors. The API server does so when a Pod is created, and the scheduler reads
// them only there.
func mergeLabelKeys(pod *corev1.Pod) {
	add := func(selector *metav1.LabelSelector, keys []string, operator metav1.LabelSelectorOperator) {
		for _, key := range keys {
			if value, ok := pod.Labels[key]; ok && selector != nil {
				selector.MatchExpressions = append(selector.MatchExpressions, metav1.LabelSelectorRequirement{
					Key: key, Operator: operator, Values: []string{value},
				})
			}
		}
	}
	for _, term := range kubeblocks.PodTerms(pod.Spec.Affinity) {
		add(term.LabelSelector, term.MatchLabelKeys, metav1.LabelSelectorOpIn)
		add(term.LabelSelector, term.MismatchLabelKeys, metav1.LabelSelectorOpNotIn)
	}
	for i := range pod.Spec.TopologySpreadConstraints {
		c := &pod.Spec.TopologySpreadConstraints[i]
		add(c.LabelSelector, c.MatchLabelKeys, metav1.LabelSelectorOpIn)
	}
}
