package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"

	rehomev1alpha1 "github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// noon is the time in the tests.
var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// objects reads testdata/status.yaml: Rehomings and Restores.
func objects(t *testing.T) []runtime.Object {
	data, err := os.ReadFile("testdata/status.yaml")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	var all []runtime.Object
	for _, document := range strings.Split(string(data), "\n---\n") {
		object := &unstructured.Unstructured{}
		NewWithT(t).Expect(yaml.Unmarshal([]byte(document), &object.Object)).To(Succeed())
		all = append(all, object)
	}
	return all
}

// fakeCluster returns a Kubernetes cluster that holds objects.
func fakeCluster(objects ...runtime.Object) *cluster {
	client := fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{
		rehomev1alpha1.GroupVersion.WithResource("rehomings"):                              "RehomingList",
		{Group: "dataprotection.kubeblocks.io", Version: "v1alpha1", Resource: "restores"}: "RestoreList",
		{Group: "dataprotection.kubeblocks.io", Version: "v1alpha1", Resource: "backups"}:  "BackupList",
		{Group: "apps", Version: "v1", Resource: "deployments"}:                            "DeploymentList",
		kubeblocks.AppsV1.WithResource("clusters"):                                         "ClusterList",
		kubeblocks.AppsV1.WithResource("components"):                                       "ComponentList",
		batchv1.SchemeGroupVersion.WithResource("jobs"):                                    "JobList",
		{Version: "v1", Resource: "namespaces"}:                                            "NamespaceList",
	}, objects...)
	// The tracker does not know field selectors.
	client.PrependReactor("list", "rehomings", func(action clienttesting.Action) (bool, runtime.Object, error) {
		selector := action.(clienttesting.ListAction).GetListRestrictions().Fields
		name, ok := selector.RequiresExactMatch("metadata.name")
		if !ok {
			return false, nil, nil
		}
		list := &unstructured.UnstructuredList{}
		object, err := client.Tracker().Get(action.GetResource(), action.GetNamespace(), name)
		if err == nil {
			list.Items = append(list.Items, *object.(*unstructured.Unstructured))
		}
		return true, list, nil
	})
	c := noCluster()
	c.dynamicClient = func() (dynamic.Interface, error) { return client, nil }
	return c
}

// status runs `rehome status`.
func status(c *cluster, args ...string) result {
	streams, _, stdout, stderr := genericiooptions.NewTestIOStreams()
	o := &statusOptions{IOStreams: streams, cluster: c, now: func() time.Time { return noon }, isTerminal: isTerminal}
	root := NewRoot("rehome", nil, newStatus(o))
	root.SetArgs(append([]string{"status"}, args...))
	err := root.Execute()
	return result{stdout.String(), stderr.String(), err}
}

func TestStatusListsRestoredClusters(t *testing.T) {
	g := NewWithT(t)
	c := fakeCluster(objects(t)...)

	r := status(c, "-A")

	g.Expect(ExitStatus(r.err)).To(Equal(1), "a Cluster waits")
	g.Expect(r.stderr).To(BeEmpty())
	g.Expect(r.out).To(Equal(`NAMESPACE   CLUSTER    SOURCE   BACKUP   STATE                        SINCE   NEXT
shop        kiwi       my1      bp1      Contended                    2d      stop the writer that the message names, then remove the annotation rehome.kubeblocks.io/remediation-history
default     carrot67   my1      bp1      RecreatingRestore (2 Pods)   4m12s   Rehome re-creates the Restore (attempts left: 2)
default     new        -        -        Unknown                      -       -
shop        plum       my1      bp1      Ready                        3d      -
`))
}

func TestStatusOfOneNamespace(t *testing.T) {
	g := NewWithT(t)
	c := fakeCluster(objects(t)...)

	r := status(c, "-n", "shop")

	g.Expect(r.out).To(ContainSubstring("kiwi"))
	g.Expect(r.out).To(ContainSubstring("plum"))
	g.Expect(r.out).NotTo(ContainSubstring("carrot67"))
}

func TestStatusOfOneClusterIsItsStory(t *testing.T) {
	g := NewWithT(t)
	c := fakeCluster(objects(t)...)

	r := status(c, "carrot67", "-n", "default")

	g.Expect(ExitStatus(r.err)).To(Equal(1))
	golden, err := os.ReadFile("testdata/status-carrot67.txt")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(r.out).To(Equal(string(golden)))
}

func TestStatusOfAReadyClusterIsGood(t *testing.T) {
	g := NewWithT(t)
	c := fakeCluster(objects(t)...)

	r := status(c, "plum", "-n", "shop")

	g.Expect(r.err).NotTo(HaveOccurred())
	g.Expect(r.out).To(HavePrefix("shop/plum, restored from my1 by Backup bp1, is ready since 3d\n"))
}

func TestStatusAsJSON(t *testing.T) {
	g := NewWithT(t)
	c := fakeCluster(objects(t)...)

	r := status(c, "plum", "-n", "shop", "-o", "json")

	g.Expect(r.err).NotTo(HaveOccurred())
	g.Expect(r.out).To(MatchJSON(`{"items":[{"namespace":"shop","name":"plum","source":"my1","backup":"bp1","state":"Ready","ready":true,"stalled":false,
		"since":"2026-01-28T12:00:00Z","pendingPods":0,"status":{"source":{"namespace":"default","name":"my1"},"backups":[{"name":"bp1"}],"conditions":[
		{"type":"Ready","status":"True","reason":"Rehomed","message":"m","lastTransitionTime":"2026-01-28T12:00:00Z"}]}}]}`))
}

func TestStatusThatCannotBeTold(t *testing.T) {
	for name, c := range map[string]struct {
		args    []string
		problem string
	}{
		"no such Cluster": {[]string{"pear", "-n", "shop"}, "no Rehoming shop/pear: the Cluster was not restored, or Rehome does not watch its namespace"},
		"a name and -A":   {[]string{"pear", "-A"}, "give the name of a Cluster or -A, not both"},
		"an output":       {[]string{"-o", "wide"}, `--output "wide" is none of json`},
		"two names":       {[]string{"a", "b"}, "accepts at most 1 arg(s), received 2"},
		"--watch as JSON": {[]string{"--watch", "-o", "json"}, "--watch prints lines: it does not take -o json"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			fakes := fakeCluster(objects(t)...)

			r := status(fakes, c.args...)

			g.Expect(r.err).To(MatchError(c.problem))
			g.Expect(ExitStatus(r.err)).To(Equal(2))
			g.Expect(r.out).To(BeEmpty())
		})
	}
}

func TestNoRestoredClustersIsGood(t *testing.T) {
	g := NewWithT(t)
	c := fakeCluster()

	r := status(c, "-n", "shop")

	g.Expect(r.err).NotTo(HaveOccurred())
	g.Expect(r.out).To(BeEmpty())
	g.Expect(r.stderr).To(Equal("No restored Clusters in namespace shop.\n"))
}

func TestWatchPrintsChanges(t *testing.T) {
	g := NewWithT(t)
	all := objects(t)
	c := fakeCluster(all...)
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	o := &statusOptions{IOStreams: streams, cluster: c, now: func() time.Time { return noon }, isTerminal: isTerminal}
	events := watch.NewFakeWithChanSize(4, false)
	plum := all[2].(*unstructured.Unstructured)
	events.Add(plum)    // as it was printed
	events.Modify(plum) // as it was printed
	changed := plum.DeepCopy()
	g.Expect(unstructured.SetNestedSlice(changed.Object, []any{map[string]any{
		"type": "Ready", "status": "False", "reason": "Observed", "lastTransitionTime": "2026-01-31T11:59:00Z",
	}}, "status", "conditions")).To(Succeed())
	events.Modify(changed)
	events.Delete(changed)
	events.Stop() // ends the channel behind the events

	g.Expect(o.printEvents(events, map[string]string{"shop/plum": "Ready"})).To(Succeed())

	g.Expect(out.String()).To(Equal("shop   plum   my1   bp1   Observed   60s   switch to mode Enforce\nshop   plum   my1   bp1   Deleted   60s   -\n"))
}

func TestEveryReasonHasANextStep(t *testing.T) {
	g := NewWithT(t)
	file, err := parser.ParseFile(token.NewFileSet(), "../../api/v1alpha1/conditions.go", nil, 0)
	g.Expect(err).NotTo(HaveOccurred())
	good := []string{
		rehomev1alpha1.ReasonRehomed, rehomev1alpha1.ReasonNothingInherited, rehomev1alpha1.ReasonRestoreFinished, rehomev1alpha1.ReasonScheduled,
	}
	seen := 0
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Reason") {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		g.Expect(err).NotTo(HaveOccurred())
		seen++
		if _, has := nextSteps[value]; !has {
			g.Expect(good).To(ContainElement(value))
		}
		return true
	})
	g.Expect(seen).To(BeNumerically(">", 20))
}

func TestAnUnschedulablePodIsNotSaidToHaveNoRuleInItsWay(t *testing.T) {
	next := nextSteps[rehomev1alpha1.ReasonUnschedulable]

	NewWithT(t).Expect(next).NotTo(ContainSubstring("cause"), "rules that Rehome keeps, such as Unscoped ones, can keep the Pod waiting")
}
