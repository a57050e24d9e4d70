package chart

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// The messages of the policies.
const (
	onlyAnnotations = "Rehome may change only its own annotations"
	onlyPolicies    = "Rehome may change only scheduling policies"
	onlyPodRules    = "Rehome may change only rules about Pods"
	onlySpec        = "Rehome may change only schedulingSpec"
	onlyConditions  = "Rehome may change only its own conditions"
	noMetadata      = "Rehome may change no metadata"
	onlyFinalizer   = "Rehome may only remove KubeBlocks' finalizer"
	onlyDeletes     = "Rehome may delete only"
)

// testPolicies writes as the operator, in dry runs, with the rights and the policies of the chart.
func testPolicies(t *testing.T, s *server) {
	g := NewWithT(t)
	l := parse(t, rendered(t, ""))
	s.grant(t, l)
	s.createFor(t, asObjects(l.ofKind("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"))...)
	operator := s.operator(t)

	cluster := rehometesting.MakeCluster(rehometesting.V10(), managed, "guarded").
		Annotation("example.com/owner", "shop").Spec(everywhere("shardings", 2)).Obj()
	cluster.SetLabels(map[string]string{"team": "shop"})
	s.createFor(t, cluster)
	g.Eventually(func() error { return operator.patch(t, cluster, patch.Add("/spec/terminationPolicy", "WipeOut")) }).
		WithTimeout(soon).Should(beDenied(onlyPolicies), "the API server takes a moment to use a policy")

	t.Run("Clusters", func(t *testing.T) { testClusterPolicy(t, s, operator, cluster) })
	t.Run("large Clusters", func(t *testing.T) { testLargeCluster(t, s, operator) })
	t.Run("Restores", func(t *testing.T) { testRestorePolicy(t, s, operator) })
	t.Run("Instances", func(t *testing.T) { testInstancePolicy(t, s, operator) })
	t.Run("Jobs and deletes", func(t *testing.T) { testDeletePolicy(t, s, operator) })
}

func testClusterPolicy(t *testing.T, s *server, operator dryRun, cluster *unstructured.Unstructured) {
	const history = "/metadata/annotations/rehome.kubeblocks.io~1remediation-history"
	old := rehometesting.MakeCluster(rehometesting.V09(), managed, "older").Spec(everywhere("shardingSpecs", 2)).Obj()
	s.createFor(t, old)
	for _, c := range []*unstructured.Unstructured{cluster, old} {
		places := policiesOf(t, c)
		NewWithT(t).Expect(places).To(HaveLen(1 + 2*3 + 2*(3+2*3)))
		for _, path := range places {
			t.Run("every rule about Pods of "+c.GetName()+path, func(t *testing.T) {
				NewWithT(t).Expect(operator.patch(t, c, rewritten(path)...)).To(Succeed())
			})
			for field, value := range map[string]any{
				"/nodeSelector": map[string]string{"zone": "a"}, "/nodeName": "node-1", "/tolerations": []any{map[string]any{"operator": "Exists"}},
				"/affinity/nodeAffinity": map[string]any{"preferredDuringSchedulingIgnoredDuringExecution": []any{}},
			} {
				NewWithT(t).Expect(operator.patch(t, c, patch.Add(path+field, value))).To(beDenied(onlyPodRules), path+field)
			}
			NewWithT(t).Expect(operator.patch(t, c, patch.Remove(path))).To(beDenied(onlyPolicies), path)
			owner := strings.TrimSuffix(path, "schedulingPolicy")
			NewWithT(t).Expect(operator.patch(t, c, patch.Add(owner+"replicas", 9))).To(beDenied(onlyPolicies), owner)
		}
	}
	for _, test := range []struct {
		name, denied string
		operation    patch.Operation
	}{
		{"the history", "", patch.Add(history, "{}")},
		{"another annotation", onlyAnnotations, patch.Add("/metadata/annotations/example.com~1owner", "mallory")},
		{"a new annotation", onlyAnnotations, patch.Add("/metadata/annotations/other", "mallory")},
		{"a removed annotation", onlyAnnotations, patch.RemoveAnnotation("example.com/owner")},
		{"a label", onlyAnnotations, patch.Replace("/metadata/labels/team", "mallory")},
		{"a finalizer", onlyAnnotations, patch.Add("/metadata/finalizers", []string{"example.com/mallory"})},
		{"an owner", onlyAnnotations, patch.Add("/metadata/ownerReferences", []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: "a", UID: "b"}})},
		{"the spec", onlyPolicies, patch.Remove("/spec")},
		{"a removed component", onlyPolicies, patch.Remove("/spec/componentSpecs/1")},
		{"a new component", onlyPolicies, patch.Add("/spec/componentSpecs/-", map[string]any{"name": "new"})},
		{"a new list of components", onlyPolicies, patch.Add("/spec/shardingSpecs", []any{})},
		{"components in another order", onlyPolicies, patch.Replace("/spec/componentSpecs", []any{part("component-1", 2), part("component-0", 2)})},
		{"a removed instance", onlyPolicies, patch.Remove("/spec/componentSpecs/0/instances/1")},
		{"a removed shard template", onlyPolicies, patch.Remove("/spec/shardings/0/shardTemplates/1")},
		{"a removed template", onlyPolicies, patch.Remove("/spec/shardings/0/template")},
		{"the number of shards", onlyPolicies, patch.Replace("/spec/shardings/1/shards", 5)},
		{"a name", onlyPolicies, patch.Replace("/spec/componentSpecs/0/name", "new")},
		{"a scheduler", onlyPodRules, patch.Add("/spec/componentSpecs/1/instances/0/schedulingPolicy/schedulerName", "mine")},
	} {
		t.Run(test.name, func(t *testing.T) { expectAnswer(t, operator.patch(t, cluster, test.operation), test.denied) })
	}
}

// testLargeCluster rewrites all rules of a Cluster that is nearly as large as a snapshot can be.
func testLargeCluster(t *testing.T, s *server, operator dryRun) {
	g := NewWithT(t)
	components := make([]any, 128)
	for i := range components {
		components[i] = part(fmt.Sprintf("component-%d", i), 4)
	}
	large := rehometesting.MakeCluster(rehometesting.V10(), managed, "large").Spec(map[string]any{"componentSpecs": components}).Obj()
	data, err := large.MarshalJSON()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(data)).To(BeNumerically("~", kubeblocks.MaxSnapshot, 32<<10))
	s.createFor(t, large)

	var all []patch.Operation
	for _, path := range policiesOf(t, large) {
		all = append(all, rewritten(path)...)
	}
	g.Expect(operator.patch(t, large, all...)).To(Succeed())
	all = append(all, patch.Replace("/spec/componentSpecs/127/instances/3/name", "new"))
	g.Expect(operator.patch(t, large, all...)).To(beDenied(onlyPolicies))
}

func testRestorePolicy(t *testing.T, s *server, operator dryRun) {
	const next = "/metadata/annotations/rehome.kubeblocks.io~1scheduling-spec"
	restore := rehometesting.MakeRestore(managed, "guarded").Label(kubeblocks.LabelInstance, "guarded").Backup("bp1").Stale("my1").Obj()
	empty := rehometesting.MakeRestore(managed, "empty").Label(kubeblocks.LabelInstance, "guarded").Obj()
	restore.SetAnnotations(map[string]string{"example.com/owner": "shop"})
	restore.Object["status"] = map[string]any{"phase": "Running", "conditions": []any{condition("theirs"), condition("rehome.kubeblocks.io/PolicyRehomed")}}
	s.createFor(t, restore, empty)

	for _, test := range []struct {
		name, denied string
		operations   []patch.Operation
	}{
		{"removed rules", "", []patch.Operation{patch.Add(next, "{}"), patch.Remove(kubeblocks.SchedulingSpecPath)}},
		{"another annotation", onlyAnnotations, []patch.Operation{patch.RemoveAnnotation("example.com/owner")}},
		{"a label", onlyAnnotations, []patch.Operation{patch.Add("/metadata/labels/team", "mallory")}},
		{"a finalizer", onlyAnnotations, []patch.Operation{patch.Remove("/metadata/finalizers")}},
		{"the Backup", onlySpec, []patch.Operation{patch.Replace("/spec/backup/name", "bp2")}},
		{"a new field", onlySpec, []patch.Operation{patch.Add("/spec/env", []any{})}},
		{"a volume", onlySpec, []patch.Operation{patch.Add("/spec/prepareDataConfig/dataSourceRef", map[string]any{"name": "other"})}},
		{"no prepareDataConfig", onlySpec, []patch.Operation{patch.Remove("/spec/prepareDataConfig")}},
	} {
		t.Run(test.name, func(t *testing.T) { expectAnswer(t, operator.patch(t, restore, test.operations...), test.denied) })
	}
	added := patch.Add(kubeblocks.SchedulingSpecPath, rehometesting.Apart("guarded"))
	NewWithT(t).Expect(operator.patch(t, empty, added)).To(Succeed())

	for _, test := range []struct {
		name, denied string
		operation    patch.Operation
	}{
		{"its own condition", "", patch.Replace("/status/conditions/1/message", "new")},
		{"a new condition of its own", "", patch.Add("/status/conditions/-", condition("rehome.kubeblocks.io/PodsScheduled"))},
		{"another condition", onlyConditions, patch.Replace("/status/conditions/0/message", "new")},
		{"a removed condition", onlyConditions, patch.Remove("/status/conditions/0")},
		{"a new condition", onlyConditions, patch.Add("/status/conditions/-", condition("mine"))},
		{"the phase", onlyConditions, patch.Replace("/status/phase", "Completed")},
	} {
		t.Run(test.name, func(t *testing.T) { expectAnswer(t, operator.patchStatus(t, restore, test.operation), test.denied) })
	}
	first := patch.Add("/status", map[string]any{"conditions": []any{condition("rehome.kubeblocks.io/PolicyRehomed")}})
	NewWithT(t).Expect(operator.patchStatus(t, empty, first)).To(Succeed())
}

func testInstancePolicy(t *testing.T, s *server, operator dryRun) {
	const pod = "/spec/template/spec"
	component := rehometesting.MakeComponent(rehometesting.MakeCluster(rehometesting.V11(), managed, "guarded").Obj(), "mysql").Obj()
	spec := rules()
	spec["containers"] = []any{map[string]any{"name": "mysql", "image": "mysql"}}
	set := rehometesting.MakeInstanceSet(rehometesting.V11(), component).Obj()
	instance := rehometesting.MakeInstance(set, rehometesting.MakeDatabasePod(component, "guarded-mysql-0").Obj())
	instance.SetOwnerReferences(nil) // nothing collects it
	NewWithT(t).Expect(unstructured.SetNestedMap(instance.Object, spec, "spec", "template", "spec")).To(Succeed())
	s.createFor(t, instance)

	for _, test := range []struct {
		name, denied string
		operations   []patch.Operation
	}{
		{"every rule about Pods", "", rewritten(pod)},
		{"an annotation", noMetadata, []patch.Operation{patch.Add("/metadata/annotations", map[string]string{"a": "b"})}},
		{"a label", noMetadata, []patch.Operation{patch.Add("/metadata/labels/team", "mallory")}},
		{"a finalizer", noMetadata, []patch.Operation{patch.Add("/metadata/finalizers", []string{"example.com/mallory"})}},
		{"an owner", noMetadata, []patch.Operation{
			patch.Add("/metadata/ownerReferences", []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: "a", UID: "b"}}),
		}},
		{"its InstanceSet", onlyPodRules, []patch.Operation{patch.Replace("/spec/instanceSetName", "other")}},
		{"a new field", onlyPodRules, []patch.Operation{patch.Add("/spec/paused", true)}},
		{"no template", onlyPodRules, []patch.Operation{patch.Remove("/spec/template")}},
		{"labels of its Pod", onlyPodRules, []patch.Operation{patch.Add("/spec/template/metadata", map[string]any{"labels": map[string]any{"a": "b"}})}},
		{"an image", onlyPodRules, []patch.Operation{patch.Replace(pod+"/containers/0/image", "mallory")}},
		{"a node", onlyPodRules, []patch.Operation{patch.Add(pod+"/nodeName", "node-1")}},
		{"affinity to nodes", onlyPodRules, []patch.Operation{patch.Add(pod+"/affinity/nodeAffinity", map[string]any{"preferredDuringSchedulingIgnoredDuringExecution": []any{}})}},
	} {
		t.Run(test.name, func(t *testing.T) { expectAnswer(t, operator.patch(t, instance, test.operations...), test.denied) })
	}
}

// testLongNames has the Job and the Pod of a Restore whose name is longer than a label's value.
func testLongNames(t *testing.T, s *server, operator dryRun, restore *unstructured.Unstructured) {
	t.Helper()
	g := NewWithT(t)
	job, backupJob := rehometesting.MakeJob(restore, "long").Obj(), rehometesting.MakeJob(restore, "backup").Obj()
	pod := rehometesting.MakeRestorePod(restore, "long").Obj()
	backupJob.OwnerReferences = nil
	for _, labels := range []map[string]string{job.Labels, job.Spec.Template.Labels, backupJob.Labels, backupJob.Spec.Template.Labels, pod.Labels} {
		delete(labels, kubeblocks.LabelRestore)
	}
	job.Spec.Suspend, backupJob.Spec.Suspend = ptr.To(true), ptr.To(true)
	s.createFor(t, job, backupJob, pod)

	g.Expect(operator.patch(t, job, patch.Remove("/metadata/finalizers/0"))).To(Succeed())
	g.Expect(operator.delete(t, job)).To(Succeed())
	g.Expect(operator.delete(t, backupJob)).To(beDenied(onlyDeletes))
	g.Expect(operator.delete(t, pod)).To(beDenied(onlyDeletes))
}

func testDeletePolicy(t *testing.T, s *server, operator dryRun) {
	g := NewWithT(t)
	component := rehometesting.MakeComponent(rehometesting.MakeCluster(rehometesting.V10(), managed, "deleted").Obj(), "mysql").Obj()
	restore := rehometesting.MakeRestore(managed, "deleted").Of(component).Obj()
	restore.SetOwnerReferences(nil)
	s.createFor(t, restore)
	job := rehometesting.MakeJob(restore, "deleted").Obj()
	job.Finalizers = append(job.Finalizers, "example.com/other")
	job.Spec.Suspend = ptr.To(true)
	pod := rehometesting.MakeDatabasePod(component, "deleted").Obj()
	restorePod := rehometesting.MakeRestorePod(restore, "restoring").Obj()
	s.createFor(t, job, pod, restorePod)

	g.Expect(operator.patch(t, job, patch.Remove("/metadata/finalizers/0"))).To(Succeed())
	g.Expect(operator.patch(t, job, patch.Remove("/metadata/finalizers/1"))).To(beDenied(onlyFinalizer))
	g.Expect(operator.patch(t, job, patch.Remove("/metadata/finalizers"))).To(beDenied(onlyFinalizer))
	g.Expect(operator.patch(t, job, patch.Remove("/metadata/finalizers/0"), patch.Replace("/spec/suspend", false))).To(beDenied(onlyFinalizer))

	for _, object := range []client.Object{restore, job, pod} {
		g.Expect(operator.delete(t, object)).To(Succeed())
	}
	g.Expect(operator.delete(t, restorePod)).To(beDenied(onlyDeletes), "KubeBlocks counts that against the backoff limit")
	testLongNames(t, s, operator, restore)

	for _, object := range []client.Object{restore, job, pod} {
		// A Job without labels would get those of its template.
		unlabel, err := patch.JSON([]patch.Operation{patch.Replace("/metadata/labels", map[string]string{"team": "shop"})})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(s.Patch(t.Context(), object.DeepCopyObject().(client.Object), unlabel)).To(Succeed())
		g.Expect(operator.delete(t, object)).To(beDenied(onlyDeletes))
	}
	g.Expect(operator.patch(t, job, patch.Remove("/metadata/finalizers/0"))).To(beDenied(onlyFinalizer), "it has no labels any more")
}

// everywhere returns a spec with a scheduling policy in every place, each list with n elements.
func everywhere(shardings string, n int) map[string]any {
	spec := map[string]any{"terminationPolicy": "Delete", "schedulingPolicy": rules(), "componentSpecs": parts("component", n)}
	var list []any
	for i := range n {
		sharding := map[string]any{"name": fmt.Sprintf("sharding-%d", i), "shards": int64(3), "template": part("", n)}
		sharding["shardTemplates"] = parts("shard", n)
		list = append(list, sharding)
	}
	spec[shardings] = list
	return spec
}

func parts(name string, n int) []any {
	var list []any
	for i := range n {
		list = append(list, part(fmt.Sprintf("%s-%d", name, i), n))
	}
	return list
}

// part returns a component with n instance templates.
func part(name string, n int) map[string]any {
	var instances []any
	for i := range n {
		instances = append(instances, map[string]any{"name": fmt.Sprintf("instance-%d", i), "replicas": int64(1), "schedulingPolicy": rules()})
	}
	return map[string]any{"name": name, "replicas": int64(3), "schedulingPolicy": rules(), "instances": instances}
}

func rules() map[string]any {
	policy := rehometesting.Apart("my1")
	policy["topologySpreadConstraints"] = []any{map[string]any{"maxSkew": int64(1), "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
		"labelSelector": map[string]any{"matchLabels": map[string]any{kubeblocks.LabelInstance: "my1"}}}}
	return policy
}

// rewritten returns operations that rewrite the rules of a policy, and relax one.
func rewritten(path string) []patch.Operation {
	const label = "/labelSelector/matchLabels/app.kubernetes.io~1instance"
	antiAffinity := path + "/affinity/podAntiAffinity"
	preferred := map[string]any{"weight": 100, "podAffinityTerm": map[string]any{"topologyKey": "zone"}}
	return []patch.Operation{
		patch.Replace(antiAffinity+"/requiredDuringSchedulingIgnoredDuringExecution/0"+label, "guarded"),
		patch.Replace(path+"/topologySpreadConstraints/0"+label, "guarded"),
		patch.Remove(antiAffinity + "/requiredDuringSchedulingIgnoredDuringExecution/0"),
		patch.Add(antiAffinity+"/preferredDuringSchedulingIgnoredDuringExecution", []any{preferred}),
	}
}

// policiesOf returns the JSON Pointers of the scheduling policies that Rehome finds in a Cluster.
func policiesOf(t *testing.T, cluster *unstructured.Unstructured) []string {
	t.Helper()
	view := &kubeblocks.Cluster{}
	data, err := cluster.MarshalJSON()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	NewWithT(t).Expect(json.Unmarshal(data, view)).To(Succeed())
	var paths []string
	for _, policy := range kubeblocks.ClusterPolicies(view) {
		paths = append(paths, policy.Path)
	}
	return paths
}

func condition(conditionType string) any {
	return map[string]any{"type": conditionType, "status": "True", "reason": "Reason", "message": "", "lastTransitionTime": "2026-07-01T12:00:00Z"}
}

// dryRun writes as the operator, and changes nothing.
type dryRun struct{ client.Client }

func (s *server) operator(t *testing.T) dryRun {
	t.Helper()
	config := rest.CopyConfig(s.Config())
	config.Impersonate.UserName = "system:serviceaccount:" + ownNamespace + ":" + rehome
	c, err := client.New(config, client.Options{})
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return dryRun{client.NewDryRunClient(c)}
}

func (d dryRun) patch(t *testing.T, object client.Object, operations ...patch.Operation) error {
	t.Helper()
	p, err := patch.JSON(operations)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return d.Patch(t.Context(), object.DeepCopyObject().(client.Object), p)
}

func (d dryRun) patchStatus(t *testing.T, object client.Object, operations ...patch.Operation) error {
	t.Helper()
	p, err := patch.JSON(operations)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return d.Status().Patch(t.Context(), object.DeepCopyObject().(client.Object), p)
}

func (d dryRun) delete(t *testing.T, object client.Object) error {
	t.Helper()
	return d.Delete(t.Context(), object.DeepCopyObject().(client.Object))
}

// createFor creates objects, with their status, for the time of a test.
func (s *server) createFor(t *testing.T, list ...client.Object) {
	t.Helper()
	g := NewWithT(t)
	for _, object := range list {
		withStatus := object.DeepCopyObject().(client.Object)
		g.Expect(s.Create(t.Context(), object)).To(Succeed(), object.GetName())
		t.Cleanup(func() {
			ctx := context.WithoutCancel(t.Context())
			g.Expect(client.IgnoreNotFound(s.Patch(ctx, object, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))))).To(Succeed())
			g.Expect(client.IgnoreNotFound(s.Delete(ctx, object))).To(Succeed())
		})
		if u, ok := withStatus.(*unstructured.Unstructured); ok && u.Object["status"] != nil {
			withStatus.SetResourceVersion(object.GetResourceVersion())
			g.Expect(s.Status().Update(t.Context(), withStatus)).To(Succeed())
		}
	}
}

func asObjects(l objects) []client.Object {
	var list []client.Object
	for _, object := range l {
		list = append(list, object)
	}
	return list
}

func expectAnswer(t *testing.T, err error, denied string) {
	t.Helper()
	if denied == "" {
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
	} else {
		NewWithT(t).Expect(err).To(beDenied(denied))
	}
}

func beDenied(message string) OmegaMatcher {
	return SatisfyAll(Satisfy(apierrors.IsForbidden), MatchError(ContainSubstring(message)))
}
