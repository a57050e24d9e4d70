package cli

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"

	rehomev1alpha1 "github.com/rehome-operator/rehome/api/v1alpha1"
)

// fakeClient returns the client of a fake cluster.
func fakeClient(c *cluster) *fake.FakeDynamicClient {
	client, err := c.dynamicClient()
	if err != nil {
		panic(err)
	}
	return client.(*fake.FakeDynamicClient)
}

// observed is a Rehoming with another reason.
func observed(rehoming runtime.Object, reason string) *unstructured.Unstructured {
	changed := rehoming.DeepCopyObject().(*unstructured.Unstructured)
	if err := unstructured.SetNestedSlice(changed.Object, []any{map[string]any{
		"type": "Ready", "status": "False", "reason": reason, "lastTransitionTime": "2026-01-31T11:59:00Z",
	}}, "status", "conditions"); err != nil {
		panic(err)
	}
	return changed
}

func TestWatchContinuesWhenTheAPIServerEndsIt(t *testing.T) {
	g := NewWithT(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	plum := objects(t)[2]
	c := fakeCluster()
	client := fakeClient(c)
	present := []runtime.Object{observed(plum, "Observed"), observed(plum, "Observed"), observed(plum, "Contended")}
	var versions []string
	client.PrependWatchReactor("rehomings", func(action clienttesting.Action) (bool, watch.Interface, error) {
		events := watch.NewFakeWithChanSize(1, false)
		events.Add(present[len(versions)])
		events.Stop()
		versions = append(versions, action.(clienttesting.WatchActionImpl).WatchRestrictions.ResourceVersion)
		return true, events, nil
	})
	now := noon
	var slept []time.Duration
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	o := &statusOptions{IOStreams: streams, cluster: c, now: func() time.Time { return now }, isTerminal: isTerminal,
		sleep: func(_ context.Context, d time.Duration) {
			slept = append(slept, d)
			if len(slept) == len(present) {
				cancel()
			}
		}}
	rows, err := newRows([]unstructured.Unstructured{*plum.(*unstructured.Unstructured)})
	g.Expect(err).NotTo(HaveOccurred())
	rehomings := client.Resource(rehomev1alpha1.GroupVersion.WithResource("rehomings"))

	g.Expect(o.follow(ctx, rehomings, rows, metav1.ListOptions{ResourceVersion: "7"})).To(Succeed())

	g.Expect(strings.Fields(out.String())).To(HaveExactElements(strings.Fields(`NAMESPACE CLUSTER SOURCE BACKUP STATE SINCE NEXT
		shop plum my1 bp1 Ready 3d -
		shop plum my1 bp1 Observed 60s switch to mode Enforce
		shop plum my1 bp1 Contended 60s ` + nextSteps["Contended"])))
	g.Expect(versions).To(Equal([]string{"7", "", ""}), "the first watch begins where the list ended, the next with the present state")
	g.Expect(slept).To(Equal([]time.Duration{time.Second, 2 * time.Second, 4 * time.Second}), "a watch that ends at once is no busy loop")
}

func TestAWatchThatLastedIsRepeatedSoon(t *testing.T) {
	g := NewWithT(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	now := noon
	c := fakeCluster()
	client := fakeClient(c)
	client.PrependWatchReactor("rehomings", func(clienttesting.Action) (bool, watch.Interface, error) {
		now = now.Add(5 * time.Minute)
		return true, watch.NewEmptyWatch(), nil
	})
	var slept []time.Duration
	streams, _, _, _ := genericiooptions.NewTestIOStreams()
	o := &statusOptions{IOStreams: streams, cluster: c, now: func() time.Time { return now }, isTerminal: isTerminal,
		sleep: func(_ context.Context, d time.Duration) {
			if slept = append(slept, d); len(slept) == 2 {
				cancel()
			}
		}}

	g.Expect(o.follow(ctx, client.Resource(rehomev1alpha1.GroupVersion.WithResource("rehomings")), nil, metav1.ListOptions{})).To(Succeed())

	g.Expect(slept).To(Equal([]time.Duration{time.Second, time.Second}))
}

func TestStatusIsColouredOnATerminal(t *testing.T) {
	for name, args := range map[string][]string{"a table": {"-A"}, "one Cluster": {"carrot67", "-n", "default"}} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			streams, _, out, _ := genericiooptions.NewTestIOStreams()
			o := &statusOptions{IOStreams: streams, cluster: fakeCluster(objects(t)...), now: func() time.Time { return noon },
				isTerminal: func(io.Writer) bool { return true }}
			root := NewRoot("rehome", nil, newStatus(o))
			root.SetArgs(append([]string{"status"}, args...))

			g.Expect(ExitStatus(root.Execute())).To(Equal(1))

			if name == "a table" {
				g.Expect(out.String()).To(MatchRegexp(`(?m)^NAMESPACE.*\n\x1b\[31mshop +kiwi .*\x1b\[m\n\x1b\[33mdefault +carrot67 .*\x1b\[m\n\x1b\[33mdefault +new .*\x1b\[m\nshop +plum `))
				return
			}
			g.Expect(out.String()).To(HavePrefix(yellow + "default/carrot67"))
			g.Expect(out.String()).To(ContainSubstring("\n" + bold + "Next: "))
			g.Expect(out.String()).To(ContainSubstring("\n" + red + "PodsScheduled False: "))
		})
	}
}

// refuse lets the API server refuse to list Rehomings, except in a namespace.
func refuse(c *cluster, err error, allowed string) {
	fakeClient(c).PrependReactor("list", "rehomings", func(action clienttesting.Action) (bool, runtime.Object, error) {
		return action.GetNamespace() != allowed || allowed == "", nil, err
	})
}

func TestStatusSaysWhichKindOrRightIsMissing(t *testing.T) {
	resource := schema.GroupResource{Group: "rehome.kubeblocks.io", Resource: "rehomings"}
	forbidden := apierrors.NewForbidden(resource, "", errors.New("no"))
	for name, c := range map[string]struct {
		args    []string
		err     error
		problem string
	}{
		"no kind":               {[]string{"-A"}, apierrors.NewNotFound(resource, ""), problemNotInstalled},
		"no right to all":       {[]string{"-A"}, forbidden, "rehomings.rehome.kubeblocks.io is forbidden: no: give one namespace with -n"},
		"no right to namespace": {[]string{"-n", "shop"}, forbidden, "rehomings.rehome.kubeblocks.io is forbidden: no"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			fakes := fakeCluster()
			refuse(fakes, c.err, "")

			r := status(fakes, c.args...)

			g.Expect(r.err).To(MatchError(c.problem))
			g.Expect(ExitStatus(r.err)).To(Equal(2))
		})
	}
}

func TestStatusCountsTheNamespacesThatTheCallerMayList(t *testing.T) {
	g := NewWithT(t)
	all := objects(t)
	for _, name := range []string{"default", "shop"} {
		all = append(all, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": corev1.SchemeGroupVersion.String(), "kind": "Namespace", "metadata": map[string]any{"name": name},
		}})
	}
	c := fakeCluster(all...)
	refuse(c, apierrors.NewForbidden(schema.GroupResource{Resource: "rehomings"}, "", nil), "shop")

	r := status(c, "-A")

	g.Expect(r.stderr).To(Equal("counted only the 1 of 2 namespaces that you may list\n"))
	g.Expect(r.out).To(ContainSubstring("kiwi"))
	g.Expect(r.out).NotTo(ContainSubstring("carrot67"))
}
