package cli

import (
	"errors"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
)

// livePreflight runs `rehome preflight` on a cluster with three nodes, a Backup and what else there is.
func livePreflight(t *testing.T, more []runtime.Object, mayGetClusters bool, args ...string) result {
	t.Helper()
	kube := []runtime.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}}
	for _, name := range []string{"node-a", "node-b", "node-c"} {
		source := waitingPod("default", "my1-"+name)
		source.Labels["app.kubernetes.io/instance"], source.Spec.NodeName, source.Status.Phase = "my1", name, corev1.PodRunning
		kube = append(kube, roomyNode(name), source)
	}
	c := liveCluster(kube, append(more, object(t, completed("bp1", "Completed", "null"))), nil, nil)
	if !mayGetClusters {
		client, err := c.dynamicClient()
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		client.(*fake.FakeDynamicClient).PrependReactor("get", "clusters", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "clusters"}, "carrot67", errors.New("no right"))
		})
	}
	return preflightIn(c, "", append(args, "--to", "carrot67", "--kubeblocks", "1.0")...)
}

func TestPreflightOfAnAPIServer(t *testing.T) {
	cluster := object(t, "{apiVersion: apps.kubeblocks.io/v1, kind: Cluster, metadata: {namespace: default, name: carrot67}}")
	for name, c := range map[string]struct {
		more   []runtime.Object
		may    bool
		args   []string
		status int
		line   string
	}{
		"by name":                {nil, true, []string{"bp1"}, 0, "ok    as Rehome rewrites it: 3 of 3 Pods fit"},
		"by kind and name":       {nil, true, []string{"backup/bp1"}, 0, "ok    the names of Cluster default/carrot67 are free"},
		"by namespace and name":  {nil, true, []string{"default/bp1", "-n", "shop"}, 0, "ok    Backup default/bp1 is Completed"},
		"a Cluster of the name":  {[]runtime.Object{cluster}, true, []string{"bp1"}, 1, "FAIL  Cluster default/carrot67 exists"},
		"it is in another place": {[]runtime.Object{cluster}, true, []string{"bp1", "--to-namespace", "shop"}, 0, "ok    the names of Cluster shop/carrot67 are free"},
		"nobody knows":           {nil, false, []string{"bp1"}, 0, "warn  could not be read: clusters \"carrot67\" is forbidden: no right"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			r := livePreflight(t, c.more, c.may, c.args...)
			g.Expect(ExitStatus(r.err)).To(Equal(c.status), "%s %v", r.out, r.err)
			g.Expect(r.out).To(ContainSubstring(c.line))
			if !c.may {
				g.Expect(r.out).NotTo(ContainSubstring("names"), "whether the name is free is not known")
			}
		})
	}
	t.Run("another Backup", func(t *testing.T) {
		g := NewWithT(t)
		r := livePreflight(t, nil, true, "bp2")
		g.Expect(ExitStatus(r.err)).To(Equal(2))
		g.Expect(r.err).To(MatchError(ContainSubstring(`"bp2" not found`)))
		g.Expect(r.out).To(BeEmpty())
	})
}
