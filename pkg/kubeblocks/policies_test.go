package kubeblocks

import (
	"testing"

	. "github.com/onsi/gomega"
)

func TestAPolicyThatGovernsOnlySomePodsOverridesNothing(t *testing.T) {
	policy := &SchedulingPolicy{}
	cluster := &Cluster{Spec: ClusterSpec{
		SchedulingPolicy: policy,
		ComponentSpecs: []ComponentSpec{
			{Name: "own", SchedulingPolicy: policy}, {Name: "none"},
			{Name: "template", Instances: []InstanceTemplate{{Name: "hot", SchedulingPolicy: policy}}},
		},
		Shardings: []Sharding{
			{Name: "shards", Template: ComponentSpec{SchedulingPolicy: policy}},
			{Name: "someshards", ShardTemplates: []ComponentSpec{{Name: "hot", SchedulingPolicy: policy}}},
		},
	}}

	NewWithT(t).Expect(Overriding(ClusterPolicies(cluster))).To(Equal(map[string]bool{"own": true, "shards": true}))
}
