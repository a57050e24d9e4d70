package controllers_test

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// inMemory runs specs beside KubeBlocks 1.0, on an API server in memory: hundreds of objects take seconds on a real one.
func inMemory(text string, specs func(e *env)) bool { //nolint:unparam // as besideKubeBlocks
	return Describe(text, func() {
		e := &env{}
		BeforeEach(func() {
			run, _ := newMemoryRun(rehometesting.V10())
			*e = run.env
			e.reconciler = e.newReconciler()
		})
		specs(e)
	})
}

// allocated returns how many bytes a reconcile allocates.
func (e *env) allocated() uint64 {
	GinkgoHelper()
	e.unobserved = true
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	e.reconcile()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// KubeBlocks copies what a Cluster asks for into its Components before it validates it.
var _ = inMemory("The Pods that a Component asks for", func(e *env) {
	const budget = 64 << 20
	manyRules := func(n int) map[string]any {
		return map[string]any{"affinity": map[string]any{"podAntiAffinity": map[string]any{
			"requiredDuringSchedulingIgnoredDuringExecution": slices.Repeat([]any{apartFrom(source)}, n),
		}}}
	}
	staleWith := func(policy map[string]any, replicas int) *stuckRestore {
		GinkgoHelper()
		h := e.stuckRestore(clusterStale)
		for _, object := range []*unstructured.Unstructured{h.source, h.cluster} {
			e.merge(object, `{"spec":{"componentSpecs":[{"name":"mysql","schedulingPolicy":`+asJSON(policy)+`}]}}`)
		}
		e.merge(h.backup, `{"metadata":{"annotations":{"`+kubeblocks.AnnotationClusterSnapshot+`":`+asJSON(asJSON(snapshotOf(e.now(h.source))))+`}}}`)
		e.merge(h.component, fmt.Sprintf(`{"spec":{"replicas":%d,"schedulingPolicy":%s}}`, replicas, asJSON(policy)))
		return h
	}
	staysStale := func(h *stuckRestore, tooMuch string) {
		GinkgoHelper()
		before := e.now(h.cluster).Object["spec"]
		Expect(e.allocated()).To(BeNumerically("<", budget))
		Expect(e.allocated()).To(BeNumerically("<", budget))
		Expect(e.now(h.cluster).Object["spec"]).To(Equal(before))
		Expect(e.reported(v1alpha1.ConditionReady)).To(HaveValue(SatisfyAll(say(metav1.ConditionFalse, v1alpha1.ReasonVolumesBound),
			HaveField("Message", ContainSubstring(tooMuch)))))
		Expect(e.condition(h.restore)).To(SatisfyAll(say(metav1.ConditionFalse, v1alpha1.ReasonVolumesBound),
			HaveField("Message", ContainSubstring(tooMuch))))
	}

	It("take little memory beside a bound volume, and the report says that they are too many", Serial, func() {
		h := staleWith(rehometesting.Apart(source), math.MaxInt32)
		e.claim(0, corev1.LabelHostname, e.node("n1", "a"))

		staysStale(h, "the Components ask for more than 1000 Pods")
	})

	It("take little memory without a bound volume, and the Cluster is rewritten", Serial, func() {
		staleWith(rehometesting.Apart(source), math.MaxInt32)
		e.claim(0, "", "")

		Expect(e.allocated()).To(BeNumerically("<", budget))
		Expect(e.writes).To(Equal([]string{"patch Cluster carrot67"}))
	})

	It("take little memory with many rules each, and the report says so", Serial, func() {
		h := staleWith(manyRules(500), 1000)
		e.claim(0, corev1.LabelHostname, e.node("n1", "a"))

		staysStale(h, "the database Pods have too many scheduling rules together")
	})

	It("are judged with up to a number of volumes, whether these exist or not", func() {
		h := staleWith(rehometesting.Apart(source), 3)
		for i := range 501 {
			e.componentClaim("mysql", fmt.Sprintf("mysql-%d", i), fmt.Sprintf("invented-%d", i))
		}

		staysStale(h, "the Cluster has more than 500 bound volume claims")
		Expect(e.reads["get PersistentVolume"]).To(Equal(500))
	})
})

// Each claim is read by a request of its own, and a Pod can name thousands.
var _ = inMemory("The volume claims of a Pod", func(e *env) {
	const many, read = 700, "get PersistentVolumeClaim"
	claimed := func(spec *corev1.PodSpec) {
		for i := range many {
			name := fmt.Sprintf("claim-%d", i)
			spec.Volumes = append(spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name},
			}})
		}
	}

	It("are read up to a number where a Pod of a Job failed, and its Restore is kept", func() {
		h := e.stuckRestore(clusterRewritten)
		e.remove(h.pod, h.job)
		for _, name := range []string{"restore-preparedata-1", "restore-preparedata-2"} {
			job := rehometesting.MakeJob(h.restore, name).Failed().Obj()
			claimed(&job.Spec.Template.Spec)
			e.create(job)
			e.create(rehometesting.MakeRestorePod(h.restore, name+"-x7k2p").Of(job).Unschedulable(unschedulable).Obj())
		}

		e.reconcile()

		Expect(e.reads[read]).To(Equal(500))
		Expect(e.writes).NotTo(ContainElement(HavePrefix("delete")))
	})

	It("are read up to a number where Jobs of the same Restore are re-created", func() {
		h := e.stuckRestore(clusterRewritten)
		restore, jobs := e.outdatedJobs(h, 3)
		failed := rehometesting.MakeJob(restore, "restore-preparedata-failed").Failed().Obj()
		claimed(&failed.Spec.Template.Spec)
		e.create(failed)

		e.reconcile()

		Expect(e.reads[read]).To(Equal(500))
		Expect(e.deletedJobs()).To(Equal(jobs))
	})

	It("are read once more, one for each delete, where the re-created Jobs have failed Pods", func() {
		const shared = 500
		h := e.stuckRestore(clusterRewritten)
		_, jobs := e.outdatedJobs(h, 3, func(w *rehometesting.JobWrapper) {
			w.Failed()
			for i := range shared {
				w.Claim(fmt.Sprintf("claim-%d", i))
			}
		})
		last := makeClaim(e.namespace, fmt.Sprintf("claim-%d", shared-1))
		last.Status.Phase = corev1.ClaimPending
		e.create(last)

		e.reconcile()

		Expect(e.deletedJobs()).To(Equal(jobs))
		Expect(e.reads[read]).To(Equal(shared + 2*len(jobs)))
	})

	DescribeTable("are read once more: a Job is kept whose claim has a volume by then", func(reads int, writes []string) {
		h := e.stuckRestore(clusterRewritten)
		e.outdatedJobs(h, 1, func(w *rehometesting.JobWrapper) { w.Failed().Claim("claim-0") })
		claim := makeClaim(e.namespace, "claim-0")
		claim.Status.Phase = corev1.ClaimPending
		e.create(claim)
		e.before[fmt.Sprintf("%s %d", read, reads)] = func() { e.merge(claim, `{"spec":{"volumeName":"pv-0"}}`) }

		e.reconcile()

		Expect(e.before).To(BeEmpty())
		Expect(e.writes[1:]).To(Equal(writes), "the first records the attempt")
	},
		Entry("before the finalizer is removed", 2, []string{}),
		Entry("before the delete", 3, []string{"patch Job restore-preparedata-000"}),
	)

	It("are read up to a number in mode Auto, and its rules stay", func() {
		h := e.stuckRestore(clusterRewritten)
		e.remove(h.pod, h.job, h.restore)
		e.reconciler.Config.RestorePods = configv1alpha1.Auto
		restore := rehometesting.MakeRestore(e.namespace, h.restore.GetName()).Of(h.component).Backup(backup).Policy(rehometesting.Apart(target)).Obj()
		e.create(restore)
		job := rehometesting.MakeJob(restore, "restore-preparedata-1").Obj()
		e.create(job)
		pod := rehometesting.MakeRestorePod(restore, "restore-preparedata-1-x7k2p").Of(job).Unschedulable(unschedulable).Obj()
		claimed(&pod.Spec)
		e.create(pod)
		volume := makeVolume(corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/data"}})
		Expect(e.admin.Create(e.ctx, volume)).To(Succeed())
		for i := range many {
			claim := makeClaim(e.namespace, fmt.Sprintf("claim-%d", i))
			claim.Spec.VolumeName = volume.Name
			Expect(e.admin.Create(e.ctx, claim)).To(Succeed())
		}

		e.reconcile()

		Expect(e.reads[read]).To(Equal(500))
		Expect(e.writes).NotTo(ContainElement("patch Restore " + restore.GetName()))
	})

	It("are read up to a number where the database has no node, and the report says that there are more", func() {
		h := e.stuckRestore(clusterRewritten)
		e.mergeStatus(h.restore, `{"status":{"phase":"Completed"}}`)
		set := rehometesting.MakeInstanceSet(e.generation, h.component).Replicas(1).OnDelete().Obj()
		e.create(set)
		stale := rehometesting.MakeInstanceSet(e.generation, rehometesting.MakeComponent(h.cluster, "mysql").Policy(rehometesting.Apart(source)).Obj()).Obj()
		pod := rehometesting.MakeDatabasePod(h.component, "carrot67-mysql-0").Of(set).Rules(stale, "spec", "template", "spec").
			Unschedulable(unschedulable).Obj()
		claimed(&pod.Spec)
		e.create(pod)

		e.reconcile()

		Expect(e.reads[read]).To(Equal(500))
		Expect(e.writes).NotTo(ContainElement(HavePrefix("delete")))
		Expect(e.reported(v1alpha1.ConditionReady)).To(HaveValue(SatisfyAll(say(metav1.ConditionFalse, v1alpha1.ReasonVolumesBound),
			HaveField("Message", ContainSubstring("the Pods have more than 500 volume claims")))))
	})
})

// outdatedJobs replaces the Restore of a stuckRestore by one with rewritten rules. Its Jobs were created from the stale rules, and
// the scheduler finds no node for their Pods.
func (e *env) outdatedJobs(h *stuckRestore, count int, change ...func(*rehometesting.JobWrapper)) (restore *unstructured.Unstructured, jobs []string) {
	GinkgoHelper()
	e.remove(h.pod, h.job, h.restore)
	restore = rehometesting.MakeRestore(e.namespace, h.restore.GetName()).Of(h.component).Backup(backup).Policy(rehometesting.Apart(target)).Obj()
	e.create(restore)
	for i := range count {
		w := rehometesting.MakeJob(restore, fmt.Sprintf("restore-preparedata-%03d", i)).Rules(h.restore)
		for _, c := range change {
			c(w)
		}
		job := w.Obj()
		e.create(job)
		e.create(rehometesting.MakeRestorePod(restore, job.Name+"-x7k2p").Of(job).Unschedulable(unschedulable).Obj())
		jobs = append(jobs, job.Name)
	}
	return restore, jobs
}

// deletedJobs returns the names of the Jobs that the last reconcile deleted.
func (e *env) deletedJobs() []string {
	var names []string
	for _, write := range e.writes {
		if name, ok := strings.CutPrefix(write, "delete Job "); ok {
			names = append(names, name)
		}
	}
	return names
}

// Before each delete of a Job, all Pods of the cluster are listed.
var _ = inMemory("The Jobs that are re-created", func(e *env) {
	const many, batch = 60, 25
	recreating := func(jobs int) {
		GinkgoHelper()
		Expect(e.reported(v1alpha1.ConditionReady)).To(HaveValue(SatisfyAll(say(metav1.ConditionFalse, v1alpha1.ReasonRecreatingJobs),
			HaveField("Message", ContainSubstring(fmt.Sprintf("(%d)", jobs))))))
	}

	It("are so many in a reconcile, and the next ones continue their attempt", func() {
		h := e.stuckRestore(clusterRewritten)
		_, jobs := e.outdatedJobs(h, many)

		Expect(e.reconcile().RequeueAfter).To(Equal(time.Second))
		Expect(e.deletedJobs()).To(Equal(jobs[:batch]))
		Expect(e.reads["list PodList"]).To(BeNumerically("<=", 2*batch+2))
		recreating(many)

		Expect(e.reconcile().RequeueAfter).To(Equal(time.Second))
		Expect(e.deletedJobs()).To(Equal(jobs[batch : 2*batch]))
		recreating(many - batch)

		e.reconcile()
		Expect(e.deletedJobs()).To(Equal(jobs[2*batch:]))

		e.reconcile()
		Expect(e.deletedJobs()).To(BeEmpty())
		Expect(e.rehoming().Status.Actions).To(HaveLen(1), "it is one attempt")
	})

	It("are so many of all Restores together", func() {
		h := e.stuckRestore(clusterRewritten)
		e.outdatedJobs(h, batch-1)
		_, other := e.restoring(h.cluster, "proxy", rehometesting.Apart(target), rehometesting.Apart(target))
		var jobs []string
		for i := range 2 {
			job := rehometesting.MakeJob(other, fmt.Sprintf("restore-proxy-%d", i)).Rules(h.restore).Obj()
			e.create(job)
			e.create(rehometesting.MakeRestorePod(other, job.Name+"-x7k2p").Of(job).Unschedulable(unschedulable).Obj())
			jobs = append(jobs, job.Name)
		}

		e.reconcile()
		Expect(e.deletedJobs()).To(HaveLen(batch))
		e.reconcile()
		Expect(e.deletedJobs()).To(Equal(jobs[1:]))
		e.reconcile()
		Expect(e.rehoming().Status.Actions).To(HaveLen(2), "it is one attempt for each Restore")
	})

	It("go on without one that the scheduler had not refused at the beginning", func() {
		h := e.stuckRestore(clusterRewritten)
		restore, jobs := e.outdatedJobs(h, many)
		late := rehometesting.MakeJob(restore, "restore-preparedata-late").Rules(h.restore).Obj()
		e.create(late)
		pod := rehometesting.MakeRestorePod(restore, "restore-preparedata-late-x7k2p").Of(late).Pending().Obj()
		e.create(pod)
		e.reconcile()
		refused := rehometesting.MakeRestorePod(restore, "restore-preparedata-late-x7k2p").Unschedulable(unschedulable).Obj()
		pod.Status = refused.Status
		Expect(e.admin.Status().Update(e.ctx, pod)).To(Succeed())

		e.reconcile()
		Expect(e.deletedJobs()).To(Equal(jobs[batch : 2*batch]))
		e.reconcile()
		Expect(e.deletedJobs()).To(Equal(jobs[2*batch:]))

		e.clock.Step(e.reconcile().RequeueAfter)
		e.reconcile()
		Expect(e.deletedJobs()).To(Equal([]string{late.Name}), "it is another attempt")
	})
})

// Beside each Pod without a node, the Pods of its InstanceSet are counted.
var _ = inMemory("The database Pods without a node", func(e *env) {
	It("take memory by their number", Serial, func() {
		const many, each = 500, 64 << 10
		h := e.stuckRestore(clusterRewritten)
		e.mergeStatus(h.restore, `{"status":{"phase":"Completed"}}`)
		set := rehometesting.MakeInstanceSet(e.generation, h.component).Replicas(many).Obj()
		e.create(set)
		stale := rehometesting.MakeInstanceSet(e.generation, rehometesting.MakeComponent(h.cluster, "mysql").Policy(rehometesting.Apart(source)).Obj()).Obj()
		for i := range many {
			e.create(rehometesting.MakeDatabasePod(h.component, fmt.Sprintf("carrot67-mysql-%d", i)).Of(set).
				Rules(stale, "spec", "template", "spec").Unschedulable(unschedulable).Obj())
		}

		Expect(e.allocated()).To(BeNumerically("<", many*each))
		Expect(e.writes).NotTo(ContainElement(HavePrefix("delete")), "KubeBlocks replaces them itself once all exist")
	})
})

// Each rule of a Restore is compared with each database Pod whose volume could be in the way.
var _ = inMemory("The rules of Restores", func(e *env) {
	It("are compared with the volumes up to a limit, and a Restore beyond it is kept", func() {
		h := e.stuckRestore(clusterRewritten)
		e.merge(h.component, `{"spec":{"replicas":1000}}`)
		e.claim(0, corev1.LabelHostname, e.node("n1", "a"))
		e.node("n2", "a")
		many := rehometesting.Apart(source)
		ofMySQL := map[string]any{"topologyKey": "zone", "labelSelector": map[string]any{"matchLabels": map[string]any{kubeblocks.LabelComponentName: "mysql"}}}
		Expect(unstructured.SetNestedField(many, append(requiredTerms(many), slices.Repeat([]any{ofMySQL}, 4000)...),
			"affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")).To(Succeed())
		for _, name := range []string{"carrot67-a", "carrot67-b"} {
			e.create(rehometesting.MakeRestore(e.namespace, name).Of(h.component).Backup(backup).Policy(many).Obj())
		}

		e.reconcile()

		Expect(e.writes).NotTo(ContainElement(HavePrefix("delete")))
		e.reconcile()
		Expect(e.condition(h.restore)).To(SatisfyAll(say(metav1.ConditionFalse, v1alpha1.ReasonVolumesBound),
			HaveField("Message", ContainSubstring("the Cluster has more Pods, nodes or rules than are checked"))))
	})
})
