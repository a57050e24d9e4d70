package provisioner_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/provisioner"
)

const (
	namespace = metav1.NamespaceDefault
	soon      = 20 * time.Second
	pool      = "pool"
)

// world is a control plane with a provisioner. Zone a has the nodes a1 and a2, zone b has b1, which is not in the pool.
type world struct {
	*WithT
	client kubernetes.Interface
	t      *testing.T
}

func TestVolumesAreTiedToWhatTheirClassSays(t *testing.T) {
	g := NewWithT(t)
	plane, err := controlplane.Start(t.Context(), controlplane.Options{Nodes: []controlplane.Node{
		{Name: "a1", Zone: "a", Labels: map[string]string{pool: "p"}}, {Name: "a2", Zone: "a", Labels: map[string]string{pool: "p"}},
		{Name: "b1", Zone: "b"},
	}})
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { g.Expect(plane.Stop()).To(Succeed()) })
	stop, err := provisioner.Start(plane.Config())
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(stop)
	w := &world{WithT: g, client: kubernetes.NewForConfigOrDie(plane.Config()), t: t}
	for _, topology := range provisioner.Topologies() {
		_, err := w.client.StorageV1().StorageClasses().Create(t.Context(), provisioner.NewClass(string(topology), topology), metav1.CreateOptions{})
		g.Expect(err).NotTo(HaveOccurred())
	}
	_, err = w.client.StorageV1().StorageClasses().Create(t.Context(),
		provisioner.NewImmediateClass("immediate", provisioner.Node, pool, "p"), metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())

	w.createClaim("unused", "node", nil)
	for topology, want := range map[provisioner.Topology]map[string]bool{
		provisioner.Node: {"a1": true, "a2": false, "b1": false},
		provisioner.Zone: {"a1": true, "a2": true, "b1": false},
		provisioner.Free: {"a1": true, "a2": true, "b1": true},
	} {
		claim := string(topology)
		w.createClaim(claim, string(topology), nil)
		w.createPod(claim+"-first", claim, "a1")
		w.isOn(claim+"-first", "a1")
		for node, fits := range want {
			pod := claim + "-on-" + node
			w.createPod(pod, claim, node)
			if fits {
				w.isOn(pod, node)
			} else {
				w.isRefused(pod)
			}
		}
	}
	g.Expect(w.claim("unused").Spec.VolumeName).To(BeEmpty(), "without a Pod the class binds nothing")

	for _, claim := range []string{"one", "two"} {
		w.createClaim(claim, "immediate", nil)
		g.Eventually(func() string { return w.claim(claim).Spec.VolumeName }).WithTimeout(soon).ShouldNot(BeEmpty())
	}
	g.Expect([]string{w.hostOf("one"), w.hostOf("two")}).To(ConsistOf("a1", "a2"), "in turn, and only where the class allows it")

	w.createClaim("populated", "immediate", &corev1.TypedObjectReference{APIGroup: new("example.com"), Kind: "Backup", Name: "bp1"})
	g.Consistently(func() string { return w.claim("populated").Spec.VolumeName }).WithTimeout(3*time.Second).Should(BeEmpty(), "a populator does it")
}

func (w *world) createClaim(name, class string, source *corev1.TypedObjectReference) {
	w.t.Helper()
	_, err := w.client.CoreV1().PersistentVolumeClaims(namespace).Create(w.t.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: &class, DataSourceRef: source, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}, metav1.CreateOptions{})
	w.Expect(err).NotTo(HaveOccurred())
}

func (w *world) claim(name string) *corev1.PersistentVolumeClaim {
	w.t.Helper()
	claim, err := w.client.CoreV1().PersistentVolumeClaims(namespace).Get(w.t.Context(), name, metav1.GetOptions{})
	w.Expect(err).NotTo(HaveOccurred())
	return claim
}

// hostOf returns the node that the volume of a claim is tied to.
func (w *world) hostOf(claim string) string {
	w.t.Helper()
	volume, err := w.client.CoreV1().PersistentVolumes().Get(w.t.Context(), w.claim(claim).Spec.VolumeName, metav1.GetOptions{})
	w.Expect(err).NotTo(HaveOccurred())
	return volume.Spec.NodeAffinity.Required.NodeSelectorTerms[0].MatchExpressions[0].Values[0]
}

// createPod creates a Pod that mounts a claim and selects a node.
func (w *world) createPod(name, claim, node string) {
	w.t.Helper()
	_, err := w.client.CoreV1().Pods(namespace).Create(w.t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PodSpec{
			NodeSelector: map[string]string{corev1.LabelHostname: node},
			Containers:   []corev1.Container{{Name: "any", Image: "any"}},
			Volumes: []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
			}}},
		},
	}, metav1.CreateOptions{})
	w.Expect(err).NotTo(HaveOccurred())
}

func (w *world) pod(name string) *corev1.Pod {
	w.t.Helper()
	pod, err := w.client.CoreV1().Pods(namespace).Get(w.t.Context(), name, metav1.GetOptions{})
	w.Expect(err).NotTo(HaveOccurred())
	return pod
}

func (w *world) isOn(pod, node string) {
	w.t.Helper()
	w.Eventually(func() string { return w.pod(pod).Spec.NodeName }).WithTimeout(soon).Should(Equal(node), pod)
}

func (w *world) isRefused(pod string) {
	w.t.Helper()
	w.Eventually(func() []corev1.PodCondition { return w.pod(pod).Status.Conditions }).WithTimeout(soon).Should(ContainElement(
		HaveField("Message", ContainSubstring("olume")),
	), pod)
}
