package cli

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/discovery"
	discoveryfake "k8s.io/client-go/discovery/fake"
	clienttesting "k8s.io/client-go/testing"
)

// version runs `rehome version`.
func version(c *cluster, args ...string) result {
	streams, _, out, stderr := genericiooptions.NewTestIOStreams()
	root := NewRoot("rehome", nil, newVersion(streams, c))
	root.SetArgs(append([]string{"version"}, args...))
	err := root.Execute()
	return result{out.String(), stderr.String(), err}
}

// serving lets a cluster serve KubeBlocks' Clusters in these versions, and Rehomings.
func serving(c *cluster, versions ...string) *cluster {
	resources := []*metav1.APIResourceList{
		{GroupVersion: "rehome.kubeblocks.io/v1alpha1", APIResources: []metav1.APIResource{{Kind: "Rehoming"}}},
	}
	for _, v := range versions {
		resources = append(resources, &metav1.APIResourceList{
			GroupVersion: "apps.kubeblocks.io/" + v, APIResources: []metav1.APIResource{{Kind: "Cluster"}, {Kind: "Component"}},
		})
	}
	// KubeBlocks serves other kinds as v1alpha1 even where it serves Clusters as v1 only.
	if len(versions) == 1 && versions[0] == "v1" {
		resources = append(resources, &metav1.APIResourceList{
			GroupVersion: "apps.kubeblocks.io/v1alpha1", APIResources: []metav1.APIResource{{Kind: "Rollout"}},
		})
	}
	c.discoveryClient = func() (discovery.DiscoveryInterface, error) {
		return &discoveryfake.FakeDiscovery{Fake: &clienttesting.Fake{Resources: resources}}, nil
	}
	return c
}

// deployment is a Deployment with the labels of a chart.
func deployment(name, label, version, image string) *unstructured.Unstructured {
	labels := map[string]any{"app.kubernetes.io/name": label}
	if version != "" {
		labels["app.kubernetes.io/version"] = version
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"namespace": name, "name": name, "labels": labels},
		"spec": map[string]any{"template": map[string]any{"spec": map[string]any{
			"containers": []any{map[string]any{"name": "manager", "image": image}},
		}}},
	}}
}

func TestVersionPrintsTheClient(t *testing.T) {
	g := NewWithT(t)

	r := version(noCluster(), "--client")

	g.Expect(r.err).NotTo(HaveOccurred())
	g.Expect(r.out).To(Equal("rehome " + Version() + " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH + "\n"))
}

func TestVersionWithoutAClusterIsNoError(t *testing.T) {
	g := NewWithT(t)

	r := version(noCluster())

	g.Expect(r.err).NotTo(HaveOccurred())
	g.Expect(r.out).To(Equal(clientLine()))
	g.Expect(r.stderr).To(Equal("no Kubernetes cluster was reached: connection refused\n"))
}

func TestVersionAsJSONHasAllVersions(t *testing.T) {
	g := NewWithT(t)
	c := fakeCluster(deployment("rehome", "rehome", "", "registry:5000/rehome:v0.1.0@sha256:abc"), deployment("kubeblocks", "kubeblocks", "1.0.2", "x"))

	r := version(serving(c, "v1", "v1alpha1"), "-o", "json")

	g.Expect(r.err).NotTo(HaveOccurred())
	client, err := json.Marshal(thisClient())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(r.out).To(MatchJSON(`{"client":` + string(client) + `,"operator":"v0.1.0","crd":["v1alpha1"],"kubeblocks":"1.0.2"}`))
	g.Expect(r.stderr).To(BeEmpty())
}

func TestVersionLines(t *testing.T) {
	g := NewWithT(t)
	c := fakeCluster()

	r := version(serving(c, "v1alpha1"))

	g.Expect(r.out).To(Equal(clientLine() + "kinds v1alpha1\nkubeblocks 0.9\n"))
}

func TestAFileIsForTheServedVersionAndALineSaysSo(t *testing.T) {
	input := backupYAML("bp1", snapshotOf("", `"componentSpecs":[`+mysql+`]`))
	for name, c := range map[string]struct {
		served []string
		args   []string
		line   string
	}{
		"KubeBlocks 1.0":         {[]string{"v1", "v1alpha1"}, nil, fmt.Sprintf(textServedVersion, "1.0 or 1.1")},
		"KubeBlocks 1.2":         {[]string{"v1"}, nil, fmt.Sprintf(textServedVersion, "1.2")},
		"a version by flag":      {[]string{"v1"}, []string{"--kubeblocks", "1.2"}, ""},
		"quiet":                  {[]string{"v1"}, []string{"-q"}, ""},
		"an output without form": {[]string{"v1"}, []string{"-o", "patch"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)

			r := runIn(serving(noCluster(), c.served...), input, append([]string{"-f", "-", "--to", "carrot67"}, c.args...)...)

			g.Expect(r.err).NotTo(HaveOccurred())
			if c.line == "" {
				g.Expect(r.stderr).NotTo(ContainSubstring("KubeBlocks"))
				return
			}
			g.Expect(r.stderr).To(HavePrefix(c.line))
		})
	}
}

func TestReferenceFollowsTheServedVersions(t *testing.T) {
	for name, c := range map[string]struct {
		served         []string
		args           []string
		has, apiServer string
	}{
		"KubeBlocks 0.9":         {[]string{"v1alpha1"}, nil, "kubeblocks.io/restore-from-backup", "v1alpha1"},
		"KubeBlocks 1.0 and 1.1": {[]string{"v1", "v1alpha1"}, nil, "kubeblocks.io/restore-from-backup", "v1"},
		"KubeBlocks 1.2":         {[]string{"v1"}, nil, "restore:\n    source:", "v1"},
		"another by flag":        {[]string{"v1", "v1alpha1"}, []string{"--kubeblocks", "1.2"}, "restore:\n    source:", "v1"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			unmarked := backupYAML("bp1", snapshotOf("", `"componentSpecs":[`+mysql+`]`))

			r := runIn(serving(noCluster(), c.served...), unmarked, append([]string{"-f", "-", "--to", "carrot67", "-q"}, c.args...)...)

			g.Expect(r.err).NotTo(HaveOccurred())
			g.Expect(r.out).To(HavePrefix("apiVersion: apps.kubeblocks.io/" + c.apiServer + "\n"))
			g.Expect(r.out).To(ContainSubstring(c.has))
			// KubeBlocks 1.0 and 1.1 ignore a Cluster without the mark.
			g.Expect(len(c.served) == 2 && len(c.args) == 0).To(Equal(strings.Contains(r.out, "crd-api-version: apps.kubeblocks.io/v1\n")))
		})
	}
}

func TestUnknownCommandIsAnError(t *testing.T) {
	g := NewWithT(t)
	root := NewRoot("rehome", nil, NewVersion(genericiooptions.NewTestIOStreamsDiscard()))
	root.SetArgs([]string{"no-such-command"})

	g.Expect(root.Execute()).To(MatchError(ContainSubstring(`unknown command "no-such-command"`)))
}
