package cli

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic/fake"
)

// A Cluster whose Pods a quota forbids has none that waits.
func TestExplainOfAClusterWhosePodsAreMissing(t *testing.T) {
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "small"},
		Status: corev1.ResourceQuotaStatus{
			Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("3")}, Used: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("3")},
		},
	}
	for name, c := range map[string]struct {
		phase  string
		kube   []runtime.Object
		status int
		says   string
	}{
		"it runs":         {"Running", []runtime.Object{quota}, 0, "Nothing waits."},
		"a quota forbids": {"Creating", []runtime.Object{quota}, 1, "QUOTA: quota small: pods would be 1 more than the 3 in use of 3"},
		"nobody knows":    {"Creating", nil, 1, "NOT SCHEDULING: no Pod of it waits, and its phase is Creating"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			cluster := object(t, "{apiVersion: apps.kubeblocks.io/v1, kind: Cluster, metadata: {namespace: default, name: carrot67}, status: {phase: "+c.phase+"}}")
			live := liveCluster(append(c.kube, roomyNode("node-a")), []runtime.Object{cluster}, nil, nil)
			for _, args := range [][]string{{"carrot67"}, nil, {"-A"}} {
				r := explainIn(live, args...)
				g.Expect(ExitStatus(r.err)).To(Equal(c.status), r.out)
				g.Expect(r.out + r.stderr).To(ContainSubstring(c.says))
			}
		})
	}
}

// What can be asked for, and what else waits then.
func TestExplainAnswersWhatIsAsked(t *testing.T) {
	restore, web := waitingPod("default", "restore-0"), waitingPod("shop", "kiwi-0")
	restore.Labels["dataprotection.kubeblocks.io/restore"] = "r1"
	web.Labels["app.kubernetes.io/instance"] = "kiwi"
	other := waitingPod("default", "other")
	other.Labels = nil
	c := liveCluster([]runtime.Object{roomyNode("node-a"), restore, web, other}, nil, nil, nil)
	for name, q := range map[string]struct {
		args  []string
		names []string
	}{
		"a Restore":           {[]string{"restore/r1"}, []string{"carrot67"}},
		"a Pod of no Cluster": {[]string{"pod/other"}, []string{"other"}},
		"the namespace":       {nil, []string{"carrot67"}},
		"all namespaces":      {[]string{"-A"}, []string{"carrot67", "kiwi"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			r := explainIn(c, q.args...)
			g.Expect(ExitStatus(r.err)).To(Equal(1), "%v", r.err)
			var names []string
			for line := range strings.Lines(r.out) {
				if before, _, ok := strings.Cut(line, " waits: "); ok {
					names = append(names, before)
				}
			}
			g.Expect(names).To(Equal(q.names))
		})
	}
}

func TestExplainGroupsManyNodes(t *testing.T) {
	g := NewWithT(t)
	objects := []runtime.Object{waitingPod("default", "carrot67-0")}
	for i := range 25 {
		node := roomyNode(fmt.Sprintf("node-%02d", i))
		node.Spec.Unschedulable = true
		objects = append(objects, node)
	}
	c := liveCluster(objects, nil, nil, nil)

	g.Expect(explainIn(c, "carrot67").out).To(MatchRegexp(`(?m)^25 nodes +no +cordoned`))
	all := explainIn(c, "carrot67", "--all-nodes").out
	g.Expect(strings.Count(all, " cordoned ")).To(Equal(25))
	g.Expect(all).To(MatchRegexp(`(?m)^node-24 +no +cordoned`))
}

// Kinds of KubeBlocks that may not be read are named, and explain goes on.
func TestExplainWithoutTheRightToReadRestores(t *testing.T) {
	g := NewWithT(t)
	kube, blocks := staleWorld(t, "default")
	c := liveCluster(kube, blocks, []string{"namespaces"}, nil)
	client, err := c.dynamicClient()
	g.Expect(err).NotTo(HaveOccurred())
	forbid(&client.(*fake.FakeDynamicClient).Fake, false, "restores")

	r := explainIn(c, "carrot67")

	g.Expect(ExitStatus(r.err)).To(Equal(1), "%v", r.err)
	g.Expect(r.out).To(ContainSubstring("STALE RULE (RH001"))
	g.Expect(r.out).To(MatchRegexp(`(?m)^Not all is known. restores: restores is forbidden: no right. What depends on it can be missing above.$`))
	g.Expect(r.out).To(MatchRegexp(`(?m)^Not all is known. namespaces: namespaces is forbidden`))
}
