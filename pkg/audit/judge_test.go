package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/manifest"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// backupOf returns a Backup of my1 with this spec, in YAML.
func backupOf(spec string) *kubeblocks.Backup {
	cluster := map[string]any{"metadata": map[string]any{"name": "my1", "namespace": "shop"}}
	var parsed map[string]any
	if err := yaml.Unmarshal([]byte(spec), &parsed); err != nil {
		panic(err)
	}
	cluster["spec"] = parsed
	raw, err := json.Marshal(cluster)
	if err != nil {
		panic(err)
	}
	return backupWith(string(raw))
}

func backupWith(snapshot string) *kubeblocks.Backup {
	b := &kubeblocks.Backup{}
	b.Namespace, b.Name = "shop", "bp1"
	b.Labels = map[string]string{kubeblocks.LabelInstance: "my1"}
	b.Annotations = map[string]string{kubeblocks.AnnotationClusterSnapshot: snapshot}
	return b
}

// component returns a spec with one component of three replicas, and its scheduling policy.
func component(policy string) string {
	return "componentSpecs: [{name: mysql, replicas: 3, schedulingPolicy: " + policy + "}]"
}

func required(list, selector, key string) string {
	return fmt.Sprintf("{affinity: {%s: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: %s, labelSelector: %s}]}}}", list, key, selector)
}

func threeNodes(more ...corev1.Node) []corev1.Node {
	list := make([]corev1.Node, 0, 3+len(more))
	for _, name := range []string{"a", "b", "c"} {
		list = append(list, node(name, "z-"+name))
	}
	return append(list, more...)
}

func node(name, zone string) corev1.Node {
	n := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}}}
	if zone != "" {
		n.Labels[corev1.LabelTopologyZone] = zone
	}
	return n
}

func tainted(n corev1.Node) corev1.Node {
	n.Spec.Taints = []corev1.Taint{{Key: "control-plane", Effect: corev1.TaintEffectNoSchedule}}
	return n
}

func cordoned(n corev1.Node) corev1.Node {
	n.Spec.Unschedulable = true
	return n
}

const (
	byInstance = "{matchLabels: {app.kubernetes.io/instance: my1}}"
	host       = "kubernetes.io/hostname"
	zone       = "topology.kubernetes.io/zone"
)

func TestVerdicts(t *testing.T) {
	apart := component(required("podAntiAffinity", byInstance, host))
	for name, c := range map[string]struct {
		spec    string
		facts   Facts
		outcome Outcome
		class   rewrite.Class
		effect  Effect
		ways    string
	}{
		"no rules":                                 {"componentSpecs: [{name: mysql, replicas: 3}]", Facts{}, Fine, "", "", ""},
		"apart, nodes unknown":                     {apart, Facts{}, Hangs, rewrite.SourceIdentity, ExcludesSource, "Manifest"},
		"apart, as many nodes as replicas":         {apart, Facts{Nodes: threeNodes()}, Hangs, rewrite.SourceIdentity, ExcludesSource, "Manifest"},
		"apart, a node is free":                    {apart, Facts{Nodes: threeNodes(node("d", ""))}, LosesSpread, rewrite.SourceIdentity, NoSpread, "Manifest"},
		"apart, the free node is tainted":          {apart, Facts{Nodes: threeNodes(tainted(node("d", "")))}, Hangs, rewrite.SourceIdentity, ExcludesSource, "Manifest"},
		"apart, the free node is cordoned":         {apart, Facts{Nodes: threeNodes(cordoned(node("d", "")))}, Hangs, rewrite.SourceIdentity, ExcludesSource, "Manifest"},
		"apart per zone, a node has no zone":       {component(required("podAntiAffinity", byInstance, zone)), Facts{Nodes: threeNodes(node("d", ""))}, LosesSpread, rewrite.SourceIdentity, NoSpread, "Manifest"},
		"apart on 0.9":                             {apart, Facts{Version: kubeblocks.V09}, Hangs, rewrite.SourceIdentity, ExcludesSource, "Manifest OpsRequest"},
		"apart on 1.0, which rewrites OpsRequests": {apart, Facts{Version: kubeblocks.V10}, Hangs, rewrite.SourceIdentity, ExcludesSource, "Manifest"},
		"apart in an instance template on 1.0": {
			"componentSpecs: [{name: mysql, replicas: 3, instances: [{name: hot, schedulingPolicy: " + required("podAntiAffinity", byInstance, host) + "}]}]",
			Facts{Version: kubeblocks.V10}, Hangs, rewrite.SourceIdentity, ExcludesSource, "Manifest OpsRequest",
		},
		"apart by the workload's name on 1.0": {
			component(required("podAntiAffinity", "{matchLabels: {workloads.kubeblocks.io/instance: my1-mysql}}", host)),
			Facts{Version: kubeblocks.V10}, Hangs, rewrite.SourceIdentity, ExcludesSource, "Manifest OpsRequest",
		},
		"apart, by a cluster policy": {
			"{schedulingPolicy: " + required("podAntiAffinity", byInstance, host) + ", componentSpecs: [{name: mysql, replicas: 3, schedulingPolicy: {}}, {name: proxy}]}",
			Facts{Nodes: threeNodes()}, Hangs, rewrite.SourceIdentity, ExcludesSource, "Manifest",
		},
		"apart, by a cluster policy that each component replaces": {
			"{schedulingPolicy: " + required("podAntiAffinity", byInstance, host) + ", componentSpecs: [{name: mysql, replicas: 3, schedulingPolicy: {}}]}",
			Facts{Nodes: threeNodes()}, Noted, rewrite.SourceIdentity, Overridden, "Manifest",
		},
		"invalid, in a cluster policy that each component replaces": {
			"{schedulingPolicy: " + required("podAntiAffinity", byInstance, `""`) + ", componentSpecs: [{name: mysql, schedulingPolicy: {}}]}",
			Facts{Nodes: threeNodes()}, Noted, rewrite.Invalid, Overridden, "Manifest",
		},
		"apart, nodes are free, and together with Pods of the source": {
			component("{affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: " + zone + ", labelSelector: " + byInstance + "}]}, " +
				"podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: " + host + ", labelSelector: {matchLabels: {apps.kubeblocks.io/component-name: mysql}}}]}}}"),
			Facts{Nodes: threeNodes(node("d", "z-d"), node("e", "z-e"), node("f", "z-f"))}, Hangs, rewrite.SourceIdentity, ExcludesSource, "Manifest",
		},
		"apart per node, nodes are free, and together with Pods of the source per zone": {
			component("{affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: " + host + ", labelSelector: " + byInstance + "}]}, " +
				"podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: " + zone + ", labelSelector: {matchLabels: {apps.kubeblocks.io/component-name: mysql}}}]}}}"),
			Facts{Nodes: threeNodes(node("d", "z-a"), node("e", "z-b"), node("f", "z-c"))}, LosesSpread, rewrite.SourceIdentity, NoSpread, "Manifest",
		},
		"apart by a component name that no shard has": {
			"shardings: [{name: shard, shards: 2, template: {replicas: 2, schedulingPolicy: " +
				required("podAntiAffinity", "{matchLabels: {app.kubernetes.io/instance: my1, apps.kubeblocks.io/component-name: shard}}", host) + "}}]",
			Facts{Nodes: threeNodes()}, LosesSpread, rewrite.SourceIdentity, NoSpread, "Manifest",
		},
		"apart by the sharding's name": {
			"shardings: [{name: shard, shards: 2, template: {replicas: 2, schedulingPolicy: " +
				required("podAntiAffinity", "{matchLabels: {app.kubernetes.io/instance: my1, apps.kubeblocks.io/sharding-name: shard}}", host) + "}}]",
			Facts{Nodes: threeNodes()}, Hangs, rewrite.SourceIdentity, ExcludesSource, "Manifest",
		},
		"apart by the workload, beside shards, a node is free": {
			"{componentSpecs: [{name: mysql, replicas: 2, schedulingPolicy: " + required("podAntiAffinity", "{matchLabels: {workloads.kubeblocks.io/instance: my1-mysql}}", host) +
				"}], shardings: [{name: shard, shards: 2, template: {replicas: 2}}]}",
			Facts{Nodes: threeNodes()}, LosesSpread, rewrite.SourceIdentity, NoSpread, "Manifest",
		},
		"apart from all clusters but another, no room": {
			component(required("podAntiAffinity", "{matchLabels: {apps.kubeblocks.io/component-name: mysql}, matchExpressions: [{key: workloads.kubeblocks.io/instance, operator: NotIn, values: [web1-mysql]}]}", host)),
			Facts{Nodes: threeNodes()}, Hangs, rewrite.ThirdParty, ExcludesCrowd, "Manifest",
		},
		"apart from all clusters but another, which an OpsRequest turns": {
			component(required("podAntiAffinity", "{matchExpressions: [{key: app.kubernetes.io/instance, operator: NotIn, values: [web1]}]}", host)),
			Facts{Version: kubeblocks.V10, Nodes: threeNodes()}, Hangs, rewrite.ThirdParty, ExcludesSource, "OpsRequest",
		},
		"apart by a label of an instance template, room": {
			"componentSpecs: [{name: mysql, replicas: 2, instances: [{name: hot, replicas: 1, labels: {team: blue}, schedulingPolicy: " +
				required("podAntiAffinity", "{matchLabels: {team: blue}}", zone) + "}]}]",
			Facts{Nodes: threeNodes()}, Differs, rewrite.Unscoped, OtherMeaning, "Manifest",
		},
		"apart by a label of an instance template, no room": {
			"componentSpecs: [{name: mysql, replicas: 4, instances: [{name: hot, replicas: 3, labels: {team: blue}, schedulingPolicy: " +
				required("podAntiAffinity", "{matchLabels: {team: blue}}", zone) + "}]}]",
			Facts{Nodes: threeNodes()}, Hangs, rewrite.Unscoped, ExcludesCrowd, "Manifest",
		},
		"apart from a namesake in another namespace": {
			component("{affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: " + host + ", namespaces: [bank], labelSelector: " + byInstance + "}]}}}"),
			Facts{Nodes: threeNodes()}, Differs, rewrite.ThirdParty, OtherMeaning, "Manifest",
		},
		"with a sister component": {component(required("podAffinity", byInstance, zone)), Facts{Nodes: threeNodes()}, Hangs, rewrite.SourceIdentity, NeedsSource, "Manifest"},
		"spread": {
			component("{topologySpreadConstraints: [{maxSkew: 1, whenUnsatisfiable: DoNotSchedule, topologyKey: " + host + ", labelSelector: " + byInstance + "}]}"),
			Facts{Nodes: threeNodes()}, LosesSpread, rewrite.SourceIdentity, NoSpread, "Manifest",
		},
		"spread over racks that no node has": {
			component("{topologySpreadConstraints: [{maxSkew: 1, whenUnsatisfiable: DoNotSchedule, topologyKey: rack, labelSelector: " + byInstance + "}]}"),
			Facts{Nodes: threeNodes()}, Hangs, rewrite.SourceIdentity, NoNode, "Manifest",
		},
		"preferably apart": {
			component("{affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: " + host + ", labelSelector: " + byInstance + "}}]}}}"),
			Facts{}, Noted, rewrite.SourceIdentity, NoEffect, "Manifest",
		},
		"NotIn the source": {
			component(required("podAntiAffinity", "{matchExpressions: [{key: app.kubernetes.io/instance, operator: NotIn, values: [my1]}]}", host)),
			Facts{Nodes: threeNodes()}, Differs, rewrite.SourceIdentity, OtherMeaning, "Manifest",
		},
		"by component alone, no room": {
			component(required("podAntiAffinity", "{matchLabels: {apps.kubeblocks.io/component-name: mysql}}", host)),
			Facts{Nodes: threeNodes(node("d", ""), node("e", ""))}, Hangs, rewrite.Unscoped, ExcludesCrowd, "Manifest",
		},
		"by component alone, room": {
			component(required("podAntiAffinity", "{matchLabels: {apps.kubeblocks.io/component-name: mysql}}", host)),
			Facts{Nodes: threeNodes(node("d", ""), node("e", ""), node("f", ""))}, Differs, rewrite.Unscoped, OtherMeaning, "Manifest",
		},
		"together by component alone": {
			component(required("podAffinity", "{matchLabels: {apps.kubeblocks.io/component-name: mysql}}", zone)),
			Facts{Nodes: threeNodes()}, Differs, rewrite.Unscoped, OtherMeaning, "Manifest",
		},
		"Exists, which an OpsRequest makes invalid": {
			component(required("podAffinity", "{matchExpressions: [{key: app.kubernetes.io/instance, operator: Exists}]}", host)),
			Facts{Version: kubeblocks.V10}, Hangs, rewrite.Invalid, Refused, "OpsRequest",
		},
		"a zone that exists":      {component("{nodeSelector: {" + zone + ": z-a}}"), Facts{Nodes: threeNodes()}, Noted, rewrite.NodeBound, NoEffect, "Manifest"},
		"a zone that is gone":     {component("{nodeSelector: {" + zone + ": z-x}}"), Facts{Nodes: threeNodes()}, Hangs, rewrite.NodeBound, NoNode, "Manifest"},
		"a zone, nodes unknown":   {component("{nodeSelector: {" + zone + ": z-x}}"), Facts{}, Differs, rewrite.NodeBound, Unchecked, "Manifest"},
		"a node that is gone":     {component("{nodeName: x}"), Facts{Nodes: threeNodes()}, Hangs, rewrite.NodeBound, NoNode, "Manifest"},
		"another cluster":         {component(required("podAffinity", "{matchLabels: {app.kubernetes.io/instance: web1}}", zone)), Facts{Nodes: threeNodes()}, Differs, rewrite.ThirdParty, OtherMeaning, "Manifest"},
		"another cluster, on 1.0": {component(required("podAffinity", "{matchLabels: {app.kubernetes.io/instance: web1}}", zone)), Facts{Version: kubeblocks.V10}, Differs, rewrite.ThirdParty, OtherMeaning, "Manifest"},
		"a selector that is missing": {
			component("{affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: " + host + "}]}}}"),
			Facts{}, Hangs, rewrite.Vacuous, NoNode, "Manifest",
		},
		"an invalid rule":                        {component(required("podAntiAffinity", byInstance, `""`)), Facts{}, Hangs, rewrite.Invalid, Refused, "Manifest"},
		"a service account":                      {"componentSpecs: [{name: mysql, serviceAccountName: kb-my1}]", Facts{}, Differs, manifest.NamesSource, OtherMeaning, "Manifest OpsRequest"},
		"a service account that exists":          {"componentSpecs: [{name: mysql, serviceAccountName: dba}]", Facts{Version: kubeblocks.V10, ServiceAccounts: []string{"shop/dba"}}, Fine, "", "", ""},
		"a service account of another namespace": {"componentSpecs: [{name: mysql, serviceAccountName: dba}]", Facts{Version: kubeblocks.V10, ServiceAccounts: []string{"bank/dba"}}, Hangs, Gone, Missing, "Manifest OpsRequest"},
		"no service account, which 0.9 creates":  {"componentSpecs: [{name: mysql, serviceAccountName: dba}]", Facts{Version: kubeblocks.V09, ServiceAccounts: []string{}}, Fine, "", "", ""},
		"a storage class":                        {"componentSpecs: [{name: mysql, volumeClaimTemplates: [{name: data, spec: {storageClassName: fast}}]}]", Facts{StorageClasses: []string{"fast"}}, Fine, "", "", ""},
		"no storage class":                       {"componentSpecs: [{name: mysql, volumeClaimTemplates: [{name: data, spec: {storageClassName: fast}}]}]", Facts{StorageClasses: []string{}}, Hangs, Gone, Missing, "Manifest OpsRequest"},
		"a definition by prefix":                 {"componentSpecs: [{name: mysql, componentDef: mysql-8}]", Facts{ComponentDefinitions: []string{"mysql-8.0-1.0.2"}}, Fine, "", "", ""},
		"a definition by pattern":                {"componentSpecs: [{name: mysql, componentDef: mysql.8}]", Facts{ComponentDefinitions: []string{"my-mysql-8.0"}}, Fine, "", "", ""},
		"a part of a definition":                 {"componentSpecs: [{name: mysql, componentDef: mysql-8}]", Facts{ComponentDefinitions: []string{"my-mysql-8.0"}}, Hangs, Gone, Missing, "Manifest OpsRequest"},
		"no name of a definition":                {"componentSpecs: [{name: mysql, componentDef: 'mysql-[8]'}]", Facts{ComponentDefinitions: []string{"redis-7"}}, Fine, "", "", ""},
		"no definition":                          {"componentSpecs: [{name: mysql, componentDef: mysql-8}]", Facts{ComponentDefinitions: []string{"redis-7"}}, Hangs, Gone, Missing, "Manifest OpsRequest"},
		"another namespace's rule":               {component(required("podAffinity", "{matchLabels: {apps.kubeblocks.io/component-name: mysql}}", zone)), Facts{}, Differs, rewrite.NamespaceShift, OtherMeaning, "Manifest OpsRequest"},
		"another namespace's rule, in a cluster policy that each component replaces": {
			"{schedulingPolicy: " + required("podAffinity", "{matchLabels: {apps.kubeblocks.io/component-name: mysql}}", zone) +
				", componentSpecs: [{name: mysql, schedulingPolicy: {}}]}",
			Facts{}, Noted, rewrite.NamespaceShift, Overridden, "Manifest OpsRequest",
		},
		"of 1.2, on 1.0": {"{restore: {source: {name: bp0}}, componentSpecs: [{name: mysql}]}", Facts{Version: kubeblocks.V10}, StartsEmpty, RestoreIgnored, NoData, "Manifest"},
		"of 1.2, on 0.9": {"{restore: {source: {name: bp0}}, componentSpecs: [{name: mysql}]}", Facts{Version: kubeblocks.V09}, StartsEmpty, RestoreIgnored, NoData, "Manifest"},
		"of 0.9, on 1.2": {"{clusterDefinitionRef: mysql, componentSpecs: [{name: mysql}]}", Facts{Version: kubeblocks.V12}, StartsEmpty, RestoreIgnored, NoData, "Manifest"},
		"of 0.9, on 0.9": {"{clusterDefinitionRef: mysql, componentSpecs: [{name: mysql}]}", Facts{Version: kubeblocks.V09}, Fine, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)

			v := NewJudge(c.facts).Backup(backupOf(c.spec))

			g.Expect(v.Outcome).To(Equal(c.outcome), "%+v", v.Findings)
			if c.class == "" {
				g.Expect(v.Findings).To(BeEmpty())
				return
			}
			g.Expect(v.Findings).To(ContainElement(SatisfyAll(
				HaveField("Class", c.class), HaveField("Effect", c.effect),
				WithTransform(func(f Finding) string { return strings.Trim(fmt.Sprint(f.Ways), "[]") }, Equal(c.ways)),
			)))
		})
	}
}

func TestARuleCountsOnceForAllWays(t *testing.T) {
	g := NewWithT(t)
	spec := component(required("podAntiAffinity", "{matchExpressions: [{key: app.kubernetes.io/instance, operator: NotIn, values: [web1]}]}", host))

	v := NewJudge(Facts{Version: kubeblocks.V10, Nodes: threeNodes()}).Backup(backupOf(spec))

	g.Expect(v.Findings[0].Ways).To(Equal([]Way{ByManifest}))
	g.Expect(v.Findings[1].Ways).To(Equal([]Way{ByOpsRequest}))
	g.Expect(v.Counts[rewrite.ThirdParty]).To(Equal(1))
}

func TestTheFindingThatDecidesComesFirst(t *testing.T) {
	spread := "{topologySpreadConstraints: [{maxSkew: 1, whenUnsatisfiable: DoNotSchedule, topologyKey: " + host + ", labelSelector: " + byInstance + "}]}"
	invalid, apart := required("podAntiAffinity", byInstance, `""`), required("podAntiAffinity", byInstance, host)
	for name, c := range map[string]struct {
		spec    string
		classes []rewrite.Class
	}{
		"empty before a lost spread": {
			"{restore: {source: {name: bp0}}, " + component(spread) + "}", []rewrite.Class{RestoreIgnored, rewrite.SourceIdentity},
		},
		"of what hangs, stale rules first": {
			"componentSpecs: [{name: a, schedulingPolicy: " + invalid + "}, {name: b, schedulingPolicy: " + apart + "}]",
			[]rewrite.Class{rewrite.SourceIdentity, rewrite.Invalid},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)

			v := NewJudge(Facts{Version: kubeblocks.V10}).Backup(backupOf(c.spec))

			var classes []rewrite.Class
			for _, f := range v.Findings {
				classes = append(classes, f.Class)
			}
			g.Expect(slices.Compact(classes)).To(Equal(c.classes))
		})
	}
}

func TestBackupsWithoutASnapshot(t *testing.T) {
	g := NewWithT(t)
	none := backupWith("")
	delete(none.Annotations, kubeblocks.AnnotationClusterSnapshot)
	for _, c := range []struct {
		backup *kubeblocks.Backup
		class  rewrite.Class
		text   string
	}{
		{none, NoSnapshot, "has no annotation kubeblocks.io/cluster-snapshot"},
		{backupWith(""), BadSnapshot, "not JSON at byte 0"},
		{backupWith("{"), BadSnapshot, "not JSON at byte 1"},
		{backupWith(`{"kind":"Pod"}`), BadSnapshot, "not a Cluster, but a Pod"},
		{backupWith(`{"spec":{"componentSpecs":"x"}}`), BadSnapshot, "spec.componentSpecs is of type string at byte 29"},
		{backupWith(strings.Repeat("[", 1000)), BadSnapshot, "it is nested deeper than 64 levels"},
	} {
		v := NewJudge(Facts{}).Backup(c.backup)

		g.Expect(v.Outcome).To(Equal(Unreadable))
		g.Expect(v.Findings).To(HaveLen(1))
		g.Expect(v.Findings[0].Class).To(Equal(c.class))
		g.Expect(v.Findings[0].Rule).To(Equal(c.text))
	}
}

func TestEqualSnapshotsAreJudgedOnce(t *testing.T) {
	g := NewWithT(t)
	j := NewJudge(Facts{})
	first := j.Backup(backupOf(component(required("podAntiAffinity", byInstance, host))))
	for i := range 20 {
		nightly := backupOf(component(required("podAntiAffinity", byInstance, host)))
		nightly.Name = fmt.Sprintf("nightly-%d", i)
		g.Expect(j.Backup(nightly)).To(BeIdenticalTo(first))
	}
	g.Expect(j.Judged()).To(Equal(1))

	other := backupOf(component(required("podAntiAffinity", byInstance, host)))
	other.Labels[kubeblocks.LabelBackupClusterUID] = "another"
	g.Expect(j.Backup(other)).NotTo(BeIdenticalTo(first), "the UID of the source is part of what is judged")
	g.Expect(j.Judged()).To(Equal(2))
}

func TestEqualSnapshotsAreJudgedOnceAtTheSameTime(t *testing.T) {
	g := NewWithT(t)
	j, verdicts := NewJudge(Facts{Nodes: threeNodes()}), make([]*Verdict, 60)
	var group sync.WaitGroup
	for i := range verdicts {
		group.Go(func() {
			b := backupOf(component(required("podAntiAffinity", byInstance, host)))
			b.Labels[kubeblocks.LabelBackupClusterUID] = strconv.Itoa(i % 6)
			verdicts[i] = j.Backup(b)
		})
	}
	group.Wait()
	g.Expect(j.Judged()).To(Equal(6))
	for i, v := range verdicts {
		g.Expect(v).To(BeIdenticalTo(verdicts[i%6]))
		g.Expect(v).To(Equal(verdicts[0]))
	}
}

// TestAnEqualSnapshotIsNotDecoded counts allocations: each decoded value needs some.
func TestAnEqualSnapshotIsNotDecoded(t *testing.T) {
	g := NewWithT(t)
	term := "{topologyKey: " + host + ", labelSelector: {matchLabels: {app.kubernetes.io/instance: my1}}}"
	b := backupOf(component("{affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [" + strings.Repeat(term+", ", 900) + "]}}}"))
	j := NewJudge(Facts{})
	j.Backup(b)

	g.Expect(testing.AllocsPerRun(100, func() { j.Backup(b) })).To(BeNumerically("<", 20))
	g.Expect(j.Judged()).To(Equal(1))
}

func TestAVerdictIsSmall(t *testing.T) {
	g := NewWithT(t)
	term := "{topologyKey: " + host + ", labelSelector: {matchLabels: {app.kubernetes.io/instance: my1, x: " + strings.Repeat("y", 60) + "}}}"
	spec := component("{affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [" + strings.Repeat(term+", ", 900) + "]}}}")

	v := NewJudge(Facts{}).Backup(backupOf(spec))

	g.Expect(v.Findings).To(HaveLen(maxFindings))
	g.Expect(v.Omitted).To(BeNumerically(">=", 900-maxFindings))
	g.Expect(v.Counts[rewrite.SourceIdentity]).To(Equal(900))
	encoded, err := json.Marshal(v)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(encoded)).To(BeNumerically("<", 16<<10))
}

// TestAVerdictHangsOnTheWaysOfAllFindings has a rule that decides behind as many others as a Verdict keeps.
func TestAVerdictHangsOnTheWaysOfAllFindings(t *testing.T) {
	components := func(policy, last string) string {
		list := make([]string, maxFindings, maxFindings+1)
		for i := range list {
			list[i] = fmt.Sprintf("{name: c%d, replicas: 3, schedulingPolicy: %s}", i, policy)
		}
		return "componentSpecs: [" + strings.Join(append(list, last), ", ") + "]"
	}
	apart, together := required("podAntiAffinity", byInstance, host), required("podAffinity", byInstance, zone)
	for name, c := range map[string]struct {
		spec                string
		byOpsRequest, later bool
	}{
		"missed by an OpsRequest": {components(apart, "{name: last, replicas: 3, instances: [{name: hot, schedulingPolicy: "+apart+"}]}"), true, false},
		"by a manifest only":      {components(apart, "{name: last, replicas: 3, schedulingPolicy: "+apart+"}"), false, false},
		"beside the source":       {components(together, "{name: last, replicas: 3, schedulingPolicy: "+apart+"}"), false, false},
		"without the source":      {components(together, "{name: last, replicas: 3, schedulingPolicy: "+together+"}"), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)

			v := NewJudge(Facts{Version: kubeblocks.V10}).Backup(backupOf(c.spec))

			g.Expect(v.Outcome).To(Equal(Hangs))
			g.Expect(v.Omitted).To(BeNumerically(">", 0))
			g.Expect(v.HangsOn(ByManifest)).To(BeTrue())
			g.Expect(v.HangsOn(ByOpsRequest)).To(Equal(c.byOpsRequest))
			g.Expect(v.HangsLater).To(Equal(c.later))
		})
	}
}

func TestGroupsBySource(t *testing.T) {
	g := NewWithT(t)
	j, groups := NewJudge(Facts{}), NewGroups()
	add := func(namespace, source, name string, day int, spec string) {
		b := backupOf(spec)
		b.Namespace, b.Name, b.Labels[kubeblocks.LabelInstance] = namespace, name, source
		b.CreationTimestamp = metav1.Date(2026, 1, day, 0, 0, 0, 0, metav1.Now().Location())
		groups.Add(b, j.Backup(b))
	}
	bad, good := component(required("podAntiAffinity", byInstance, host)), "componentSpecs: [{name: mysql}]"
	add("shop", "my1", "n0", 0, "componentSpecs: [{name: mysql, serviceAccountName: kb-my1}]")
	add("shop", "my1", "n1", 1, bad)
	add("shop", "my1", "n3", 3, good)
	add("shop", "my1", "n2", 2, bad)
	add("shop", "kiwi", "k1", 9, good)
	add("bank", "my1", "b1", 8, bad)

	all := groups.Sources()

	g.Expect(all).To(HaveLen(3))
	g.Expect([]string{all[0].Namespace, all[1].Namespace, all[2].Name}).To(Equal([]string{"bank", "shop", "kiwi"}))
	g.Expect(all[1].Newest.Name).To(Equal("n3"))
	g.Expect(all[1].Worst.Name).To(Equal("n2"), "the newest of those that hang")
	g.Expect(all[1].Backups).To(Equal(4))
	g.Expect(all[1].Affected).To(Equal(3))
	g.Expect(all[1].AsBad).To(Equal(2), "one needs attention, and does not hang")
	g.Expect(all[2].AsBad).To(Equal(1))
	g.Expect(groups.Outcomes).To(Equal(map[Outcome]int{Hangs: 3, Differs: 1, Fine: 2}))
}

// TestManySourcesKeepTheirWorstFinding has a snapshot whose verdict has as many findings as are kept.
func TestManySourcesKeepTheirWorstFinding(t *testing.T) {
	g := NewWithT(t)
	term := "{topologyKey: " + host + ", labelSelector: " + byInstance + "}"
	spec := component("{affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [" + strings.Repeat(term+", ", 20) + "]}}}")
	b, groups := backupOf(spec), NewGroups()
	v := NewJudge(Facts{}).Backup(b)
	for i := range maxDetailed + 10 {
		b.Labels[kubeblocks.LabelInstance] = fmt.Sprintf("%05d", i)
		groups.Add(b, v)
	}

	all := groups.Sources()

	g.Expect(all[maxDetailed-1].Verdict).To(BeIdenticalTo(v))
	for _, s := range all[maxDetailed:] {
		g.Expect(s.Verdict.Findings).To(Equal(v.Findings[:1]))
		g.Expect(s.Verdict.Omitted).To(Equal(v.Omitted + maxFindings - 1))
		g.Expect(s.Verdict.Counts).To(Equal(v.Counts))
		g.Expect(s.Verdict.Findings).To(HaveCap(1), "the others are not in memory")
	}
}
