package controllers_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// deletes is about every delete that Rehome sends in the whole suite.
var deletes = &deleteRecorder{byKind: map[string]int{}}

// deleteRecorder counts deletes, and fails for each that hit a Pod of a restore Job, or an object with a Pod that was bound to a
// node. It shares no code with the product: a mistake there must not be repeated here.
type deleteRecorder struct {
	mu     sync.Mutex
	sent   int
	byKind map[string]int
	wrong  []string
}

// Rehome's client of every server is watched.
var _ = BeforeEach(func() {
	for _, s := range servers {
		if _, watched := s.rehome.(watchedClient); !watched {
			s.rehome = watchedClient{interceptor.NewClient(s.rehome, deletes.interception(s.admin))}
		}
	}
})

type watchedClient struct{ client.WithWatch }

func (d *deleteRecorder) interception(admin client.Client) interceptor.Funcs {
	return interceptor.Funcs{
		Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			harm := harmOf(ctx, admin, kindOf(c, obj), client.ObjectKeyFromObject(obj))
			err := c.Delete(ctx, obj, opts...)
			hit := err == nil
			d.record(kindOf(c, obj), hit)
			if hit && len(harm) > 0 {
				d.accuse(fmt.Sprintf("%s %s: %s", kindOf(c, obj), obj.GetName(), strings.Join(harm, ", ")))
			}
			return err
		},
		DeleteAllOf: func(_ context.Context, c client.WithWatch, obj client.Object, _ ...client.DeleteAllOfOption) error {
			d.accuse("a delete of every " + kindOf(c, obj))
			return nil
		},
	}
}

func (d *deleteRecorder) record(kind string, hit bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sent++
	if hit {
		d.byKind[kind]++
	}
}

func (d *deleteRecorder) accuse(wrong string) {
	d.mu.Lock()
	d.wrong = append(d.wrong, wrong)
	d.mu.Unlock()
	Fail("Rehome deleted what it must never delete: " + wrong)
}

// harmOf says what a delete of an object would destroy.
func harmOf(ctx context.Context, admin client.Client, kind string, key types.NamespacedName) []string {
	GinkgoHelper()
	var pods corev1.PodList
	Expect(admin.List(ctx, &pods, client.InNamespace(key.Namespace))).To(Succeed())
	var jobs batchv1.JobList
	Expect(admin.List(ctx, &jobs, client.InNamespace(key.Namespace))).To(Succeed())
	switch kind {
	case "Pod":
		return harmOfPod(pods.Items, key.Name)
	case "Job":
		jobs.Items = slices.DeleteFunc(jobs.Items, func(j batchv1.Job) bool { return j.Name != key.Name })
		return harmOfJobs(jobs.Items, pods.Items)
	case "Restore":
		ofRestore := func(labels map[string]string) bool { return labels["dataprotection.kubeblocks.io/restore"] == key.Name }
		jobs.Items = slices.DeleteFunc(jobs.Items, func(j batchv1.Job) bool { return !ofRestore(j.Labels) })
		stray := slices.DeleteFunc(slices.Clone(pods.Items), func(p corev1.Pod) bool {
			return !ofRestore(p.Labels) || slices.ContainsFunc(p.OwnerReferences, isJob)
		})
		return slices.Concat(harmOfRestore(ctx, admin, key), harmOfJobs(jobs.Items, pods.Items), boundOf(stray))
	default:
		return []string{"Rehome must never delete one"}
	}
}

func harmOfPod(pods []corev1.Pod, name string) []string {
	pods = slices.DeleteFunc(slices.Clone(pods), func(p corev1.Pod) bool { return p.Name != name })
	harm := boundOf(pods)
	for _, p := range pods {
		ofJob := slices.ContainsFunc(p.OwnerReferences, isJob)
		if _, ofRestore := p.Labels["dataprotection.kubeblocks.io/restore"]; ofJob || ofRestore {
			harm = append(harm, "is a Pod of a restore Job")
		}
	}
	return harm
}

func harmOfJobs(jobs []batchv1.Job, pods []corev1.Pod) []string {
	var harm []string
	for _, job := range jobs {
		if job.Status.Succeeded > 0 {
			harm = append(harm, "Job "+job.Name+" has succeeded")
		}
		own := slices.DeleteFunc(slices.Clone(pods), func(p corev1.Pod) bool {
			return len(p.OwnerReferences) == 0 || p.OwnerReferences[0].UID != job.UID
		})
		harm = append(harm, boundOf(own)...)
	}
	return harm
}

// harmOfRestore reads the status that KubeBlocks wrote, because the Pods can be gone.
func harmOfRestore(ctx context.Context, admin client.Client, key types.NamespacedName) []string {
	GinkgoHelper()
	restore := &unstructured.Unstructured{}
	restore.SetGroupVersionKind(kubeblocks.DataProtectionV1alpha1.WithKind("Restore"))
	if err := admin.Get(ctx, key, restore); err != nil {
		Expect(client.IgnoreNotFound(err)).To(Succeed())
		return nil
	}
	var harm []string
	actions, _, _ := unstructured.NestedSlice(restore.Object, "status", "actions", "prepareData")
	for _, a := range actions {
		action := a.(map[string]any)
		if status := action["status"]; status == "Completed" || status == "Failed" {
			harm = append(harm, fmt.Sprintf("%s has %s", action["objectKey"], status))
		}
	}
	if phase, _, _ := unstructured.NestedString(restore.Object, "status", "phase"); phase == "Completed" || phase == "Failed" {
		harm = append(harm, "is "+phase)
	}
	return harm
}

// boundOf names the Pods that have been bound to a node: the API server keeps that for good.
func boundOf(pods []corev1.Pod) []string {
	var harm []string
	for _, p := range pods {
		if p.Spec.NodeName != "" || p.Status.StartTime != nil {
			harm = append(harm, "Pod "+p.Name+" has been bound to a node")
		}
	}
	return harm
}

var _ = AfterSuite(func() {
	showf("observe", "%d reconciles in mode Observe, %d had something to write; nothing was refused", observed.Load(), wrote.Load())
	deletes.mu.Lock()
	defer deletes.mu.Unlock()
	AddReportEntry("deletes that Rehome sent", ReportEntryVisibilityAlways, fmt.Sprintf(
		"%d, each checked; those that took effect, by kind: %v; of a Pod of a restore Job, or of anything with a Pod that had been bound: %d",
		deletes.sent, deletes.byKind, len(deletes.wrong)))
	Expect(deletes.wrong).To(BeEmpty())
})
