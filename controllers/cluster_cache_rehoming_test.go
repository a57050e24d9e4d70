package controllers

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/rehome-operator/rehome/api/v1alpha1"
)

// reportOf returns a Rehoming whose report has as many Pods without a node.
func reportOf(pods int) *v1alpha1.Rehoming {
	return &v1alpha1.Rehoming{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "carrot67", Annotations: map[string]string{"large": "..."}},
		Status: v1alpha1.RehomingStatus{
			Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady}},
			Restores:   []v1alpha1.RestoreStatus{{PendingPods: make([]v1alpha1.PendingPod, pods)}},
		},
	}
}

func TestALongReportIsReadFromTheAPIServer(t *testing.T) {
	scheme := runtime.NewScheme()
	v1alpha1.AddToScheme(scheme)
	for _, test := range []struct {
		pods  int
		reads bool
	}{{maxCachedItems - 1, false}, {maxCachedItems, true}} {
		g := NewWithT(t)
		cached, err := stripRehoming(reportOf(test.pods))
		g.Expect(err).NotTo(HaveOccurred())
		stored := reportOf(test.pods)
		stored.Labels = map[string]string{"from": "the API server"}
		r := &ClusterReconciler{
			Client:    fake.NewClientBuilder().WithScheme(scheme).WithObjects(cached.(client.Object)).Build(),
			APIReader: fake.NewClientBuilder().WithScheme(scheme).WithObjects(stored).Build(),
		}

		rehoming, err := r.getRehoming(t.Context(), client.ObjectKeyFromObject(stored))

		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(rehoming.Status.Restores).To(HaveLen(1))
		g.Expect(rehoming.Status.Restores[0].PendingPods).To(HaveLen(test.pods))
		g.Expect(rehoming.Labels).To(HaveLen(map[bool]int{true: 1}[test.reads]))
		g.Expect(cached.(client.Object).GetAnnotations()).To(BeEmpty())
		g.Expect(cached.(*v1alpha1.Rehoming).Status.Conditions).To(HaveLen(1))
	}
}
