package kubeblocks

import (
	"fmt"
	"math"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// claim returns a claim with the labels that KubeBlocks gives it: its component, and pairs of keys and values.
func claim(name, of string, others ...string) corev1.PersistentVolumeClaim {
	c := corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{LabelComponentName: of}}}
	for i := 0; i < len(others); i += 2 {
		c.Labels[others[i]] = others[i+1]
	}
	return c
}

func component(name, short string, spec ComponentSpec) Component {
	return Component{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{LabelComponentName: short}}, Spec: spec}
}

func namesOf(pods []DatabasePod) map[string]string {
	names := map[string]string{}
	for _, p := range pods {
		names[p.Name] = ""
		if p.Policy != nil {
			names[p.Name] = p.Policy.Path
		}
	}
	return names
}

func TestDatabasePodsAreThoseOfClaimsAndOfReplicas(t *testing.T) {
	cluster := &Cluster{ObjectMeta: metav1.ObjectMeta{Name: "carrot67"}}
	policies := []rewrite.Policy{
		{Path: "/cluster"},
		{Path: "/mysql", Component: "mysql"},
		{Path: "/mysql/hot", Component: "mysql", Template: "hot"},
		{Path: "/shard", Component: "shard"},
	}
	hot := []InstanceTemplate{{Name: "hot", Replicas: ptr.To(int32(1))}}
	for name, c := range map[string]struct {
		components []Component
		claims     []corev1.PersistentVolumeClaim
		want       map[string]string
	}{
		"claims of a stopped component": {
			[]Component{component("carrot67-mysql", "mysql", ComponentSpec{})},
			[]corev1.PersistentVolumeClaim{claim("data-carrot67-mysql-0", "mysql"), claim("log-carrot67-mysql-0", "mysql"), claim("data-carrot67-mysql-4", "mysql")},
			map[string]string{"carrot67-mysql-0": "/mysql", "carrot67-mysql-4": "/mysql"},
		},
		"replicas without claims": {
			[]Component{component("carrot67-mysql", "mysql", ComponentSpec{Replicas: 2})},
			[]corev1.PersistentVolumeClaim{claim("data-carrot67-mysql-0", "mysql")},
			map[string]string{"carrot67-mysql-0": "/mysql", "carrot67-mysql--new-1": "/mysql"},
		},
		"a component whose name begins with that of another": {
			[]Component{component("carrot67-mysql", "mysql", ComponentSpec{}), component("carrot67-mysql-proxy", "mysql-proxy", ComponentSpec{})},
			[]corev1.PersistentVolumeClaim{claim("data-carrot67-mysql-proxy-0", "mysql-proxy")},
			map[string]string{"carrot67-mysql-proxy-0": "/cluster"},
		},
		"another component's claim of the same form": {
			[]Component{component("carrot67-mysql", "mysql", ComponentSpec{})},
			[]corev1.PersistentVolumeClaim{claim("data-carrot67-mysql-0", "web")},
			map[string]string{},
		},
		"a template by its label, and ordinals are flat": {
			[]Component{component("carrot67-mysql", "mysql", ComponentSpec{Replicas: 2, Instances: hot})},
			[]corev1.PersistentVolumeClaim{
				claim("data-carrot67-mysql-0", "mysql", LabelInstanceTemplate, ""), claim("data-carrot67-mysql-1", "mysql", LabelInstanceTemplate, "hot"),
			},
			map[string]string{"carrot67-mysql-0": "/mysql", "carrot67-mysql-1": "/mysql/hot"},
		},
		"a template by the name of the Pod": {
			[]Component{component("carrot67-mysql", "mysql", ComponentSpec{Replicas: 2, Instances: hot})},
			[]corev1.PersistentVolumeClaim{claim("data-carrot67-mysql-0", "mysql"), claim("data-carrot67-mysql-hot-0", "mysql")},
			map[string]string{"carrot67-mysql-0": "/mysql", "carrot67-mysql-hot-0": "/mysql/hot"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			pods, complete := DatabasePods(AppsV1, cluster, policies, c.components, c.claims)
			NewWithT(t).Expect(namesOf(pods)).To(Equal(c.want))
			NewWithT(t).Expect(complete).To(BeTrue())
		})
	}
}

// Each shard is a component of its own: its Pods have its generated name, and the rules of the sharding.
func TestDatabasePodsOfShards(t *testing.T) {
	g := NewWithT(t)
	shard := func(name string) Component {
		c := component("carrot67-"+name, name, ComponentSpec{})
		c.Labels[LabelShardingName] = "shard"
		return c
	}
	claims := []corev1.PersistentVolumeClaim{
		claim("data-carrot67-shard-abc-0", "shard-abc", LabelShardingName, "shard"), claim("data-carrot67-shard-xyz-0", "shard-xyz", LabelShardingName, "shard"),
	}

	pods, _ := DatabasePods(AppsV1, &Cluster{ObjectMeta: metav1.ObjectMeta{Name: "carrot67"}}, []rewrite.Policy{{Path: "/shard", Component: "shard"}},
		[]Component{shard("shard-abc"), shard("shard-xyz")}, claims)

	g.Expect(namesOf(pods)).To(Equal(map[string]string{"carrot67-shard-abc-0": "/shard", "carrot67-shard-xyz-0": "/shard"}))
	g.Expect(pods[0].Labels).To(SatisfyAll(HaveKeyWithValue(LabelComponentName, "shard-abc"), HaveKeyWithValue(LabelShardingName, "shard")))
	g.Expect(pods[0].Shard()).To(Equal("shard-abc"))
}

// KubeBlocks 0.9 appends the rules of a template to those of its component. Such Pods are not judged.
func TestDatabasePodsOfTemplatesAreAmbiguousBesideKubeBlocks09(t *testing.T) {
	g := NewWithT(t)
	policies := []rewrite.Policy{{Path: "/mysql", Component: "mysql"}, {Path: "/mysql/hot", Component: "mysql", Template: "hot"}}
	components := []Component{component("carrot67-mysql", "mysql", ComponentSpec{})}
	claims := []corev1.PersistentVolumeClaim{claim("data-carrot67-mysql-0", "mysql"), claim("data-carrot67-mysql-hot-0", "mysql")}

	before, _ := DatabasePods(AppsV1alpha1, &Cluster{}, policies, components, claims)
	for _, p := range before {
		g.Expect(p.Ambiguous).To(Equal(p.Name == "carrot67-mysql-hot-0"), p.Name)
	}
	after, _ := DatabasePods(AppsV1, &Cluster{}, policies, components, claims)
	for _, p := range after {
		g.Expect(p.Ambiguous).To(BeFalse(), p.Name)
	}
}

// The numbers are fields of a tenant's. Two of them can exceed 32 bits together, or make up for a third that is negative.
func TestDatabasePodsThatAreTooManyAreOutlined(t *testing.T) {
	cluster := &Cluster{ObjectMeta: metav1.ObjectMeta{Name: "carrot67"}}
	const most = math.MaxInt32
	template := func(name string, replicas int32) InstanceTemplate {
		return InstanceTemplate{Name: name, Replicas: ptr.To(replicas)}
	}
	many := func(n int) map[string]string {
		labels := map[string]string{}
		for i := range n {
			labels[fmt.Sprint(i)] = ""
		}
		return labels
	}
	claimed := func(n int) (claims []corev1.PersistentVolumeClaim) {
		for i := range n {
			claims = append(claims, claim(fmt.Sprintf("data-carrot67-mysql-%d", i), "mysql"))
		}
		return claims
	}
	mysql := func(spec ComponentSpec) []Component { return []Component{component("carrot67-mysql", "mysql", spec)} }
	for name, c := range map[string]struct {
		components []Component
		claims     []corev1.PersistentVolumeClaim
		complete   bool
		pods       int
	}{
		"as many as are described":  {mysql(ComponentSpec{Replicas: 1000}), claimed(1), true, 1000},
		"one more":                  {mysql(ComponentSpec{Replicas: 1001}), claimed(1), false, 2},
		"as many as a field holds":  {mysql(ComponentSpec{Replicas: most}), claimed(2), false, 3},
		"fewer than none":           {mysql(ComponentSpec{Replicas: -most}), nil, true, 0},
		"many claims":               {mysql(ComponentSpec{}), claimed(1001), false, 1001},
		"two instance templates":    {mysql(ComponentSpec{Instances: []InstanceTemplate{template("a", most), template("b", most)}}), nil, false, 1},
		"an instance template less": {mysql(ComponentSpec{Replicas: most, Instances: []InstanceTemplate{template("a", -1)}}), nil, false, 1},
		"two components": {
			append(mysql(ComponentSpec{Replicas: most}), component("carrot67-web", "web", ComponentSpec{Replicas: most})), nil, false, 2,
		},
		"a component with fewer than none": {
			append(mysql(ComponentSpec{Replicas: 1001}), component("carrot67-web", "web", ComponentSpec{Replicas: -most})), nil, false, 1,
		},
		"many labels":             {mysql(ComponentSpec{Replicas: 500, Labels: many(201)}), nil, false, 1},
		"many labels of few Pods": {mysql(ComponentSpec{Replicas: 3, Labels: many(201)}), nil, true, 3},
		"many labels of an instance template": {
			mysql(ComponentSpec{Instances: []InstanceTemplate{{Name: "a", Replicas: ptr.To(int32(500)), Labels: many(201)}}}), nil, false, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)

			pods, complete := DatabasePods(AppsV1, cluster, []rewrite.Policy{{Path: "/cluster"}}, c.components, c.claims)

			g.Expect(complete).To(Equal(c.complete))
			g.Expect(pods).To(HaveLen(c.pods))
			for i := range pods {
				g.Expect(pods[i].Labels).To(HaveKey(LabelWorkload))
				g.Expect(pods[i].Policy != nil).To(Equal(c.complete))
			}
		})
	}
}
