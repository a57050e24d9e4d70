package controlplane_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/assets"
)

const namespace = metav1.NamespaceDefault

// keepRunning is a Stage that prevents the completion of Pods with the label keep=running.
const keepRunning = `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata:
  name: keep-running
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchLabels: {keep: running}
    matchExpressions:
    - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
    - {key: .status.phase, operator: In, values: [Running]}
  weight: 1
  delay: {durationMilliseconds: 86400000}
  next: {}
`

func TestTwoControlPlanesRunAtTheSameTimeAndStopWithoutLeftovers(t *testing.T) {
	g := NewWithT(t)
	ctx := t.Context()
	planes := make([]*controlplane.ControlPlane, 2)
	var starts errgroup.Group
	for i := range planes {
		starts.Go(func() (err error) {
			planes[i], err = controlplane.Start(ctx, controlplane.Options{
				Nodes:      []controlplane.Node{{Name: "node-1", Zone: "zone-1"}, {Name: "node-2", Zone: "zone-2"}},
				KwokConfig: []byte(keepRunning),
			})
			return err
		})
	}
	began := time.Now()
	g.Expect(starts.Wait()).To(Succeed())
	t.Logf("both started after %s", time.Since(began))

	for _, plane := range planes {
		runWorkloads(ctx, NewWithT(t), plane)
	}
	for _, plane := range planes {
		expectStopLeavesNothing(g, plane)
	}
}

// runWorkloads uses the features that a scheduling test needs: nodes with capacity, all controllers, and simulated kubelets.
func runWorkloads(ctx context.Context, g *WithT, plane *controlplane.ControlPlane) {
	client := kubernetes.NewForConfigOrDie(plane.Config())
	version, err := client.Discovery().ServerVersion()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(assets.Dir()).To(ContainSubstring("kubernetes-" + version.GitVersion + "-"))

	g.Expect(plane.AddNode(ctx, controlplane.Node{
		Name: "node-3", Zone: "zone-3", Labels: map[string]string{"disk": "fast"},
	})).To(Succeed())
	node, err := client.CoreV1().Nodes().Get(ctx, "node-3", metav1.GetOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(node.Labels).To(HaveKeyWithValue("disk", "fast"))
	g.Expect(node.Status.Allocatable.Pods().String()).To(Equal("110"))

	_, err = client.AppsV1().Deployments(namespace).Create(ctx, spreadDeployment(), metav1.CreateOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	for _, job := range []*batchv1.Job{makeJob("completes", nil), makeJob("stays", map[string]string{"keep": "running"})} {
		_, err = client.BatchV1().Jobs(namespace).Create(ctx, job, metav1.CreateOptions{})
		g.Expect(err).NotTo(HaveOccurred())
	}

	g.Eventually(ctx, func(g Gomega) {
		g.Expect(nodesOfReadyPods(ctx, g, client, "app=spread")).To(ConsistOf("node-1", "node-2", "node-3"))
		completes, err := client.BatchV1().Jobs(namespace).Get(ctx, "completes", metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(completes.Status.Succeeded).To(BeEquivalentTo(1))
		stays, err := client.BatchV1().Jobs(namespace).Get(ctx, "stays", metav1.GetOptions{})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(stays.Status.Ready).To(HaveValue(BeEquivalentTo(1)))
	}).WithTimeout(20 * time.Second).Should(Succeed())

	g.Expect(client.AppsV1().Deployments(namespace).Delete(ctx, "spread", metav1.DeleteOptions{})).To(Succeed())
	g.Eventually(ctx, func(g Gomega) {
		g.Expect(nodesOfReadyPods(ctx, g, client, "app=spread")).To(BeEmpty())
	}).WithTimeout(20 * time.Second).Should(Succeed())
}

func nodesOfReadyPods(ctx context.Context, g Gomega, client kubernetes.Interface, selector string) []string {
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	g.Expect(err).NotTo(HaveOccurred())
	var nodes []string
	for _, pod := range pods.Items {
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
				nodes = append(nodes, pod.Spec.NodeName)
			}
		}
	}
	return nodes
}

// spreadDeployment returns a Deployment with one Pod in each of three zones.
func spreadDeployment() *appsv1.Deployment {
	labels := map[string]string{"app": "spread"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "spread"},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(3)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					Containers: []corev1.Container{{Name: "main", Image: "none"}},
					Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
						RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
							LabelSelector: &metav1.LabelSelector{MatchLabels: labels},
							TopologyKey:   corev1.LabelTopologyZone,
						}},
					}},
				},
			},
		},
	}
}

func makeJob(name string, podLabels map[string]string) *batchv1.Job {
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: podLabels},
			Spec: corev1.PodSpec{
				Containers:    []corev1.Container{{Name: "main", Image: "none"}},
				RestartPolicy: corev1.RestartPolicyNever,
			},
		}},
	}
}

// expectStopLeavesNothing stops a control plane with a program started by Run.
func expectStopLeavesNothing(g *WithT, plane *controlplane.ControlPlane) {
	program, err := plane.Run("program", exec.Command("sleep", "1000"))
	g.Expect(err).NotTo(HaveOccurred())
	dir := filepath.Dir(plane.Kubeconfig())
	g.Expect(processesNaming(dir)).To(HaveLen(7), "five components, keeper and watchdog")

	g.Expect(plane.Stop()).To(Succeed())
	g.Expect(program.Done()).To(BeClosed())
	g.Expect(program.Err()).To(MatchError(ContainSubstring("signal: terminated")))
	expectNothingLeft(g, dir, strings.TrimPrefix(plane.Config().Host, "https://"))
	g.Expect(plane.Stop()).To(Succeed(), "again")
}
