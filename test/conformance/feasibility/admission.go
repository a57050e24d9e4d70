package feasibility

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install" // The API server knows Pods, their defaults and conversions by it.
	podregistry "k8s.io/kubernetes/pkg/registry/core/pod"
)

// admit returns a Pod as the API server stores it: with its defaults, and the label keys of its rules merged into their selectors.
func admit(pod *corev1.Pod) (*corev1.Pod, error) {
	pod = pod.DeepCopy() // Conversion shares memory, and the strategy writes to it.
	legacyscheme.Scheme.Default(pod)
	var internal core.Pod
	if err := legacyscheme.Scheme.Convert(pod, &internal, nil); err != nil {
		return nil, err
	}
	podregistry.Strategy.PrepareForCreate(context.Background(), &internal)
	if problems := podregistry.Strategy.Validate(context.Background(), &internal); len(problems) > 0 {
		return nil, fmt.Errorf("the API server refuses Pod %s: %w", pod.Name, problems.ToAggregate())
	}
	var stored corev1.Pod
	err := legacyscheme.Scheme.Convert(&internal, &stored, nil)
	return &stored, err
}
