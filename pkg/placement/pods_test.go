package placement_test

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/placement"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

func podsOf(t *testing.T, version kubeblocks.Version, snapshot string) placement.WouldBe {
	t.Helper()
	would, err := placement.PodsOf(&placement.Restored{
		Cluster: blueprint(t, snapshot), Version: version, Source: rewrite.Identity{Namespace: "default", Name: "my1"},
		Components: []string{"mysql", "shard"},
	}, newWorld("z1"))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return would
}

func namesOf(pods []corev1.Pod) []string {
	names := make([]string, 0, len(pods))
	for i := range pods {
		names = append(names, pods[i].Name)
	}
	return names
}

func TestPodNames(t *testing.T) {
	withTemplate := mysql(3, `,"instances":[{"name":"big","replicas":1},{"name":"far"}]`)
	shards := `"replicas":1,"volumeClaimTemplates":[{"name":"data","spec":{"storageClassName":"zonal"}}]`
	for name, test := range map[string]struct {
		version           kubeblocks.Version
		snapshot          string
		restore, database []string
	}{
		"replicas": {
			kubeblocks.V10, components(mysql(2, "")),
			[]string{"restore-preparedata-carrot67-mysql-0", "restore-preparedata-carrot67-mysql-1"},
			[]string{"carrot67-mysql-0", "carrot67-mysql-1"},
		},
		"instance templates come first, and replicas are one by default": {
			kubeblocks.V09, components(withTemplate),
			[]string{"restore-preparedata-carrot67-mysql-big-0", "restore-preparedata-carrot67-mysql-far-0", "restore-preparedata-carrot67-mysql-0"},
			[]string{"carrot67-mysql-big-0", "carrot67-mysql-far-0", "carrot67-mysql-0"},
		},
		"flat ordinals": {
			kubeblocks.V11, components(mysql(2, `,"flatInstanceOrdinal":true,"instances":[{"name":"big"}]`)),
			[]string{"restore-preparedata-carrot67-mysql-0", "restore-preparedata-carrot67-mysql-1"},
			[]string{"carrot67-mysql-0", "carrot67-mysql-1"},
		},
		"1.2 has no restore Pods before the database Pods": {
			kubeblocks.V12, components(mysql(1, "")), []string{}, []string{"carrot67-mysql-0"},
		},
		"a component that is not backed up has no restore Pods": {
			kubeblocks.V10, components(mysql(1, "") + `,{"name":"proxy","replicas":1}`),
			[]string{"restore-preparedata-carrot67-mysql-0"}, []string{"carrot67-mysql-0", "carrot67-proxy-0"},
		},
		"a stopped component has no Pods": {kubeblocks.V10, components(mysql(1, `,"stop":true`)), []string{}, []string{}},
		"shards, 0.9": {
			kubeblocks.V09, snapshot(`"shardingSpecs":[{"name":"shard","shards":2,"template":{` + shards + `}}]`),
			[]string{"restore-preparedata-carrot67-shard-000-0", "restore-preparedata-carrot67-shard-001-0"},
			[]string{"carrot67-shard-000-0", "carrot67-shard-001-0"},
		},
		"shard templates, 1.1": {
			kubeblocks.V11, snapshot(`"shardings":[{"name":"shard","shards":3,"template":{` + shards + `},"shardTemplates":[{"name":"big","shards":2,"replicas":2}]}]`),
			[]string{
				"restore-preparedata-carrot67-shard-000-0", "restore-preparedata-carrot67-shard-000-1",
				"restore-preparedata-carrot67-shard-001-0", "restore-preparedata-carrot67-shard-001-1", "restore-preparedata-carrot67-shard-002-0",
			},
			[]string{"carrot67-shard-000-0", "carrot67-shard-000-1", "carrot67-shard-001-0", "carrot67-shard-001-1", "carrot67-shard-002-0"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			would := podsOf(t, test.version, test.snapshot)
			g.Expect(namesOf(would.Restore)).To(Equal(test.restore))
			g.Expect(namesOf(would.Database)).To(Equal(test.database))
		})
	}
}

func TestPodLabels(t *testing.T) {
	g := NewWithT(t)
	owner := `,"labels":{"team":"red"},"instances":[{"name":"big","labels":{"size":"big"}}]`
	would := podsOf(t, kubeblocks.V10, components(mysql(2, owner)))
	g.Expect(would.Database[0].Labels).To(Equal(map[string]string{
		"app.kubernetes.io/instance": "carrot67", "app.kubernetes.io/managed-by": "kubeblocks", "apps.kubeblocks.io/component-name": "mysql",
		"workloads.kubeblocks.io/instance": "carrot67-mysql", "workloads.kubeblocks.io/managed-by": "InstanceSet",
		"apps.kubeblocks.io/pod-name": "carrot67-mysql-big-0", "team": "red", "size": "big",
	}))
	g.Expect(would.Restore[0].Labels).To(Equal(map[string]string{
		"app.kubernetes.io/instance": "carrot67", "app.kubernetes.io/managed-by": "kubeblocks-dataprotection",
		"apps.kubeblocks.io/component-name": "mysql", "dataprotection.kubeblocks.io/restore": "carrot67-mysql-preparedata",
		"workloads.kubeblocks.io/instance": "carrot67-mysql", "workloads.kubeblocks.io/managed-by": "InstanceSet",
		"apps.kubeblocks.io/pod-name": "carrot67-mysql-big-0", "apps.kubeblocks.io/vct-name": "data",
		"apps.kubeblocks.io/instance-template": "big", "team": "red",
	}))
	would = podsOf(t, kubeblocks.V09, components(mysql(2, owner)))
	g.Expect(would.Restore[1].Labels).To(Equal(map[string]string{
		"app.kubernetes.io/instance": "carrot67", "app.kubernetes.io/managed-by": "kubeblocks-dataprotection",
		"apps.kubeblocks.io/component-name": "mysql", "dataprotection.kubeblocks.io/restore": "carrot67-mysql-preparedata",
	}))
	would = podsOf(t, kubeblocks.V11, components(mysql(2, owner)))
	g.Expect(would.Database[0].Labels).To(HaveKeyWithValue(kubeblocks.LabelInstanceTemplate, "big"))
	g.Expect(would.Database[1].Labels).To(HaveKeyWithValue(kubeblocks.LabelInstanceTemplate, ""))
}

// The webhook rewrites rules by these labels.
func TestLabelsThatSelectRestorePods(t *testing.T) {
	for _, version := range []kubeblocks.Version{kubeblocks.V09, kubeblocks.V10, kubeblocks.V11} {
		t.Run(string(version), func(t *testing.T) {
			g := NewWithT(t)
			would := podsOf(t, version, components(mysql(2, `,"labels":{"team":"red"},"instances":[{"name":"big"}]`)))
			for i := range would.Restore {
				for key, value := range would.Database[i].Labels {
					if version.SelectsRestorePods(&metav1.LabelSelector{MatchLabels: map[string]string{key: value}}) {
						g.Expect(would.Restore[i].Labels).To(HaveKeyWithValue(key, value))
					}
				}
			}
		})
	}
}

// policyOfNode returns a policy with a node selector and a toleration.
func policyOfNode(key string) string {
	return `{"nodeSelector":{"` + key + `":"yes"},"tolerations":[{"key":"` + key + `","operator":"Exists"}],` +
		`"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"` + key + `","whenUnsatisfiable":"DoNotSchedule"}]}`
}

func TestPodRules(t *testing.T) {
	spec := `"schedulingPolicy":` + policyOfNode("cluster") + `,"componentSpecs":[` +
		mysql(2, `,"schedulingPolicy":`+policyOfNode("component")+`,"instances":[{"name":"big","schedulingPolicy":`+policyOfNode("template")+`}]`) +
		`,{"name":"proxy","replicas":1}]`
	keys := func(pod corev1.Pod) (keys []string) {
		for _, c := range pod.Spec.TopologySpreadConstraints {
			keys = append(keys, c.TopologyKey)
		}
		return keys
	}
	for version, test := range map[kubeblocks.Version]struct{ restore, database []string }{
		kubeblocks.V09: {[]string{"component"}, []string{"component", "template"}},
		kubeblocks.V10: {[]string{"template"}, []string{"template"}},
		kubeblocks.V11: {[]string{"template"}, []string{"template"}},
	} {
		t.Run(string(version), func(t *testing.T) {
			g := NewWithT(t)
			would := podsOf(t, version, snapshot(spec))
			g.Expect(keys(would.Restore[0])).To(Equal(test.restore))
			g.Expect(keys(would.Database[0])).To(Equal(test.database))
			g.Expect(keys(would.Database[1])).To(Equal([]string{"component"}))
			g.Expect(keys(would.Database[2])).To(Equal([]string{"cluster"}), "the component has no policy")
			g.Expect(would.Restore[0].Spec.NodeSelector == nil).To(Equal(version == kubeblocks.V09))
			g.Expect(would.Database[0].Spec.NodeSelector).To(HaveKey("template"))
			g.Expect(would.Database[0].Spec.Tolerations).To(ContainElement(HaveField("Key", "template")))
		})
	}
}

func TestLegacyRules(t *testing.T) {
	g := NewWithT(t)
	spec := snapshot(`"affinity":{"podAntiAffinity":"Required","topologyKeys":["kubernetes.io/hostname"],"nodeLabels":{"disk":"ssd,nvme"},"tenancy":"DedicatedNode"},` +
		`"tolerations":[{"key":"db","operator":"Exists"}],"componentSpecs":[` + mysql(1, "") + `,` +
		`{"name":"proxy","replicas":1,"affinity":{"podAntiAffinity":"Preferred","topologyKeys":["zone"]}}]`)
	would := podsOf(t, kubeblocks.V09, spec)
	pod := would.Database[0].Spec
	anti := pod.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	g.Expect(anti).To(HaveLen(2))
	g.Expect(anti[0].LabelSelector.MatchLabels).To(Equal(map[string]string{
		kubeblocks.LabelInstance: "carrot67", kubeblocks.LabelComponentName: "mysql",
	}), "the live name, not the source's")
	g.Expect(pod.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms[0].MatchExpressions[0].Values).
		To(Equal([]string{"ssd", "nvme"}))
	g.Expect(pod.TopologySpreadConstraints[0].WhenUnsatisfiable).To(Equal(corev1.DoNotSchedule))
	g.Expect(pod.Tolerations).To(ContainElement(HaveField("Key", "db")))
	proxy := would.Database[1].Spec
	g.Expect(proxy.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution).To(BeEmpty())
	g.Expect(proxy.TopologySpreadConstraints[0].WhenUnsatisfiable).To(Equal(corev1.ScheduleAnyway))
	g.Expect(podsOf(t, kubeblocks.V10, spec).Database[0].Spec.Affinity).To(BeNil(), "KubeBlocks 1.0 does not know the fields")
}

func TestShardPlaceholder(t *testing.T) {
	g := NewWithT(t)
	policy := `{"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[` +
		`{"topologyKey":"kubernetes.io/hostname","labelSelector":{"matchLabels":{"apps.kubeblocks.io/component-name":""},` +
		`"matchExpressions":[{"key":"apps.kubeblocks.io/component-name","operator":"In","values":[""]}]}}]}}}`
	would := podsOf(t, kubeblocks.V10, snapshot(`"shardings":[{"name":"shard","shards":2,"template":{"replicas":1,"schedulingPolicy":`+policy+`}}]`))
	for i, name := range []string{"shard-000", "shard-001"} {
		selector := would.Database[i].Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0].LabelSelector
		g.Expect(selector.MatchLabels).To(Equal(map[string]string{kubeblocks.LabelComponentName: name}))
		g.Expect(selector.MatchExpressions[0].Values).To(Equal([]string{name}))
		g.Expect(would.Database[i].Labels).To(HaveKeyWithValue(kubeblocks.LabelShardingName, "shard"))
	}
}

func TestLabelKeysAreMerged(t *testing.T) {
	g := NewWithT(t)
	policy := `{"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"zone","labelSelector":{},` +
		`"matchLabelKeys":["app.kubernetes.io/instance","none"],"mismatchLabelKeys":["apps.kubeblocks.io/component-name"]}]}}}`
	would := podsOf(t, kubeblocks.V10, components(mysql(1, `,"schedulingPolicy":`+policy)))
	g.Expect(would.Database[0].Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0].LabelSelector.MatchExpressions).
		To(Equal([]metav1.LabelSelectorRequirement{
			{Key: kubeblocks.LabelInstance, Operator: metav1.LabelSelectorOpIn, Values: []string{"carrot67"}},
			{Key: kubeblocks.LabelComponentName, Operator: metav1.LabelSelectorOpNotIn, Values: []string{"mysql"}},
		}))
}

func TestClaimsAndRequests(t *testing.T) {
	g := NewWithT(t)
	big := `,"instances":[{"name":"big","resources":{"limits":{"memory":"4Gi"}},` +
		`"volumeClaimTemplates":[{"name":"data","spec":{"resources":{"requests":{"storage":"50Gi"}}}},{"name":"log","spec":{}}]}]`
	w := newWorld("z1")
	w.Classes[0].Annotations = map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}
	would, err := placement.PodsOf(&placement.Restored{
		Cluster: blueprint(t, components(mysql(2, big))), Version: kubeblocks.V10, Components: []string{"mysql"}, Volumes: []string{"data"},
	}, w)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(would.Claims).To(HaveLen(3))
	g.Expect(would.Claims[0].Name).To(Equal("data-carrot67-mysql-big-0"))
	g.Expect(would.Claims[0].Spec.Resources.Requests.Storage().String()).To(Equal("50Gi"))
	g.Expect(*would.Claims[0].Spec.StorageClassName).To(Equal("zonal"), "the default class")
	g.Expect(would.Claims[1].Name).To(Equal("log-carrot67-mysql-big-0"))
	g.Expect(kubeblocks.ClaimsOf(&would.Restore[0].Spec)).To(Equal([]string{"data-carrot67-mysql-big-0"}), "the Backup holds one volume")
	g.Expect(kubeblocks.ClaimsOf(&would.Database[0].Spec)).To(HaveLen(2))
	requests := would.Database[0].Spec.Containers[0].Resources.Requests
	g.Expect(requests.Memory().String()).To(Equal("4Gi"))
	g.Expect(requests.Cpu().String()).To(Equal("1"), "what is limited is requested")
	g.Expect(would.Restore[0].Spec.Containers[0].Resources.Requests.Cpu().IsZero()).To(BeTrue())
}

func TestSidecarsOfRunningPods(t *testing.T) {
	g := NewWithT(t)
	w := newWorld("z1")
	runSource(w)
	pod := w.Pods[0].Object()
	pod.Labels["app.kubernetes.io/component"], pod.Labels["kubeblocks.io/role"] = "mysql-8", "leader"
	pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: "agent", Resources: corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m")},
	}})
	would, err := placement.PodsOf(&placement.Restored{
		Cluster: blueprint(t, components(mysql(1, ""))), Version: kubeblocks.V10, Source: rewrite.Identity{Namespace: "default", Name: "my1"},
	}, w)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(would.Sidecars).To(BeTrue())
	g.Expect(would.Database[0].Spec.Containers).To(HaveLen(2))
	g.Expect(would.Database[0].Labels).To(HaveKeyWithValue("app.kubernetes.io/component", "mysql-8"))
	g.Expect(would.Database[0].Labels).NotTo(HaveKey("kubeblocks.io/role"), "a new Pod has no role")
}

func TestTooManyPods(t *testing.T) {
	for name, spec := range map[string]string{
		"replicas": components(mysql(2_000_000_000, "")),
		"shards":   snapshot(`"shardings":[{"name":"shard","shards":2000000000,"template":{"replicas":1}}]`),
		"template": components(mysql(1, `,"instances":[{"name":"big","replicas":2000000000}]`)),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := placement.PodsOf(&placement.Restored{Cluster: blueprint(t, spec), Version: kubeblocks.V10}, newWorld("z1"))
			NewWithT(t).Expect(err).To(MatchError("the Cluster has more than 1000 Pods"))
		})
	}
}
