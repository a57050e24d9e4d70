package conformance

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install" // The API server knows Pods, their defaults and conversions by it.
	podregistry "k8s.io/kubernetes/pkg/registry/core/pod"
)

// admit returns Pods as the API server stores them: with its defaults, and with the label keys of their terms merged into
// the selectors, which is all that the scheduler sees of those. The error says what the API server would refuse.
func admit(pods []*corev1.Pod) ([]*corev1.Pod, error) {
	admitted := make([]*corev1.Pod, 0, len(pods))
	for _, pod := range pods {
		stored, err := admitOne(pod)
		if err != nil {
			return nil, fmt.Errorf("the API server refuses Pod %s/%s: %w", pod.Namespace, pod.Name, err)
		}
		admitted = append(admitted, stored)
	}
	return admitted, nil
}

func admitOne(pod *corev1.Pod) (*corev1.Pod, error) {
	pod = pod.DeepCopy() // Conversion shares memory, and the strategy writes to it.
	legacyscheme.Scheme.Default(pod)
	var internal core.Pod
	if err := legacyscheme.Scheme.Convert(pod, &internal, nil); err != nil {
		return nil, err
	}
	podregistry.Strategy.PrepareForCreate(context.Background(), &internal)
	if problems := podregistry.Strategy.Validate(context.Background(), &internal); len(problems) > 0 {
		return nil, problems.ToAggregate()
	}
	var stored corev1.Pod
	err := legacyscheme.Scheme.Convert(&internal, &stored, nil)
	return &stored, err
}
