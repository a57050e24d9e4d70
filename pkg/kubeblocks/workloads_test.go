package kubeblocks

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

func TestDatabasePodsAreThoseThatAnInstanceSetOfAComponentControls(t *testing.T) {
	controller := func(version, kind, name string, uid types.UID) []metav1.OwnerReference {
		return []metav1.OwnerReference{{APIVersion: version, Kind: kind, Name: name, UID: uid, Controller: ptr.To(true)}}
	}
	components := []Component{{ObjectMeta: metav1.ObjectMeta{Name: "carrot67-mysql", UID: "c1"}}}
	sets := []InstanceSet{
		{ObjectMeta: metav1.ObjectMeta{Name: "carrot67-mysql", UID: "s1", OwnerReferences: controller("apps.kubeblocks.io/v1", "Component", "carrot67-mysql", "c1")}},
		{ObjectMeta: metav1.ObjectMeta{Name: "other", UID: "s2", OwnerReferences: controller("apps.kubeblocks.io/v1", "Component", "other", "c2")}},
	}
	const workloads = "workloads.kubeblocks.io/v1"
	for name, c := range map[string]struct {
		owners []metav1.OwnerReference
		want   bool
	}{
		"its InstanceSet":                {controller(workloads, "InstanceSet", "carrot67-mysql", "s1"), true},
		"an Instance of its InstanceSet": {controller(workloads, "Instance", "carrot67-mysql-0", "i1"), true},
		"another Instance":               {controller(workloads, "Instance", "any", "i1"), false},
		"another cluster's InstanceSet":  {controller(workloads, "InstanceSet", "other", "s2"), false},
		"one that was deleted":           {controller(workloads, "InstanceSet", "carrot67-mysql", "s0"), false},
		"a ReplicaSet":                   {controller("apps/v1", "ReplicaSet", "web", "r1"), false},
		"nothing":                        {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "carrot67-mysql-0", Labels: map[string]string{LabelWorkload: "carrot67-mysql"}, OwnerReferences: c.owners}}

			set := InstanceSetOf(pod, sets)

			NewWithT(t).Expect(OfWorkload(pod) && set != nil && ComponentOf(set, components) != nil).To(Equal(c.want))
		})
	}
}

func TestPodsHaveEndedOnceDoneOrDeleted(t *testing.T) {
	g := NewWithT(t)
	in := func(phase corev1.PodPhase) *corev1.Pod { return &corev1.Pod{Status: corev1.PodStatus{Phase: phase}} }

	g.Expect(HasEnded(in(corev1.PodSucceeded))).To(BeTrue())
	g.Expect(HasEnded(in(corev1.PodFailed))).To(BeTrue())
	g.Expect(HasEnded(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &metav1.Time{}}})).To(BeFalse(), "a zero time is none")
	g.Expect(HasEnded(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: ptr.To(metav1.Now())}})).To(BeTrue())
	g.Expect(HasEnded(in(corev1.PodRunning))).To(BeFalse())
	g.Expect(HasEnded(in(corev1.PodPending))).To(BeFalse())
}

func TestTemplateIsThatOfTheLabelElseThatOfTheName(t *testing.T) {
	g := NewWithT(t)
	g.Expect(TemplateOf("c-mysql-0", nil, "c-mysql")).To(BeEmpty())
	g.Expect(TemplateOf("c-mysql-hot-0", nil, "c-mysql")).To(Equal("hot"))
	g.Expect(TemplateOf("c-mysql-3", map[string]string{LabelInstanceTemplate: "hot"}, "c-mysql")).To(Equal("hot"), "ordinals can be flat")
	g.Expect(TemplateOf("c-mysql-hot-0", map[string]string{LabelInstanceTemplate: ""}, "c-mysql")).To(BeEmpty())
}
