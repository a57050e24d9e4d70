package cli

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/rehome-operator/rehome/pkg/placement"
	"github.com/rehome-operator/rehome/pkg/placement/placementtest"
)

// explainIn runs `rehome explain` with arguments.
func explainIn(c *cluster, args ...string) result {
	streams, _, stdout, stderr := genericiooptions.NewTestIOStreams()
	o := &explainOptions{IOStreams: streams, cluster: c, newScheduler: placementtest.New, now: func() time.Time { return noon }}
	root := NewRoot("rehome", nil, newExplain(o))
	root.SetArgs(append([]string{"explain"}, args...))
	err := root.Execute()
	return result{stdout.String(), stderr.String(), err}
}

// waitingPod is a Pod of carrot67 that has no node.
func waitingPod(namespace, name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{
			"app.kubernetes.io/instance": "carrot67", "app.kubernetes.io/managed-by": "kubeblocks", "apps.kubeblocks.io/component-name": "mysql",
		}},
		Spec:   corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}},
		Status: corev1.PodStatus{Phase: corev1.PodPending},
	}
}

// roomyNode is a node with room for all.
func roomyNode(name string) *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}},
		Status:     corev1.NodeStatus{Allocatable: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("110")}},
	}
}

// liveCluster has objects of Kubernetes and of KubeBlocks. Some resources may not be listed, in all namespaces or in any.
func liveCluster(kube []runtime.Object, blocks []runtime.Object, inAll, inAny []string) *cluster {
	client := fake.NewClientset(kube...)
	forbid(&client.Fake, true, inAll...)
	forbid(&client.Fake, false, inAny...)
	c := clusterOf(client)
	c.dynamicClient = fakeCluster(blocks...).dynamicClient
	return c
}

// Pods that may not be read can wait, and can hold a node.
func TestExplainWithoutAllPodsCannotTell(t *testing.T) {
	node, pod := roomyNode("node-a"), waitingPod("default", "carrot67-0")
	for name, c := range map[string]struct {
		pods         []runtime.Object
		inAll, inAny []string
		args         []string
		status       int
		says         string
	}{
		"no Pod may be read":               {nil, nil, []string{"pods"}, nil, 2, "cannot tell whether something waits: pods: "},
		"those of the namespace, and none": {nil, []string{"pods"}, nil, nil, 0, "Nothing waits."},
		"those of one of all namespaces":   {nil, []string{"pods"}, nil, []string{"-A"}, 2, "cannot tell whether something waits: pods: read in namespace default only"},
		"a Pod that fits beside the rest":  {[]runtime.Object{pod}, []string{"pods"}, nil, nil, 2, "UNKNOWN: not all pods could be read; nodes that nothing else refuses: 1"},
		"a Pod that fits":                  {[]runtime.Object{pod}, nil, nil, nil, 1, "NONE NOW"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			r := explainIn(liveCluster(append(c.pods, node), nil, c.inAll, c.inAny), c.args...)
			g.Expect(ExitStatus(r.err)).To(Equal(c.status), r.out)
			said := r.out + r.stderr
			if r.err != nil {
				said += r.err.Error()
			}
			g.Expect(said).To(ContainSubstring(c.says))
		})
	}
}

// Without what decides on volumes, a plugin would refuse all nodes: that is no reason.
func TestExplainWithoutVolumes(t *testing.T) {
	for name, c := range map[string]struct {
		claim *corev1.PersistentVolumeClaim
		inAny []string
		text  string
	}{
		"claims":  {nil, []string{"persistentvolumeclaims"}, "not all persistentvolumeclaims could be read"},
		"classes": {&corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{}}, []string{"storageclasses"}, "not all storageclasses could be read"},
		"volumes": {
			&corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{VolumeName: "pv"}}, []string{"persistentvolumes"},
			"not all persistentvolumes could be read",
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			pod := waitingPod("default", "carrot67-0")
			pod.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"},
			}}}
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/1 nodes"}}
			objects := []runtime.Object{roomyNode("node-a"), pod}
			if c.claim != nil {
				c.claim.Namespace, c.claim.Name = "default", "data"
				objects = append(objects, c.claim)
			}
			r := explainIn(liveCluster(objects, nil, nil, c.inAny), "carrot67")
			g.Expect(ExitStatus(r.err)).To(Equal(2), r.out)
			g.Expect(r.out).To(ContainSubstring("UNKNOWN: " + c.text + "; nodes that nothing else refuses: 1"))
			g.Expect(r.out).To(ContainSubstring("(not compared: the volumes are not known)"))
		})
	}
}

// A Pod whose scheduler is another one does not fit because kube-scheduler refuses nothing.
func TestExplainOfAnotherScheduler(t *testing.T) {
	g := NewWithT(t)
	pod := waitingPod("default", "carrot67-0")
	pod.Spec.SchedulerName = "volcano"
	r := explainIn(liveCluster([]runtime.Object{roomyNode("node-a"), pod}, nil, nil, nil), "carrot67")
	g.Expect(ExitStatus(r.err)).To(Equal(2))
	g.Expect(r.out).To(ContainSubstring("UNKNOWN: scheduler volcano decides; nodes that kube-scheduler would not refuse: 1"))
}

// A Pod waits for its volume on the node that was chosen, whether it was refused before or not. That does not hide that nothing fits now.
func TestExplainOfAVolumeThatIsProvisioned(t *testing.T) {
	for name, c := range map[string]struct {
		refused, full bool
		says          string
	}{
		"at first":         {false, false, "VOLUMES: claim data waits for its volume on node node-a"},
		"and only there":   {false, true, "VOLUMES: claim data waits for its volume on node node-a"},
		"after a refusal":  {true, false, "VOLUMES: claim data waits for its volume on node node-a"},
		"and nothing fits": {true, true, "TAINTS: "},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			pod, node := waitingPod("default", "carrot67-0"), roomyNode("node-a")
			node.Spec.Unschedulable = c.full
			pod.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"},
			}}}
			if c.refused {
				pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/1 nodes"}}
			}
			claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{
				Namespace: "default", Name: "data", Annotations: map[string]string{"volume.kubernetes.io/selected-node": "node-a"},
			}}
			r := explainIn(liveCluster([]runtime.Object{node, pod, claim}, nil, nil, nil), "carrot67")
			g.Expect(ExitStatus(r.err)).To(Equal(1))
			g.Expect(r.out).To(ContainSubstring(c.says))
		})
	}
}

// Each reason says how it was found.
func TestExplainSaysHowItKnows(t *testing.T) {
	g := NewWithT(t)
	kube, blocks := staleWorld(t, "default")
	tainted := roomyNode("node-b")
	tainted.Spec.Taints = []corev1.Taint{{Key: "dedicated", Effect: corev1.TaintEffectNoSchedule}}
	cordoned := roomyNode("node-c")
	cordoned.Spec.Unschedulable = true
	c := liveCluster(append(kube, tainted, cordoned), blocks, nil, nil)

	r := explainIn(c, "carrot67", "-o", "json")

	var reports placement.Reports
	g.Expect(json.Unmarshal([]byte(r.out), &reports)).To(Succeed())
	w := reports.Items[0].Waiting[0]
	var found []placement.Found
	for _, row := range w.Nodes {
		found = append(found, row.Stops[0].Found)
	}
	g.Expect(found).To(Equal([]placement.Found{placement.FoundByRuleAlone, placement.FoundByObjects, placement.FoundByPlugin}))
	g.Expect(w.Cause.Found).To(Equal(placement.FoundByComparison))
	g.Expect(w.Rules[0].Found).To(Equal(placement.FoundByRuleAlone))
	g.Expect(w.Without[0].Found).To(Equal(placement.FoundByComparison))

	text := explainIn(c, "carrot67")
	g.Expect(text.out).To(MatchRegexp(`(?m)^node-a .* inherited, stale  this rule alone$`))
	g.Expect(text.out).To(MatchRegexp(`(?m)^node-b .* node              objects$`))
	g.Expect(text.out).To(MatchRegexp(`(?m)^node-c .* node              plugin$`))
	page := explainIn(c, "carrot67", "-o", "html")
	g.Expect(page.out).To(ContainSubstring("<div>pod anti-affinity (this rule alone)</div>"))
	g.Expect(page.out).To(ContainSubstring("<div>cordoned</div>"))
	g.Expect(page.out).To(ContainSubstring("<del>my1</del> <ins>carrot67</ins>"))
}

// What a tenant writes does not reach the terminal as it is, and cannot forge a line.
func TestWhatTenantsWriteMovesNoCursor(t *testing.T) {
	evil := "\x1b[2J\nNext: rm -rf /\t"
	pod := waitingPod("default", "carrot67-0")
	pod.Spec.SchedulerName = "x" + evil
	pod.Spec.NodeSelector = map[string]string{"disk": evil}
	pod.Labels["apps.kubeblocks.io/component-name"] = evil
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: evil}}
	explained := explainIn(liveCluster([]runtime.Object{roomyNode("node-a"), pod}, nil, nil, nil), "carrot67")

	snapshot := strings.ReplaceAll(dump(), `"name":"mysql"`, `"name":"mysql","volumeClaimTemplates":[{"name":"data","spec":{`+
		`"storageClassName":"\u001b[2J\nNext: rm"}}]`) + "---\napiVersion: storage.k8s.io/v1\nkind: StorageClassList\nitems: []\n"
	preflighted := preflightIn(noCluster(), snapshot, "bp1", "--to", "carrot67", "-f", "-", "--kubeblocks", "1.0")
	failed := result{err: notTold(errors.New("place Pod " + evil))}

	for name, r := range map[string]result{"explain": explained, "preflight": preflighted, "an error": failed} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			said := r.out + r.stderr
			if r.err != nil {
				said += r.err.Error()
			}
			g.Expect(said).To(ContainSubstring("\uFFFD[2J"), "what was written is shown")
			g.Expect(said).NotTo(ContainSubstring("\x1b"))
			g.Expect(said).NotTo(ContainSubstring("\nNext: rm"))
		})
	}
}
