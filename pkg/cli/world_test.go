package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// kubeCluster returns a cluster with nodes and Pods, whose caller may not read some resources in all namespaces.
func kubeCluster(forbidden ...string) *cluster {
	client := fake.NewClientset(
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-a"}},
		&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "here"}},
		&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "elsewhere", Name: "there"}},
	)
	forbid(&client.Fake, true, forbidden...)
	return clusterOf(client)
}

// forbid lets nobody list some resources: in all namespaces only, or anywhere.
func forbid(client *clienttesting.Fake, inAllOnly bool, resources ...string) {
	for _, resource := range resources {
		client.PrependReactor("list", resource, func(action clienttesting.Action) (bool, runtime.Object, error) {
			if inAllOnly && action.GetNamespace() != "" {
				return false, nil, nil
			}
			return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no right"))
		})
	}
}

// clusterOf is a cluster with a client.
func clusterOf(client kubernetes.Interface) *cluster {
	c := noCluster()
	c.kubeClient = func() (kubernetes.Interface, error) { return client, nil }
	namespace := "default"
	c.flags.Namespace = &namespace
	return c
}

func TestReadWorld(t *testing.T) {
	g := NewWithT(t)

	w, err := readWorld(t.Context(), kubeCluster(), nil, nil)

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(w.Nodes).To(HaveLen(1))
	g.Expect(w.Pods).To(HaveLen(2))
	g.Expect(w.Unread).To(BeEmpty())
}

func TestForbiddenKindsAreMarkedAndSurvived(t *testing.T) {
	g := NewWithT(t)

	w, err := readWorld(t.Context(), kubeCluster("pods", "persistentvolumes"), nil, nil)

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(w.Pods).To(HaveLen(1), "those of the namespace")
	g.Expect(w.Unread).To(HaveKeyWithValue("pods", "read in namespace default only"))
	g.Expect(w.Unread).To(HaveKeyWithValue("persistentvolumes", ContainSubstring("forbidden")))
}

func TestFilesCanOverlap(t *testing.T) {
	g := NewWithT(t)
	found, err := readDocuments(strings.NewReader(threeNodes()+"---\n"+threeNodes()), "dump.yaml")
	g.Expect(err).NotTo(HaveOccurred())

	w, err := worldOf(found)

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(w.Nodes).To(HaveLen(3))
	g.Expect(w.Pods).To(HaveLen(3))
}

func TestWithoutNodesNothingCanBeSaid(t *testing.T) {
	_, err := readWorld(t.Context(), kubeCluster("nodes"), nil, nil)

	NewWithT(t).Expect(apierrors.IsForbidden(err)).To(BeTrue())
}

func TestForwardsRunTheOtherProgram(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	g.Expect(os.WriteFile(filepath.Join(dir, placementProgram), []byte("#!/bin/sh\necho \"$REHOME_DISPLAY_NAME: $*\"; exit 1\n"), 0o700)).To(Succeed())

	r := runForward("kubectl rehome", "explain", "carrot67", "-n", "default", "--all-nodes")

	g.Expect(r.out).To(Equal("kubectl rehome: explain carrot67 -n default --all-nodes\n"))
	g.Expect(ExitStatus(r.err)).To(Equal(1))
	g.Expect(r.err.Error()).To(BeEmpty(), "the program has said it")
}

func TestForwardsSayHowToGetTheOtherProgram(t *testing.T) {
	g := NewWithT(t)
	t.Setenv("PATH", t.TempDir())

	r := runForward("rehome", "preflight", "bp1")

	g.Expect(ExitStatus(r.err)).To(Equal(2))
	g.Expect(r.err).To(MatchError(HavePrefix("preflight needs the program rehome-placement beside this one or in PATH")))
	g.Expect(r.err.Error()).NotTo(ContainSubstring("\n"))
}

// runForward runs a command of the other program.
func runForward(name string, args ...string) result {
	streams, _, stdout, stderr := genericiooptions.NewTestIOStreams()
	root := NewRoot(name, nil, NewForwards(streams)...)
	root.SetArgs(args)
	err := root.Execute()
	return result{stdout.String(), stderr.String(), err}
}
