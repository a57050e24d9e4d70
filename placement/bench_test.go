package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/manifest"
	"github.com/rehome-operator/rehome/pkg/placement"
	"github.com/rehome-operator/rehome/pkg/rewrite"
	"github.com/rehome-operator/rehome/placement/scheduler"
)

// How many Pods are explained at once, and how many are restored.
const (
	waitingPods  = 30
	restoredPods = 100
)

// sizes are the numbers of nodes, with 30 Pods each.
var sizes = []int{100, 1000, 5000}

// stale is what a rewrite finds of the Pods' only rule.
var stale = []rewrite.Finding{{
	Path:  "/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/0",
	Class: rewrite.SourceIdentity, Required: true,
}}

// BenchmarkExplain explains 30 Pods that a stale rule refuses.
func BenchmarkExplain(b *testing.B) {
	for _, nodes := range sizes {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			w, subjects := crowd(nodes)
			besideTheSamePasses(b, func(newScheduler placement.NewScheduler) {
				waiting, err := placement.Explain(b.Context(), w, newScheduler, subjects, placement.Options{})
				if err != nil || len(waiting) != 1 || waiting[0].Cause.Kind != placement.CauseStaleRule {
					b.Fatalf("%d reasons, %v", len(waiting), err)
				}
			})
		})
	}
}

// BenchmarkPreflight asks whether a restore of 100 Pods with a volume each would fit: not alone, and with Rehome.
func BenchmarkPreflight(b *testing.B) {
	for _, nodes := range sizes {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			in := restoreInto(b, nodes)
			besideTheSamePasses(b, func(newScheduler placement.NewScheduler) {
				in.NewScheduler = newScheduler
				report, err := placement.Preflight(b.Context(), in)
				if err != nil || report.Fits != placement.Yes || report.Alone.Fits || len(report.Rehomed.Nodes) != restoredPods {
					b.Fatalf("%+v, %v", report, err)
				}
			})
		})
	}
}

// alone can be turned off to measure the memory of a command, which would have two Schedulers otherwise.
var alone = flag.Bool("alone", true, "measure the calls of the Scheduler alone, too")

// besideTheSamePasses measures a command, and then the same calls of the Scheduler alone. The metric x-alone is the ratio of the two.
func besideTheSamePasses(b *testing.B, command func(placement.NewScheduler)) {
	b.Helper()
	var took, again time.Duration
	var passes int
	for b.Loop() {
		var made []*recorder
		began := time.Now()
		command(func(ctx context.Context, w *placement.World) (placement.Scheduler, error) {
			s, err := scheduler.New(ctx, w)
			made = append(made, &recorder{Scheduler: s, world: w})
			return made[len(made)-1], err
		})
		took += time.Since(began)
		passes = 0
		for _, r := range made {
			passes += r.passes
			if r.Scheduler = nil; *alone {
				again += r.repeat(b)
			}
		}
	}
	b.ReportMetric(float64(passes), "passes")
	b.ReportMetric(float64(took.Milliseconds())/float64(b.N), "ms")
	if *alone {
		b.ReportMetric(float64(again.Milliseconds())/float64(b.N), "alone-ms")
		b.ReportMetric(float64(took)/float64(again), "x-alone")
	}
}

// recorder remembers the calls of a Scheduler.
type recorder struct {
	placement.Scheduler
	world *placement.World
	calls []func(context.Context, placement.Scheduler) error
	// passes are those calls that ask all plugins about a Pod.
	passes int
}

func (r *recorder) Filter(ctx context.Context, pod *corev1.Pod) ([]placement.Verdict, error) {
	r.passes++
	r.calls = append(r.calls, func(ctx context.Context, s placement.Scheduler) error {
		_, err := s.Filter(ctx, pod)
		return err
	})
	return r.Scheduler.Filter(ctx, pod)
}

func (r *recorder) Pick(ctx context.Context, pod *corev1.Pod) (string, error) {
	r.passes++
	r.calls = append(r.calls, func(ctx context.Context, s placement.Scheduler) error {
		_, err := s.Pick(ctx, pod)
		return err
	})
	return r.Scheduler.Pick(ctx, pod)
}

func (r *recorder) Assume(pod *corev1.Pod, node string) error {
	r.calls = append(r.calls, func(_ context.Context, s placement.Scheduler) error { return s.Assume(pod, node) })
	return r.Scheduler.Assume(pod, node)
}

func (r *recorder) Forget(pod *corev1.Pod) error {
	r.calls = append(r.calls, func(_ context.Context, s placement.Scheduler) error { return s.Forget(pod) })
	return r.Scheduler.Forget(pod)
}

// repeat makes the same calls of a new Scheduler, and nothing else.
func (r *recorder) repeat(b *testing.B) time.Duration {
	b.Helper()
	began := time.Now()
	s, err := scheduler.New(b.Context(), r.world)
	if err != nil {
		b.Fatal(err)
	}
	for _, call := range r.calls {
		if err := call(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began)
}

// crowd is nodes with 30 Pods each, one of them the source's, and 30 Pods that must not be on a node with one of the source's.
func crowd(nodes int) (*placement.World, []placement.Subject) {
	packer := placement.NewPacker()
	w := &placement.World{Namespaces: []corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "default"}}}}
	all := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("64"), corev1.ResourceMemory: resource.MustParse("256Gi"), corev1.ResourcePods: resource.MustParse("110"),
	}
	for i := range nodes {
		name := fmt.Sprintf("node-%d", i)
		w.Nodes = append(w.Nodes, corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name, corev1.LabelTopologyZone: fmt.Sprint(i % 3)}},
			Status:     corev1.NodeStatus{Allocatable: all},
		})
		for j := range 30 {
			cluster := fmt.Sprintf("other-%d", (i+j)%500)
			if j == 0 {
				cluster = "my1"
			}
			pod := newPod(fmt.Sprintf("pod-%d-%d", i, j), cluster)
			pod.UID = types.UID(pod.Name)
			runOn(pod, name)
			pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}
			if j%5 == 1 {
				pod.Spec.Affinity = apartFrom(cluster)
			}
			w.Pods = append(w.Pods, packer.Pack(pod))
		}
	}
	var subjects []placement.Subject
	for i := range waitingPods {
		pod := newPod(fmt.Sprintf("carrot67-%d", i), "carrot67")
		pod.Spec.Affinity = apartFrom("my1")
		rewritten := pod.DeepCopy()
		rewritten.Spec.Affinity = apartFrom("carrot67")
		subjects = append(subjects, placement.Subject{Pod: pod, Kind: "restore Pod", Rewritten: rewritten, Findings: stale})
	}
	return w, subjects
}

// restoreInto is a restore of 100 Pods of my1 into a crowd.
func restoreInto(b *testing.B, nodes int) placement.PreflightInput {
	b.Helper()
	const class, driver = "zonal", "zonal.example.com"
	w, _ := crowd(nodes)
	w.Classes = []storagev1.StorageClass{{
		ObjectMeta: metav1.ObjectMeta{Name: class}, Provisioner: driver, VolumeBindingMode: ptr.To(storagev1.VolumeBindingWaitForFirstConsumer),
	}}
	for i := range w.Nodes {
		w.CSINodes = append(w.CSINodes, storagev1.CSINode{
			ObjectMeta: metav1.ObjectMeta{Name: w.Nodes[i].Name},
			Spec:       storagev1.CSINodeSpec{Drivers: []storagev1.CSINodeDriver{{Name: driver, TopologyKeys: []string{corev1.LabelTopologyZone}}}},
		})
	}
	rules, err := json.Marshal(apartFrom("my1"))
	if err != nil {
		b.Fatal(err)
	}
	snapshot := fmt.Appendf(nil, `{"metadata":{"name":"my1","namespace":"default"},"spec":{"componentSpecs":[{"name":"mysql","replicas":%d,`+
		`"schedulingPolicy":{"affinity":%s},"volumeClaimTemplates":[{"name":"data","spec":{"accessModes":["ReadWriteOnce"],`+
		`"storageClassName":%q,"resources":{"requests":{"storage":"1Gi"}}}}]}]}}`, restoredPods, rules, class)
	source, err := kubeblocks.SourceOfSnapshot(snapshot)
	if err != nil {
		b.Fatal(err)
	}
	return placement.PreflightInput{World: w, Manifest: manifest.Input{
		Snapshot: snapshot, Source: source,
		Backup:  &manifest.Backup{Namespace: "default", Name: "bp1", Phase: "Completed", Labels: map[string]string{kubeblocks.LabelComponentName: "mysql"}},
		Target:  rewrite.Identity{Namespace: "default", Name: "carrot67"},
		Options: manifest.Options{Version: kubeblocks.V10},
	}}
}
