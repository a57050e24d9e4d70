package controllers

import (
	"runtime"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

func policyOf(cluster string) *kubeblocks.SchedulingPolicy {
	return &kubeblocks.SchedulingPolicy{TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
		MaxSkew: 1, TopologyKey: corev1.LabelHostname,
		LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{kubeblocks.LabelInstance: cluster}},
	}}}
}

func TestCacheHoldsOneCopyOfEqualPolicies(t *testing.T) {
	g := NewWithT(t)
	pool := newPolicyPool()
	share := func(obj any) {
		_, err := pool.transform(obj)
		g.Expect(err).NotTo(HaveOccurred())
	}
	cluster := &kubeblocks.Cluster{Spec: kubeblocks.ClusterSpec{
		SchedulingPolicy: policyOf("my1"),
		ComponentSpecs: []kubeblocks.ComponentSpec{{
			SchedulingPolicy: policyOf("carrot67"), Instances: []kubeblocks.InstanceTemplate{{SchedulingPolicy: policyOf("carrot67")}},
		}},
	}}
	component := &kubeblocks.Component{Spec: kubeblocks.ComponentSpec{SchedulingPolicy: policyOf("carrot67")}}
	restore := &kubeblocks.Restore{Spec: kubeblocks.RestoreSpec{PrepareDataConfig: &kubeblocks.PrepareDataConfig{SchedulingSpec: policyOf("carrot67")}}}
	share(cluster)
	share(component)
	share(restore)
	share(&kubeblocks.Restore{}) // of stage postReady

	one := cluster.Spec.ComponentSpecs[0].SchedulingPolicy
	g.Expect(one).To(Equal(policyOf("carrot67")))
	g.Expect(cluster.Spec.ComponentSpecs[0].Instances[0].SchedulingPolicy).To(BeIdenticalTo(one))
	g.Expect(component.Spec.SchedulingPolicy).To(BeIdenticalTo(one))
	g.Expect(restore.Spec.PrepareDataConfig.SchedulingSpec).To(BeIdenticalTo(one))
	g.Expect(cluster.Spec.SchedulingPolicy).To(Equal(policyOf("my1")))
	g.Expect(component.Spec.Instances).To(BeEmpty())
	runtime.KeepAlive(cluster)
}

func TestPolicyPoolKeepsNoPolicyAlive(t *testing.T) {
	g := NewWithT(t)
	pool := newPolicyPool()
	pool.share(policyOf("carrot67"))
	size := func() int {
		runtime.GC()
		pool.mu.Lock()
		defer pool.mu.Unlock()
		return len(pool.policies)
	}

	g.Eventually(size).WithTimeout(time.Minute).Should(BeZero())
}

func TestCacheHoldsOfAnInstanceSetWhatTheWatchNeeds(t *testing.T) {
	g := NewWithT(t)
	set := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: "carrot67-mysql", UID: "1", ResourceVersion: "2", Generation: 3,
		Labels: map[string]string{kubeblocks.LabelInstance: "carrot67", "other": "x"}, Annotations: map[string]string{"other": "x"},
	}}

	stripped, err := stripInstanceSet(set)

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(stripped).To(Equal(&metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: "carrot67-mysql", UID: "1", ResourceVersion: "2", Generation: 3,
		Labels: map[string]string{kubeblocks.LabelInstance: "carrot67"},
	}}))
	g.Expect(labelledCluster(t.Context(), stripped.(client.Object))).To(HaveLen(1))
}
