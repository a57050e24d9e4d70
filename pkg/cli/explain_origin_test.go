package cli

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic/fake"
	"sigs.k8s.io/yaml"
)

// object decodes an object of KubeBlocks.
func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	NewWithT(t).Expect(yaml.Unmarshal([]byte(text), &o.Object)).To(Succeed())
	return o
}

// staleWorld is a restore of bp1, in a namespace, whose Pod keeps away from the Pods of my1. One of these runs on the only node.
func staleWorld(t *testing.T, namespace string) (kube, blocks []runtime.Object) {
	t.Helper()
	source, waiting := waitingPod("default", "my1-mysql-0"), waitingPod("default", "carrot67-mysql-0")
	source.Labels["app.kubernetes.io/instance"], source.Spec.NodeName, source.Status.Phase = "my1", "node-a", corev1.PodRunning
	waiting.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
			TopologyKey:   corev1.LabelHostname,
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app.kubernetes.io/instance": "my1"}},
		}},
	}}
	backup := object(t, completed("bp1", "Completed", "null"))
	backup.SetNamespace(namespace)
	cluster := object(t, fmt.Sprintf(`{apiVersion: apps.kubeblocks.io/v1, kind: Cluster, metadata: {namespace: default, name: carrot67, annotations: `+
		`{kubeblocks.io/restore-from-backup: '{"mysql":{"name":"bp1","namespace":"%s"}}'}}, spec: {componentSpecs: [%s]}}`, namespace, mysql))
	return []runtime.Object{roomyNode("node-a"), source, waiting}, []runtime.Object{backup, cluster}
}

func TestTheNextStepRewritesForTheNamespaceOfTheCluster(t *testing.T) {
	for namespace, command := range map[string]string{
		"default": "Next: kubectl rehome rewrite backup/bp1 --to carrot67 -o patch -n default\n",
		"vault":   "Next: kubectl rehome rewrite backup/bp1 --to carrot67 -o patch -n vault --to-namespace default\n",
	} {
		t.Run(namespace, func(t *testing.T) {
			g := NewWithT(t)
			kube, blocks := staleWorld(t, namespace)
			r := explainIn(liveCluster(kube, blocks, nil, nil), "carrot67")
			g.Expect(ExitStatus(r.err)).To(Equal(1), "%v", r.err)
			g.Expect(r.out).To(ContainSubstring("STALE RULE (RH001, names my1): mysql: not on a node with my1 (from Backup " + namespace + "/bp1)"))
			g.Expect(r.out).To(HaveSuffix(command))
		})
	}
}

func TestEachBackupIsReadOnce(t *testing.T) {
	g := NewWithT(t)
	kube, blocks := staleWorld(t, "default")
	c := liveCluster(kube, blocks, nil, nil)

	r := explainIn(c, "-A")

	g.Expect(ExitStatus(r.err)).To(Equal(1), "%v", r.err)
	client, err := c.dynamicClient()
	g.Expect(err).NotTo(HaveOccurred())
	reads := 0
	for _, action := range client.(*fake.FakeDynamicClient).Actions() {
		if action.Matches("get", "backups") {
			reads++
		}
	}
	g.Expect(reads).To(Equal(1))
}
