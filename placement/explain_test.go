package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/rehome-operator/rehome/pkg/cli"
	"github.com/rehome-operator/rehome/pkg/placement"
	"github.com/rehome-operator/rehome/placement/scheduler"
)

// explain runs `rehome explain` on a dump of objects.
func explain(t *testing.T, objects []runtime.Object, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	items := make([]any, len(objects))
	for i, object := range objects {
		items[i] = object
	}
	dump, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "dump.json")
	if err := os.WriteFile(file, dump, 0o600); err != nil {
		t.Fatal(err)
	}
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	root := cli.NewPlacementRoot(streams, scheduler.New, scheduler.FromFile)
	root.SetArgs(append([]string{"explain", "-f", file}, args...))
	err = root.Execute()
	if err != nil && err.Error() != "" {
		errOut.WriteString(err.Error())
	}
	return out.String(), errOut.String(), cli.ExitStatus(err)
}

// explained runs `rehome explain -o json`.
func explained(t *testing.T, objects []runtime.Object, args ...string) placement.Reports {
	t.Helper()
	out, problem, status := explain(t, objects, append(args, "-o", "json")...)
	g := NewWithT(t)
	g.Expect(status).To(Equal(1), problem)
	var reports placement.Reports
	g.Expect(json.Unmarshal([]byte(out), &reports)).To(Succeed())
	return reports
}

// Each case is a restore that waits for one reason, which must be the one that explain names.
func TestCauses(t *testing.T) {
	for _, c := range []struct {
		name  string
		world func(w *dump)
		cause placement.CauseKind
		text  string
	}{
		{"stale rule", func(*dump) {}, placement.CauseStaleRule, "mysql: not on a node with my1 mysql (from Backup default/bp1)"},
		{"stale rule where one node has a taint", func(w *dump) { w.taint(2, "dedicated=gpu:NoSchedule"); w.without("my1-mysql-2") },
			placement.CauseStaleRule, "not on a node with my1 mysql"},
		{"stale rule behind a taint on all nodes", func(w *dump) { w.taintAll("dedicated=gpu:NoSchedule") },
			placement.CauseSeveral, "together with the taints"},
		{"rule of a running Pod", func(w *dump) {
			w.rewritten()
			w.eachPod("my1", func(p *corev1.Pod) {
				p.Spec.Affinity = apart(map[string]string{"apps.kubeblocks.io/component-name": "mysql"})
			})
		}, placement.CauseKeptOut, "default/my1-mysql-0"},
		{"unscoped rule", func(w *dump) {
			w.eachPod("carrot67", func(p *corev1.Pod) {
				p.Spec.Affinity = apart(map[string]string{"apps.kubeblocks.io/component-name": "mysql"})
			})
		}, placement.CauseRule, "mysql: not on a node with mysql"},
		{"taint", func(w *dump) { w.rewritten(); w.taintAll("dedicated=gpu:NoSchedule") }, placement.CauseTaints, "taint dedicated=gpu:NoSchedule"},
		{"cordon", func(w *dump) { w.rewritten(); w.eachNode(func(n *corev1.Node) { n.Spec.Unschedulable = true }) }, placement.CauseTaints, "cordoned"},
		{"cpu", func(w *dump) { w.rewritten(); w.request(corev1.ResourceCPU, "100") }, placement.CauseResources, "cpu: asks for 100, 8 of 8 is free"},
		{"memory", func(w *dump) { w.rewritten(); w.request(corev1.ResourceMemory, "1Ti") }, placement.CauseResources, "memory: asks for 1Ti"},
		{"node selector", func(w *dump) {
			w.rewritten()
			w.eachPod("carrot67", func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"disk": "ssd"} })
		}, placement.CauseNodes, "node selector disk=ssd"},
		{"host port", func(w *dump) {
			w.rewritten()
			w.eachPod("", func(p *corev1.Pod) {
				p.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 1, HostPort: 1, Protocol: "TCP"}}
			})
		}, placement.CausePorts, "free ports"},
		{"claim that does not exist", func(w *dump) { w.rewritten(); w.mount() }, placement.CauseVolumes, `"data" not found`},
		{"claim that lost its volume", func(w *dump) {
			w.rewritten()
			w.mount()
			w.claim("gone", corev1.ClaimLost)
		}, placement.CauseVolumes, "bound to non-existent persistentvolume"},
		{"claim of a class that does not exist", func(w *dump) {
			w.rewritten()
			w.mount()
			w.claim("", corev1.ClaimPending)
		}, placement.CauseVolumes, "storage class fast of claim data does not exist"},
		{"claim that is not bound", func(w *dump) {
			w.rewritten()
			w.mount()
			w.claim("", corev1.ClaimPending)
			w.class("Immediate")
		}, placement.CauseVolumes, "unbound immediate"},
		{"volume in another zone", func(w *dump) {
			w.rewritten()
			w.mount()
			w.claim("pv", corev1.ClaimBound)
			w.volume("pv", "zone-of-old")
		}, placement.CauseVolumes, "the volume of claim data is tied to topology.kubernetes.io/zone In zone-of-old"},
		{"quota", func(w *dump) { w.without("carrot67-0"); w.job("carrot67-0"); w.quota() }, placement.CauseQuota, "quota small: pods would be 1 more than the 3 in use of 3"},
		{"Job without Pods", func(w *dump) { w.without("carrot67-0"); w.job("carrot67-0") }, placement.CauseElsewhere, "has no Pod yet"},
		{"image", func(w *dump) {
			w.eachPod("carrot67", func(p *corev1.Pod) {
				runOn(p, "node-a")
				p.Status.Phase = corev1.PodPending
				p.Status.ContainerStatuses[0].State.Waiting = &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff"}
			})
		}, placement.CauseElsewhere, "ImagePullBackOff"},
		{"sibling", func(w *dump) {
			w.eachPod("carrot67", func(p *corev1.Pod) {
				runOn(p, "node-a")
				p.Status.ContainerStatuses[0].Name = "restore"
				p.Status.ContainerStatuses[0].State.Terminated = &corev1.ContainerStateTerminated{}
			})
		}, placement.CauseElsewhere, "has node node-a"},
		{"scheduling gate", func(w *dump) {
			w.eachPod("carrot67", func(p *corev1.Pod) { p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/quota"}} })
		}, placement.CauseElsewhere, "example.com/quota"},
		{"eviction", func(w *dump) { w.eachPod("carrot67", func(p *corev1.Pod) { p.Status.NominatedNodeName = "node-a" }) },
			placement.CauseUndecided, "node-a are evicted"},
		{"no reason any more", func(w *dump) { w.rewritten() }, placement.CauseFits, "nodes that fit: 3 (node-a, node-b, node-c)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			w := newDump()
			c.world(w)
			reports := explained(t, w.objects(), "carrot67")
			g.Expect(reports.Items).To(HaveLen(1))
			g.Expect(reports.Items[0].Waiting).NotTo(BeEmpty())
			cause := reports.Items[0].Waiting[0].Cause
			g.Expect(cause.Kind).To(Equal(c.cause), cause.Text)
			g.Expect(cause.Text).To(ContainSubstring(c.text))
			g.Expect(reports.Items[0].Waiting[0].Next).NotTo(BeEmpty())
		})
	}
}

// Each case gives the restored Pods one rule that refuses all nodes.
func TestWhoseARuleIs(t *testing.T) {
	mysqlOf := func(cluster string) map[string]string {
		return map[string]string{"app.kubernetes.io/instance": cluster, "apps.kubeblocks.io/component-name": "mysql"}
	}
	everywhere := func(w *dump, cluster string) {
		for i, name := range []string{"node-a", "node-b", "node-c"} {
			pod := newPod(fmt.Sprintf("%s-mysql-%d", cluster, i), cluster)
			runOn(pod, name)
			w.pods = append(w.pods, pod)
		}
	}
	for _, c := range []struct {
		name  string
		world func(w *dump)
		of    placement.Origin
	}{
		{"stale", func(*dump) {}, placement.OriginStale},
		{"meant", func(w *dump) {
			w.eachPod("carrot67", func(p *corev1.Pod) {
				p.Spec.Affinity = apartFrom("my1")
				p.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0].TopologyKey = corev1.LabelTopologyZone
			})
		}, placement.OriginIntended},
		{"of a third party", func(w *dump) {
			everywhere(w, "pear")
			w.inherited(mysqlOf("pear"))
		}, placement.OriginThirdParty},
		{"unscoped", func(w *dump) { w.inherited(map[string]string{"apps.kubeblocks.io/component-name": "mysql"}) }, placement.OriginUnscoped},
		{"the database's own", func(w *dump) {
			everywhere(w, "carrot67")
			w.eachPod("carrot67", func(p *corev1.Pod) { p.Spec.Affinity = apart(mysqlOf("carrot67")) })
		}, placement.OriginOwn},
		{"of a running Pod", func(w *dump) {
			w.rewritten()
			w.eachPod("my1", func(p *corev1.Pod) {
				p.Spec.Affinity = apart(map[string]string{"apps.kubeblocks.io/component-name": "mysql"})
			})
		}, placement.OriginOther},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			w := newDump()
			c.world(w)
			waiting := explained(t, w.objects(), "carrot67").Items[0].Waiting[0]
			for _, row := range waiting.Nodes {
				g.Expect(row.Stops[0].Origin).To(Equal(c.of), row.Nodes[0])
			}
			if c.of == placement.OriginOther {
				g.Expect(waiting.Rules).To(BeEmpty())
				return
			}
			g.Expect(waiting.Rules).To(HaveLen(1))
			g.Expect(waiting.Rules[0].Origin).To(Equal(c.of))
		})
	}
}

// The collision in the other direction: a running Pod's rule meets the Pod that waits.
func TestTheRowOfARunningPodsRule(t *testing.T) {
	g := NewWithT(t)
	w := newDump()
	w.rewritten()
	w.without("my1-mysql-2")
	w.taint(2, "dedicated=gpu:NoSchedule")
	w.eachPod("my1", func(p *corev1.Pod) {
		p.Spec.Affinity = apart(map[string]string{"apps.kubeblocks.io/component-name": "mysql"})
	})

	waiting := explained(t, w.objects(), "carrot67").Items[0].Waiting[0]

	stop := waiting.Nodes[1].Stops[0]
	g.Expect(stop.By).To(Equal("a running Pod's rule"))
	g.Expect(stop.Rule).To(Equal("mysql: not on a node with mysql"))
	g.Expect(stop.Because).To(Equal([]string{"default/my1-mysql-1"}))
	g.Expect(stop.Found).To(Equal(placement.FoundByRuleAlone))
	g.Expect(waiting.Without[0].Of).To(Equal([]string{"the rules of running Pods"}))
	g.Expect(waiting.Without[0].Nodes).To(Equal([]string{"node-a", "node-b"}))
	g.Expect(waiting.Next).To(Equal("kubectl get pod my1-mysql-0 -n default -o yaml"))
}

// What the Pod's own scheduler said can be old, or another profile's.
func TestADifferenceToTheSchedulerIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		world func(w *dump)
		says  string
	}{
		"other words":     {func(*dump) {}, `(differs from "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.". The nodes changed since, or`},
		"a node fits now": {func(w *dump) { w.without("my1-mysql-1") }, "(differs: a node fits now. The nodes changed since, or"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			w := newDump()
			c.world(w)
			w.eachPod("carrot67", func(p *corev1.Pod) { unschedulable(p, "0/2 nodes are available: 2 Insufficient cpu.") })
			out, _, status := explain(t, w.objects(), "carrot67")
			g.Expect(status).To(Equal(1))
			g.Expect(out).To(ContainSubstring("The scheduler said: 0/2 nodes are available: 2 Insufficient cpu. " + c.says))
		})
	}
}

func TestTextOfAStaleRule(t *testing.T) {
	g := NewWithT(t)
	w := newDump()
	w.taint(2, "dedicated=gpu:NoSchedule")
	w.without("my1-mysql-2")
	w.eachPod("carrot67", func(p *corev1.Pod) {
		unschedulable(p, "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod anti-affinity rules. "+
			"preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.")
	})

	out, problem, status := explain(t, w.objects(), "carrot67")

	g.Expect(status).To(Equal(1), problem)
	want, err := os.ReadFile("testdata/stale.txt")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out).To(Equal(string(want)), out)
	page, err := os.ReadFile("../docs/explain.md")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(page)).To(ContainSubstring("```text\n"+out+"```\n"), "docs/explain.md shows the output")
}

func TestNothingWaits(t *testing.T) {
	g := NewWithT(t)
	w := newDump()
	w.eachPod("carrot67", func(p *corev1.Pod) { runOn(p, "node-a") })

	out, problem, status := explain(t, w.objects(), "carrot67")

	g.Expect(status).To(BeZero())
	g.Expect(out).To(BeEmpty())
	g.Expect(problem).To(Equal("Nothing waits.\n"))
}

func TestBadInputIsOneLine(t *testing.T) {
	for _, args := range [][]string{
		{"deployment/x"}, {"carrot68"}, {"pod/none"}, {"carrot67", "-A"}, {"carrot67", "-o", "yaml"}, {"carrot67", "--scheduler-config", "none"},
		{"a", "b"}, {"carrot67", "--nonsense"},
	} {
		out, problem, status := explain(t, newDump().objects(), args...)
		g := NewWithT(t)
		g.Expect(status).To(Equal(2), "%v", args)
		g.Expect(out).To(BeEmpty())
		g.Expect(problem).NotTo(BeEmpty())
		g.Expect(problem).NotTo(ContainSubstring("\n"))
	}
}

func TestHTMLHoldsNothingFromElsewhereAndNoSecret(t *testing.T) {
	g := NewWithT(t)
	w := newDump()
	w.eachPod("carrot67", func(p *corev1.Pod) {
		p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "PASSWORD", Value: "hunter2"}}
		p.Annotations = map[string]string{"x": "hunter2"}
		p.Name += "<script>"
	})

	out, problem, status := explain(t, w.objects(), "carrot67", "-o", "html")

	g.Expect(status).To(Equal(1), problem)
	g.Expect(out).To(HavePrefix("<!doctype html>"))
	g.Expect(out).To(ContainSubstring("node-c"))
	for _, part := range []string{"http", "src=", "<script", "hunter2", "@import", "url("} {
		g.Expect(out).NotTo(ContainSubstring(part))
	}
}

func TestAnotherSchedulerIsMarked(t *testing.T) {
	g := NewWithT(t)
	w := newDump()
	w.eachPod("carrot67", func(p *corev1.Pod) { p.Spec.SchedulerName = "volcano"; unschedulable(p, "no") })

	reports := explained(t, w.objects(), "carrot67")

	g.Expect(reports.Items[0].Waiting[0].Scheduler).To(Equal("volcano"))
	g.Expect(reports.Items[0].Waiting[0].Agrees).To(BeFalse())
	g.Expect(reports.Items[0].Waiting[0].Cause.Kind).To(Equal(placement.CauseStaleRule))
}

func TestSchedulerConfig(t *testing.T) {
	g := NewWithT(t)
	file := filepath.Join(t.TempDir(), "scheduler.yaml")
	g.Expect(os.WriteFile(file, []byte(`apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: default-scheduler
  plugins:
    filter:
      disabled: [{name: InterPodAffinity}]
    multiPoint:
      disabled: [{name: InterPodAffinity}]
`), 0o600)).To(Succeed())

	reports := explained(t, newDump().objects(), "carrot67", "--scheduler-config", file)

	g.Expect(reports.Items[0].Waiting[0].Cause.Kind).To(Equal(placement.CauseFits))

	w := newDump()
	w.eachPod("carrot67", func(p *corev1.Pod) { p.Spec.SchedulerName = "volcano" })
	out, _, status := explain(t, w.objects(), "carrot67", "--scheduler-config", file)
	g.Expect(status).To(Equal(2), "no profile of the file has the name of the Pods' scheduler")
	g.Expect(out).To(ContainSubstring("Its scheduler volcano was not asked"))
	g.Expect(out).To(ContainSubstring("UNKNOWN: scheduler volcano decides; nodes that kube-scheduler would not refuse: 3"))
}

func TestUnknownPluginsAreAnError(t *testing.T) {
	g := NewWithT(t)
	file := filepath.Join(t.TempDir(), "scheduler.yaml")
	g.Expect(os.WriteFile(file, []byte(`apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- plugins: {filter: {enabled: [{name: Coscheduling}]}}
`), 0o600)).To(Succeed())

	_, _, err := scheduler.FromFile(file)

	g.Expect(err).To(MatchError(ContainSubstring("Coscheduling")))
}
