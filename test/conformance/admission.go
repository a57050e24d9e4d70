package conformance

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install" // Registers Pods with their defaults and conversions, as in the API server.
	podregistry "k8s.io/kubernetes/pkg/registry/core/pod"
)

// admit returns Pods as the API server stores them, with its defaults. It also merges the label keys of terms into their selectors:
// the scheduler reads those only from there. The error says why the API server would reject a Pod.
func admit(pods []*corev1.Pod) ([]*corev1.Pod, error) {
	admitted := make([]*corev1.Pod, 0, len(pods))
	for _, pod := range pods {
		stored, err := admitOne(pod)
		if err != nil {
			return nil, fmt.Errorf("the API server rejects Pod %s/%s: %w", pod.Namespace, pod.Name, err)
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
