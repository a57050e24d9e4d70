package operator

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// settled is how long nothing may change where nothing should.
const settled = 3 * time.Second

// refusedByRules is what the scheduler says of a stuck Pod.
const refusedByRules = "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules."

// upgradedRestores are restores of one namespace, one in each state, that KubeBlocks 1.0 or 1.1 left when it was upgraded.
type upgradedRestores struct {
	admin     client.Client
	namespace string
	// fresh has no Restore, stuck one that never started, half one with a Job that did, begun one whose rules are being replaced,
	// and done one that has completed, and a running database.
	fresh, stuck, half, begun, done *unstructured.Unstructured
	// started and waiting are the Jobs of half.
	started, waiting *batchv1.Job
}

// leaveRestores creates the restores in a new namespace with the mode Observe, so that they are all there before Rehome acts.
func leaveRestores(admin client.Client, g rehometesting.Generation, namespace string) *upgradedRestores {
	GinkgoHelper()
	u := &upgradedRestores{admin: admin, namespace: namespace}
	u.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: namespace, Annotations: map[string]string{v1alpha1.AnnotationMode: "Observe"},
	}})
	source := rehometesting.MakeCluster(g, namespace, "my1").Component("mysql", rehometesting.Apart("my1")).Obj()
	u.create(rehometesting.MakeBackup(namespace, "bp1").Of(source).Obj())
	restored := func(name, names string) *unstructured.Unstructured {
		cluster := rehometesting.MakeCluster(g, namespace, name).Component("mysql", rehometesting.Apart(names)).RestoredFrom("mysql", "bp1").Obj()
		u.create(cluster)
		return cluster
	}
	restoring := func(name string) (component, restore *unstructured.Unstructured) {
		component = rehometesting.MakeComponent(restored(name, name), "mysql").Policy(rehometesting.Apart(name)).Obj()
		u.create(component)
		restore = rehometesting.MakeRestore(namespace, name+"-mysql-preparedata").Of(component).Backup("bp1").Stale("my1").Obj()
		u.create(restore)
		return component, restore
	}
	u.fresh = restored("fresh", "my1")
	u.create(rehometesting.MakeComponent(u.fresh, "mysql").Policy(rehometesting.Apart("my1")).Obj())
	_, u.stuck = restoring("stuck")
	u.job(u.stuck, "")
	_, u.half = restoring("half")
	u.started, u.waiting = u.job(u.half, "node1"), u.job(u.half, "")
	_, u.begun = restoring("begun")
	next := `{"metadata":{"annotations":{"` + v1alpha1.AnnotationSchedulingSpec + `":"{\"nodeSelector\":{\"disk\":\"fast\"}}"}}}`
	for _, patch := range []string{next, `{"spec":{"prepareDataConfig":{"schedulingSpec":null}}}`} {
		Expect(admin.Patch(context.Background(), u.begun.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(patch)))).To(Succeed())
	}
	var component *unstructured.Unstructured
	component, u.done = restoring("done")
	completed := client.RawPatch(types.MergePatchType, []byte(`{"status":{"phase":"Completed"}}`))
	Expect(admin.Status().Patch(context.Background(), u.done.DeepCopy(), completed)).To(Succeed())
	set := rehometesting.MakeInstanceSet(g, component).Replicas(1).Obj()
	u.create(set)
	u.create(rehometesting.MakeDatabasePod(component, "done-mysql-0").Of(set).OnNode("node1").Obj())
	return u
}

func (u *upgradedRestores) create(obj client.Object) {
	GinkgoHelper()
	created := obj.DeepCopyObject().(client.Object)
	Expect(u.admin.Create(context.Background(), created)).To(Succeed())
	obj.SetUID(created.GetUID())
	if pod, ok := obj.(*corev1.Pod); ok {
		pod.ResourceVersion = created.GetResourceVersion()
		Expect(u.admin.Status().Update(context.Background(), pod)).To(Succeed())
	}
}

// job creates a Job of a Restore, and its Pod: on a node, or refused by the scheduler.
func (u *upgradedRestores) job(restore *unstructured.Unstructured, node string) *batchv1.Job {
	GinkgoHelper()
	name := "restore-preparedata-" + restore.GetName() + "-" + node
	job := rehometesting.MakeJob(restore, name+"0").Obj()
	u.create(job)
	pod := rehometesting.MakeRestorePod(restore, name+"x7k2p").Of(job).Unschedulable(refusedByRules)
	if node != "" {
		pod.OnNode(node)
	}
	u.create(pod.Obj())
	return job
}

// enforce has Rehome act.
func (u *upgradedRestores) enforce() {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: u.namespace}}
	mode := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"`+v1alpha1.AnnotationMode+`":"Enforce"}}}`))
	Expect(u.admin.Patch(context.Background(), namespace, mode)).To(Succeed())
}

// spec returns the spec of an object, or nil where it is gone or being deleted.
func (u *upgradedRestores) spec(obj *unstructured.Unstructured) func() (any, error) {
	return func() (any, error) {
		now := &unstructured.Unstructured{}
		now.SetGroupVersionKind(obj.GroupVersionKind())
		err := u.admin.Get(context.Background(), client.ObjectKeyFromObject(obj), now)
		if err != nil || now.GetDeletionTimestamp() != nil {
			return nil, client.IgnoreNotFound(err)
		}
		return now.Object["spec"], nil
	}
}

func (u *upgradedRestores) jobs() (map[string]bool, error) {
	var list batchv1.JobList
	err := u.admin.List(context.Background(), &list, client.InNamespace(u.namespace))
	jobs := map[string]bool{}
	for i := range list.Items {
		jobs[list.Items[i].Name] = list.Items[i].DeletionTimestamp.IsZero()
	}
	return jobs, err
}

// isFinished expects that the rules of begun are there again, in whatever mode and beside whatever KubeBlocks.
func (u *upgradedRestores) isFinished() {
	GinkgoHelper()
	Eventually(u.spec(u.begun)).WithTimeout(soon).Should(HaveKeyWithValue("prepareDataConfig",
		HaveKeyWithValue("schedulingSpec", Equal(map[string]any{"nodeSelector": map[string]any{"disk": "fast"}}))))
}

// areCured expects that Rehome acts as it did before the upgrade.
func (u *upgradedRestores) areCured(g rehometesting.Generation) {
	GinkgoHelper()
	done, err := u.spec(u.done)()
	Expect(err).NotTo(HaveOccurred())

	u.isFinished()
	u.enforce()

	rewritten := rehometesting.MakeCluster(g, u.namespace, "fresh").Component("mysql", rehometesting.Apart("fresh")).Obj()
	Eventually(u.spec(u.fresh)).WithTimeout(soon).Should(Equal(rewritten.Object["spec"]))
	Eventually(u.spec(u.stuck)).WithTimeout(soon).Should(BeNil(), "the Restore is deleted, so that KubeBlocks re-creates it")
	Eventually(u.spec(u.half)).WithTimeout(soon).Should(HaveKeyWithValue("prepareDataConfig",
		HaveKeyWithValue("schedulingSpec", Equal(rehometesting.Apart("half")))))
	Eventually(u.jobs).WithTimeout(soon).ShouldNot(HaveKeyWithValue(u.waiting.Name, true))
	Expect(u.jobs()).To(HaveKeyWithValue(u.started.Name, true))
	Expect(u.spec(u.done)()).To(Equal(done))
}

// areLeftAlone expects that Rehome changes nothing but begun: KubeBlocks 1.2 would not create again what is deleted.
func (u *upgradedRestores) areLeftAlone(reasonOf func(obj *unstructured.Unstructured, conditionType string) func() (string, error)) {
	GinkgoHelper()
	state := func() (any, error) {
		var all []any
		for _, obj := range []*unstructured.Unstructured{u.fresh, u.stuck, u.half, u.done} {
			spec, err := u.spec(obj)()
			if err != nil {
				return nil, err
			}
			all = append(all, spec)
		}
		jobs, err := u.jobs()
		return append(all, jobs), err
	}
	before, err := state()
	Expect(err).NotTo(HaveOccurred())

	u.isFinished()
	u.enforce()

	for _, name := range []string{"fresh", "stuck", "half", "begun"} {
		Eventually(reasonOf(u.rehoming(name), v1alpha1.ConditionReady)).WithTimeout(soon).Should(Equal(v1alpha1.ReasonRestoreIgnored))
	}
	Consistently(state).WithTimeout(settled).Should(Equal(before))
	Expect(reasonOf(u.rehoming("done"), v1alpha1.ConditionReady)()).NotTo(Equal(v1alpha1.ReasonRestoreIgnored), "its data was restored before")
}

func (u *upgradedRestores) rehoming(name string) *unstructured.Unstructured {
	rehoming := &unstructured.Unstructured{}
	rehoming.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("Rehoming"))
	rehoming.SetNamespace(u.namespace)
	rehoming.SetName(name)
	return rehoming
}

// storeV1 removes v1alpha1 from the versions that the definitions have stored, so that it can be dropped.
func storeV1(admin client.Client) {
	GinkgoHelper()
	for _, definition := range rehometesting.V12().CRDs() {
		if definition.Spec.Versions[0].Name == kubeblocks.AppsV1.Version {
			stored := client.RawPatch(types.MergePatchType, []byte(`{"status":{"storedVersions":["v1"]}}`))
			err := admin.Status().Patch(context.Background(), definition.DeepCopy(), stored)
			Expect(client.IgnoreNotFound(err)).To(Succeed()) // a new kind has no definition yet
		}
	}
}
