package controllers_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// A user who can write a Backup's annotation decides which rules count as inherited. That must never let Rehome write anything but
// the scheduling leaves of the Cluster that is restored from it.
var _ = besideEachGeneration("A hostile snapshot", func(e *env) {
	// victims are objects of somebody else's, in the same Namespace: web1 is being restored, too.
	victims := func() []*unstructured.Unstructured {
		GinkgoHelper()
		cluster := e.cluster("web1", "web1").Obj()
		e.create(cluster)
		component, restore := e.restoring(cluster, "mysql", rehometesting.Apart("web1"), rehometesting.Apart("web1"))
		job := rehometesting.MakeJob(restore, "restore-preparedata-web1-0").Obj()
		e.create(job)
		e.create(rehometesting.MakeRestorePod(restore, "restore-preparedata-web1-0-x7k2p").Of(job).Unschedulable(unschedulable).Obj())
		return []*unstructured.Unstructured{cluster, component, restore}
	}

	DescribeTable("moves nothing but scheduling leaves of the restored Cluster", func(snapshot func(real map[string]any) string, rewritten bool) {
		others := victims()
		h := e.stuckRestore(clusterStale)
		e.merge(h.cluster, `{"spec":{"terminationPolicy":"Delete"}}`) // something beside the rules
		text := snapshot(snapshotOf(e.cluster(source, source).Obj()))
		e.merge(h.backup, `{"metadata":{"annotations":{"`+kubeblocks.AnnotationClusterSnapshot+`":`+asJSON(text)+`}}}`)
		cluster, versions := e.now(h.cluster), e.versions()

		var writes []string
		for range 5 {
			_, err := e.tryReconcile()
			Expect(err).NotTo(HaveOccurred())
			writes = append(writes, e.writes...)
			e.clock.Step(time.Minute)
		}

		after := e.now(h.cluster)
		Expect(slices.DeleteFunc(changes(cluster.Object["spec"], after.Object["spec"], ""), func(path string) bool {
			return strings.HasPrefix(path, "/componentSpecs/") && strings.Contains(path, "/schedulingPolicy/affinity/")
		})).To(BeEmpty())
		annotations := after.GetAnnotations()
		delete(annotations, v1alpha1.AnnotationHistory)
		Expect(annotations).To(Equal(cluster.GetAnnotations()))
		for _, write := range writes {
			Expect(write).To(MatchRegexp(`^patch Cluster carrot67$|^patch status of Restore carrot67-mysql-preparedata$`))
		}
		Expect(slices.Contains(writes, "patch Cluster carrot67")).To(Equal(rewritten))
		for _, other := range others {
			key := other.GetKind() + " " + other.GetName()
			Expect(e.versions()).To(HaveKeyWithValue(key, versions[key]))
		}
	},
		Entry("that has as many rules as are read", func(s map[string]any) string {
			return asJSON(withTerms(s, slices.Repeat([]any{apartFrom(source)}, 990)...))
		}, true),
		Entry("that has too many rules", func(s map[string]any) string {
			return asJSON(withTerms(s, slices.Repeat([]any{apartFrom(source)}, 1001)...))
		}, false),
		Entry("that is deep", func(map[string]any) string {
			const depth = 80_000
			return `{"metadata":{"name":"my1"},"spec":` + strings.Repeat(`{"a":`, depth/2) + `1` + strings.Repeat(`}`, depth/2) + `}`
		}, false),
		Entry("that is another cluster's, which runs", func(s map[string]any) string {
			return asJSON(named(withTerms(s, apartFrom("web1")), "web1"))
		}, false),
		Entry("whose rules name another cluster beside the source", func(s map[string]any) string {
			return asJSON(withTerms(s, apartFrom(source), apartFrom("web1")))
		}, true),
		Entry("that is the restored cluster's own", func(s map[string]any) string {
			return asJSON(named(s, target))
		}, false),
		Entry("that names a system Namespace", func(s map[string]any) string {
			s["metadata"].(map[string]any)["namespace"] = "kube-system"
			return asJSON(s)
		}, true),
		Entry("that names what no cluster can be called", func(s map[string]any) string {
			return asJSON(named(s, "../../pods"))
		}, false),
		Entry("whose components are called like paths", func(s map[string]any) string {
			for i, c := range s["spec"].(map[string]any)["componentSpecs"].([]any) {
				c.(map[string]any)["name"] = []string{"../../metadata/annotations", "0/replicas~1"}[i]
			}
			return asJSON(s)
		}, false),
		Entry("that brings a node, tolerations and more components along", func(s map[string]any) string {
			specs := s["spec"].(map[string]any)["componentSpecs"].([]any)
			policy := specs[0].(map[string]any)["schedulingPolicy"].(map[string]any)
			maps.Copy(policy, map[string]any{"nodeName": "node1", "schedulerName": "mine", "tolerations": []any{map[string]any{"operator": "Exists"}}})
			specs[0].(map[string]any)["replicas"] = 99
			s["spec"].(map[string]any)["componentSpecs"] = append(specs, map[string]any{"name": "miner", "schedulingPolicy": policy})
			return asJSON(s)
		}, true),
		Entry("that has a field twice", func(map[string]any) string {
			return `{"metadata":{"name":"my1","name":"web1"},"spec":{"componentSpecs":[]}}`
		}, false),
	)
})

// snapshotOf returns the snapshot of a Cluster, as a JSON value of its own.
func snapshotOf(cluster *unstructured.Unstructured) map[string]any {
	GinkgoHelper()
	var snapshot map[string]any
	Expect(json.Unmarshal([]byte(rehometesting.MakeBackup(cluster.GetNamespace(), backup).Of(cluster).Obj().
		GetAnnotations()[kubeblocks.AnnotationClusterSnapshot]), &snapshot)).To(Succeed())
	return snapshot
}

func named(snapshot map[string]any, name string) map[string]any {
	snapshot["metadata"].(map[string]any)["name"] = name
	return snapshot
}

// withTerms gives the first component of a snapshot these anti-affinity terms.
func withTerms(snapshot map[string]any, terms ...any) map[string]any {
	GinkgoHelper()
	component := snapshot["spec"].(map[string]any)["componentSpecs"].([]any)[0].(map[string]any)
	Expect(unstructured.SetNestedField(component, terms,
		"schedulingPolicy", "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")).To(Succeed())
	return snapshot
}

// apartFrom is one anti-affinity term.
func apartFrom(cluster string) any {
	GinkgoHelper()
	terms, _, err := unstructured.NestedSlice(rehometesting.Apart(cluster), "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
	Expect(err).NotTo(HaveOccurred())
	return terms[0]
}

// changes lists the JSON Pointers of the leaves in which two values differ.
func changes(before, after any, path string) []string {
	switch b := before.(type) {
	case map[string]any:
		if a, ok := after.(map[string]any); ok {
			var paths []string
			for key := range union(a, b) {
				paths = append(paths, changes(b[key], a[key], path+"/"+key)...)
			}
			return paths
		}
	case []any:
		if a, ok := after.([]any); ok && len(a) == len(b) {
			var paths []string
			for i := range b {
				paths = append(paths, changes(b[i], a[i], fmt.Sprintf("%s/%d", path, i))...)
			}
			return paths
		}
	}
	if equality.Semantic.DeepEqual(before, after) {
		return nil
	}
	return []string{path}
}

func union(a, b map[string]any) map[string]any {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}
