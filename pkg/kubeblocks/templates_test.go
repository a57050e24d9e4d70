package kubeblocks

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func TestDatabasePodGetsTheRulesOfItsTemplate(t *testing.T) {
	const none = "none"
	claim := func(name, template string) corev1.PersistentVolumeClaim {
		c := corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{LabelComponentName: "mysql"}}}
		if template != none {
			c.Labels[LabelInstanceTemplate] = template
		}
		return c
	}
	const own, hot = "/spec/componentSpecs/0/schedulingPolicy", "/spec/componentSpecs/0/instances/0/schedulingPolicy"
	for name, c := range map[string]struct {
		flat      bool
		claim     corev1.PersistentVolumeClaim
		policy    string
		ambiguous bool
	}{
		"by its name":                             {false, claim("data-c-mysql-hot-0", none), hot, false},
		"by its name, without one":                {false, claim("data-c-mysql-0", none), own, false},
		"by its label":                            {false, claim("data-c-mysql-0", "hot"), hot, false},
		"by its label, where ordinals are flat":   {true, claim("data-c-mysql-1", "hot"), hot, false},
		"by its empty label":                      {true, claim("data-c-mysql-1", ""), own, false},
		"by nothing, where ordinals are flat":     {true, claim("data-c-mysql-1", none), own, true},
		"by a name that looks like another's too": {false, claim("data-c-mysql-hot-0", ""), own, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			spec := ComponentSpec{Name: "mysql", Replicas: 2, FlatInstanceOrdinal: c.flat, SchedulingPolicy: &SchedulingPolicy{},
				Instances: []InstanceTemplate{{Name: "hot", Replicas: ptr.To[int32](1), SchedulingPolicy: &SchedulingPolicy{}}}}
			cluster := &Cluster{ObjectMeta: metav1.ObjectMeta{Name: "c"}, Spec: ClusterSpec{ComponentSpecs: []ComponentSpec{spec}}}
			component := Component{ObjectMeta: metav1.ObjectMeta{Name: "c-mysql", Labels: map[string]string{LabelComponentName: "mysql"}}, Spec: spec}

			pods, _ := DatabasePods(AppsV1, cluster, ClusterPolicies(cluster), []Component{component}, []corev1.PersistentVolumeClaim{c.claim})

			g.Expect(pods).To(HaveLen(2))
			g.Expect(pods[0].Policy.Path).To(Equal(c.policy))
			g.Expect(pods[0].Ambiguous).To(Equal(c.ambiguous))
		})
	}
}

func TestDatabasePodsOfShardTemplatesAreAmbiguous(t *testing.T) {
	g := NewWithT(t)
	cluster := &Cluster{ObjectMeta: metav1.ObjectMeta{Name: "c"}, Spec: ClusterSpec{Shardings: []Sharding{{
		Name: "shard", Template: ComponentSpec{SchedulingPolicy: &SchedulingPolicy{}},
		ShardTemplates: []ComponentSpec{{Name: "big", SchedulingPolicy: &SchedulingPolicy{}}},
	}}}}
	labels := map[string]string{LabelComponentName: "shard-x7k", LabelShardingName: "shard"}
	component := Component{ObjectMeta: metav1.ObjectMeta{Name: "c-shard-x7k", Labels: labels}, Spec: ComponentSpec{Replicas: 1}}

	pods, _ := DatabasePods(AppsV1, cluster, ClusterPolicies(cluster), []Component{component}, nil)

	g.Expect(pods).To(ConsistOf(HaveField("Ambiguous", BeTrue())))
}
