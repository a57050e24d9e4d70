package placement_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/placement"
)

// stuck is a source that keeps its Pods apart, which run on all nodes.
func stuck(t *testing.T) placement.PreflightInput {
	w := newWorld("z1", "z2", "z3")
	runSource(w)
	return inputOf(t, w, components(mysql(3, `,"schedulingPolicy":`+apart)))
}

func TestPreflightOfAStaleRule(t *testing.T) {
	g := NewWithT(t)
	report := preflight(t, stuck(t))
	g.Expect(report.Fits).To(Equal(placement.Yes))
	g.Expect(textOf(report)).To(Equal(`ok    Backup default/bp1 is Completed; snapshot of my1
ok    KubeBlocks 1.0 restores by annotation                        (an EMPTY database otherwise: RH007)
ok    the names of Cluster default/carrot67 are free
ok    storage classes exist: zonal
FAIL  as KubeBlocks alone restores it: 0 of 3 restore Pods fit     1 stale rule (RH001)
ok    as an OpsRequest of KubeBlocks restores it: 3 of 3 Pods fit  node-a, node-b, node-c
ok    as Rehome rewrites it: 3 of 3 Pods fit                       node-a, node-b, node-c
Fits with Rehome. Nothing is reserved: this is a look, not a promise.
`))
	g.Expect(report.Alone.Waiting).To(HaveLen(3))
	g.Expect(report.Rehomed.Nodes).To(HaveLen(3))
}

func TestPreflightWithoutAStaleRule(t *testing.T) {
	g := NewWithT(t)
	in := stuck(t)
	in.Manifest.Snapshot = []byte(components(mysql(3, "")))
	in.Manifest.Source.Policies = nil
	report := preflight(t, in)
	g.Expect(textOf(report)).To(ContainSubstring("ok    no rule is stale: 3 of 3 Pods fit"))
	g.Expect(report.Summary).To(HavePrefix("Fits, with Rehome and without."))
}

// In another namespace the stale rule selects nothing: the Pods fit, and share nodes.
func TestPreflightOfALostSpread(t *testing.T) {
	g := NewWithT(t)
	w := newWorld("z1", "z2", "z3")
	for _, name := range []string{"x", "y"} {
		for range 9 {
			run(w, name+string(rune('0'+len(w.Pods))), map[string]string{"x": "node-b", "y": "node-c"}[name], nil, "0")
		}
	}
	in := inputOf(t, w, components(mysql(3, `,"schedulingPolicy":`+apart)))
	in.Manifest.Target.Namespace = "other"
	report := preflight(t, in)
	g.Expect(textOf(report)).To(ContainSubstring("warn  as KubeBlocks alone restores it: 3 of 3 Pods fit"))
	g.Expect(textOf(report)).To(ContainSubstring("they share node-a: the stale rule spreads Pods of my1"))
	g.Expect(report.Alone.Gathered).To(BeTrue())
	g.Expect(report.Rehomed.Nodes).To(HaveLen(3))
	g.Expect(report.Summary).To(HavePrefix("Fits with Rehome."))
}

// Pods of two components share a node, with the stale rule and without it.
func TestPreflightOfPodsThatShareANodeAnyway(t *testing.T) {
	g := NewWithT(t)
	own := strings.Replace(apart, `"my1"`, `"my1","apps.kubeblocks.io/component-name":"mysql"`, 1)
	in := inputOf(t, newWorld("z1"), components(mysql(1, `,"schedulingPolicy":`+own)+`,{"name":"proxy","replicas":1}`))
	in.Manifest.Target.Namespace = "other"
	report := preflight(t, in)
	g.Expect(report.Alone.Gathered).To(BeFalse(), textOf(report))
	g.Expect(textOf(report)).To(ContainSubstring("ok    as KubeBlocks alone restores it: 2 of 2 Pods fit"))
	g.Expect(report.Summary).To(HavePrefix("Fits, with Rehome and without."))
}

// With --scope-unscoped Rehome rewrites a rule that is not stale.
func TestPreflightOfAnUnscopedRule(t *testing.T) {
	g := NewWithT(t)
	w := newWorld("z1", "z2", "z3")
	runSource(w)
	unscoped := strings.Replace(apart, `"app.kubernetes.io/instance":"my1"`, `"apps.kubeblocks.io/component-name":"mysql"`, 1)
	in := inputOf(t, w, components(mysql(3, `,"schedulingPolicy":`+unscoped)))
	g.Expect(textOf(preflight(t, in))).To(ContainSubstring("(RH003)"), "it is kept without the flag")
	in.Options.ScopeUnscoped = true
	report := preflight(t, in)
	g.Expect(report.Fits).To(Equal(placement.Yes), textOf(report))
	g.Expect(textOf(report)).To(ContainSubstring("FAIL  as KubeBlocks alone restores it: 0 of 3 restore Pods fit"))
	g.Expect(textOf(report)).NotTo(Or(ContainSubstring("RH001"), ContainSubstring("(RH003)")), "it is neither stale nor kept")
}

// A plugin returns an error for an invalid rule: that is no answer, but the API server's is.
func TestPreflightOfAnInvalidRule(t *testing.T) {
	g := NewWithT(t)
	in := inputOf(t, newWorld("z1"), components(mysql(1, `,"schedulingPolicy":`+strings.Replace(apart, `"my1"`, `"my1","-":"x"`, 1))))
	in.NewScheduler = func(context.Context, *placement.World) (placement.Scheduler, error) {
		return nil, errors.New("invalid selector")
	}
	report := preflight(t, in)
	g.Expect(report.Fits).To(Equal(placement.No))
	g.Expect(textOf(report)).To(MatchRegexp(`(?m)^FAIL  .*\(RH006\)$`))
	g.Expect(textOf(report)).To(HaveSuffix("Will not be restored: see the lines with FAIL.\n"))
	var page strings.Builder
	g.Expect(report.HTML(&page)).To(Succeed())
}

// KubeBlocks 0.9 adds the rules of an instance template to those of its component. Later versions replace them.
func TestPreflightOfAPodThatTheAPIServerRefuses(t *testing.T) {
	g := NewWithT(t)
	spread := func(component string) string {
		return `,"schedulingPolicy":{"topologySpreadConstraints":[{"topologyKey":"kubernetes.io/hostname","whenUnsatisfiable":"DoNotSchedule",` +
			`"maxSkew":1,"labelSelector":{"matchLabels":{"component":"` + component + `"}}}]}`
	}
	in := inputOf(t, newWorld("z1"), components(mysql(1, spread("mysql")+`,"instances":[{"name":"big","replicas":1`+spread("big")+`}]`)))
	g.Expect(preflight(t, in).Fits).To(Equal(placement.Yes))

	in.Manifest.Version = kubeblocks.V09
	report := preflight(t, in)

	g.Expect(report.Fits).To(Equal(placement.No))
	g.Expect(textOf(report)).To(ContainSubstring(
		"FAIL  the API server refuses Pod carrot67-mysql-big-0: its component and its instance template have spread constraints with " +
			"topologyKey kubernetes.io/hostname and whenUnsatisfiable DoNotSchedule (RH006)\n"))

	twice := strings.Replace(spread("mysql"), "}]}", "},"+spread("big")[len(`,"schedulingPolicy":{"topologySpreadConstraints":[`):], 1)
	text := textOf(preflight(t, inputOf(t, newWorld("z1"), components(mysql(1, twice)))))
	g.Expect(text).To(ContainSubstring("a second spread constraint"))
	g.Expect(text).NotTo(ContainSubstring("the API server refuses Pod"), "no template is at fault")
}

// The volumes lie in the zone of the node where they were restored, and the database Pods need room there.
func TestPreflightFollowsTheVolumes(t *testing.T) {
	w := newWorld("z1", "z2")
	w.Nodes = append(w.Nodes, *w.Nodes[0].DeepCopy())
	w.Nodes[2].Name, w.Nodes[2].Labels[corev1.LabelHostname] = "node-c", "node-c"
	run(w, "web", "node-a", nil, "4") // the restore Pod fits on node-a, the database Pod on node-c, which is in the same zone
	run(w, "w1", "node-b", nil, "4")
	run(w, "w2", "node-b", nil, "0")
	run(w, "w3", "node-c", nil, "0")
	run(w, "w4", "node-c", nil, "0")
	spec := components(mysql(1, ""))
	t.Run("in the zone", func(t *testing.T) {
		g := NewWithT(t)
		report := preflight(t, inputOf(t, w, spec))
		g.Expect(report.Fits).To(Equal(placement.Yes), textOf(report))
		g.Expect(report.Rehomed.Nodes).To(Equal(map[string]string{"carrot67-mysql-0": "node-c"}))
	})
	t.Run("on the node", func(t *testing.T) {
		g := NewWithT(t)
		local := *w
		local.Classes = []storagev1.StorageClass{*w.Classes[0].DeepCopy()}
		local.Classes[0].Provisioner = "rancher.io/local-path"
		report := preflight(t, inputOf(t, &local, spec))
		g.Expect(report.Fits).To(Equal(placement.No), textOf(report))
		g.Expect(report.Rehomed.Stage).To(Equal("database"))
	})
	t.Run("as other volumes of the class show", func(t *testing.T) {
		g := NewWithT(t)
		shown := *w
		shown.CSINodes = nil
		shown.Volumes = []corev1.PersistentVolume{{
			ObjectMeta: metav1.ObjectMeta{Name: "pv", Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": "zonal.example.com"}},
			Spec: corev1.PersistentVolumeSpec{StorageClassName: "zonal", NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{{
					Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{"z1"},
				}}}},
			}}},
		}}
		report := preflight(t, inputOf(t, &shown, spec))
		g.Expect(report.Fits).To(Equal(placement.Yes), textOf(report))
		g.Expect(report.Rehomed.Unknown).To(BeEmpty())
	})
	t.Run("nobody knows, and it matters", func(t *testing.T) {
		g := NewWithT(t)
		unknown := *w
		unknown.CSINodes = nil
		report := preflight(t, inputOf(t, &unknown, spec))
		g.Expect(report.Fits).To(Equal(placement.Unknown), textOf(report))
		g.Expect(textOf(report)).To(ContainSubstring("unknown: which nodes can mount a volume of class zonal (zonal.example.com)"))
	})
	t.Run("nobody knows, and it does not matter", func(t *testing.T) {
		g := NewWithT(t)
		unknown := newWorld("z1", "z2")
		unknown.CSINodes = nil
		report := preflight(t, inputOf(t, unknown, spec))
		g.Expect(report.Fits).To(Equal(placement.Yes), textOf(report))
	})
	t.Run("bound at once, in one of several zones", func(t *testing.T) {
		g := NewWithT(t)
		immediate := newWorld("z1", "z2")
		immediate.Classes[0].VolumeBindingMode = ptr.To(storagev1.VolumeBindingImmediate)
		report := preflight(t, inputOf(t, immediate, spec))
		g.Expect(report.Fits).To(Equal(placement.Unknown), textOf(report))
		immediate.Nodes, immediate.CSINodes = immediate.Nodes[:1], immediate.CSINodes[:1]
		g.Expect(preflight(t, inputOf(t, immediate, spec)).Fits).To(Equal(placement.Yes), "there is one zone")
	})
}

// The small Pod takes the only node of the large one, if it is first.
func TestPreflightTriesTwoOrders(t *testing.T) {
	g := NewWithT(t)
	w := newWorld("z1", "z2")
	run(w, "web", "node-b", nil, "1")
	run(w, "web2", "node-b", nil, "2")
	in := inputOf(t, w, snapshot(`"componentSpecs":[{"name":"proxy","replicas":1,"resources":{"limits":{"cpu":"1"}}},`+
		`{"name":"mysql","replicas":1,"resources":{"limits":{"cpu":"4"}}}]`))
	report := preflight(t, in)
	g.Expect(report.Fits).To(Equal(placement.Yes))
	g.Expect(report.Rehomed.Order).To(Equal(placement.MostConstrained))
	g.Expect(textOf(report)).To(ContainSubstring("warn  no rule is stale: 2 of 2 Pods fit"))
	g.Expect(textOf(report)).To(ContainSubstring("they fit in this order only: the Pod with the fewest nodes first; not as created"))
}

func TestPreflightSaysWhatIsMissing(t *testing.T) {
	t.Run("nodes for a rule", func(t *testing.T) {
		g := NewWithT(t)
		report := preflight(t, inputOf(t, newWorld("z1", "z1"), components(mysql(4, `,"schedulingPolicy":`+apart))))
		g.Expect(report.Fits).To(Equal(placement.No))
		g.Expect(report.Missing.Rule).To(BeTrue())
		g.Expect(report.Missing.More).To(Equal([]placement.MoreNodes{{Count: 2, Like: "node-a", Kind: "4 cpu, 8Gi memory, zone z1"}}))
		g.Expect(textOf(report)).To(ContainSubstring("carrot67-mysql-2: 2 of 2 nodes: node(s) didn't satisfy the rules about Pods (InterPodAffinity)"))
		g.Expect(report.Summary).To(Equal("Does not fit: 2 nodes more like node-a (4 cpu, 8Gi memory, zone z1) would do."))
	})
	t.Run("room", func(t *testing.T) {
		g := NewWithT(t)
		w := newWorld("z1")
		run(w, "web", "node-a", nil, "4")
		report := preflight(t, inputOf(t, w, components(mysql(3, ""))))
		g.Expect(report.Missing.Rule).To(BeFalse())
		g.Expect(textOf(report)).To(ContainSubstring("      without their own rules they do not fit either: room, taints, volumes or the rules of other Pods\n"))
		g.Expect(report.Missing.More).To(Equal([]placement.MoreNodes{{Count: 1, Like: "node-a", Kind: "4 cpu, 8Gi memory, zone z1"}}), textOf(report))
	})
	t.Run("no number of nodes", func(t *testing.T) {
		g := NewWithT(t)
		report := preflight(t, inputOf(t, newWorld("z1"), components(mysql(1, `,"schedulingPolicy":{"nodeSelector":{"disk":"ssd"}}`))))
		g.Expect(report.Missing.Rule).To(BeTrue())
		g.Expect(report.Missing.More).To(BeEmpty())
		g.Expect(report.Summary).To(Equal("Does not fit: a rule keeps Pods from the nodes, and more nodes do not help."))
	})
	t.Run("the nodes that it names do", func(t *testing.T) {
		g := NewWithT(t)
		spec, err := placement.ParseNodeSpec("2,cpu=4,memory=8Gi,zone=z1")
		g.Expect(err).NotTo(HaveOccurred())
		in := inputOf(t, newWorld("z1", "z1").WithNewNodes(spec), components(mysql(4, `,"schedulingPolicy":`+apart)))
		g.Expect(preflight(t, in).Fits).To(Equal(placement.Yes))
	})
}

func TestPreflightWarnsOfKeptRules(t *testing.T) {
	g := NewWithT(t)
	in := inputOf(t, newWorld("z1", "z2"), components(mysql(1, `,"schedulingPolicy":{"nodeSelector":{"topology.kubernetes.io/zone":"z1"}}`)))
	report := preflight(t, in)
	g.Expect(textOf(report)).To(ContainSubstring("warn  node selector zone=z1 (componentSpecs/mysql, from Backup default/bp1) ties Pods to the source's nodes or zones: kept (RH004)"))
	g.Expect(report.Fits).To(Equal(placement.Yes))
}

func TestPreflightOfAMultiCluster(t *testing.T) {
	in := stuck(t)
	in.Manifest.Snapshot = []byte(strings.Replace(string(in.Manifest.Snapshot), `"namespace":"default"`,
		`"namespace":"default","annotations":{"apps.kubeblocks.io/multi-cluster-placement":"a,b"}`, 1))
	_, err := placement.Preflight(t.Context(), in)
	NewWithT(t).Expect(err).To(MatchError(ContainSubstring("other Kubernetes clusters")))
}

func TestPreflightChangesNothing(t *testing.T) {
	g := NewWithT(t)
	in := stuck(t)
	before := asJSON(in.World)
	preflight(t, in)
	g.Expect(asJSON(in.World)).To(Equal(before))
}

func TestPreflightPage(t *testing.T) {
	g := NewWithT(t)
	in := stuck(t)
	in.World.Pods[0].Object().Annotations = map[string]string{"note": "hunter2"}
	in.World.Pods[0].Object().Name = "<script>alert(1)</script>"
	var page strings.Builder
	g.Expect(preflight(t, in).HTML(&page)).To(Succeed())
	g.Expect(page.String()).To(ContainSubstring("as KubeBlocks alone restores it: 0 of 3"))
	g.Expect(page.String()).To(ContainSubstring(`<span class="pod">carrot67-mysql-0</span>`))
	g.Expect(page.String()).To(ContainSubstring("<del>my1</del> <ins>carrot67</ins>"))
	for _, part := range []string{"hunter2", "<script", "http://", "https://", "src="} {
		g.Expect(page.String()).NotTo(ContainSubstring(part))
	}
}

func TestParseNodeSpec(t *testing.T) {
	for text, problem := range map[string]string{
		"":                     `the number of nodes "" is not 1 to 1000`,
		"0,cpu=1,memory=1Gi":   `the number of nodes "0" is not 1 to 1000`,
		"1,cpu=x,memory=1Gi":   `cpu="x" is no quantity`,
		"1,cpu=-1,memory=1Gi":  `cpu="-1" is no quantity`,
		"1,cpu=1":              "memory= is missing",
		"1,cpu=1,memory=1,x=1": `"x=1" is none of`,
	} {
		_, err := placement.ParseNodeSpec(text)
		NewWithT(t).Expect(err).To(MatchError(ContainSubstring(problem)), text)
	}
}
