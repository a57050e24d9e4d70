package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/pkg/placement"
	"github.com/rehome-operator/rehome/pkg/rewrite"
	"github.com/rehome-operator/rehome/placement/scheduler"
)

// waitingPods is how many Pods are explained at once.
const waitingPods = 30

// recorder remembers which Pods a Scheduler is asked about.
type recorder struct {
	placement.Scheduler
	filtered, picked []*corev1.Pod
}

func (r *recorder) Filter(ctx context.Context, pod *corev1.Pod) ([]placement.Verdict, error) {
	r.filtered = append(r.filtered, pod)
	return r.Scheduler.Filter(ctx, pod)
}

func (r *recorder) Pick(ctx context.Context, pod *corev1.Pod) (string, error) {
	r.picked = append(r.picked, pod)
	return r.Scheduler.Pick(ctx, pod)
}

// stale is what a rewrite finds of the Pods' only rule.
var stale = []rewrite.Finding{{
	Path:  "/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/0",
	Class: rewrite.SourceIdentity, Required: true,
}}

// BenchmarkExplain explains 30 Pods that a stale rule refuses, and asks the same Scheduler about the same Pods alone. The metric x-alone
// is the ratio of the two.
func BenchmarkExplain(b *testing.B) {
	for _, nodes := range []int{100, 1000, 5000} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			w, subjects := crowd(nodes)
			var explained, alone time.Duration
			var passes int
			for b.Loop() {
				ctx := b.Context()
				var r *recorder
				began := time.Now()
				waiting, err := placement.Explain(ctx, w, func(ctx context.Context, w *placement.World) (placement.Scheduler, error) {
					s, err := scheduler.New(ctx, w)
					r = &recorder{Scheduler: s}
					return r, err
				}, subjects, placement.Options{})
				explained += time.Since(began)
				if err != nil || len(waiting) != 1 || waiting[0].Cause.Kind != placement.CauseStaleRule {
					b.Fatalf("%d reasons, %v", len(waiting), err)
				}
				alone += askAgain(b, w, r)
				passes = len(r.filtered) + len(r.picked)
			}
			b.ReportMetric(float64(passes), "passes")
			b.ReportMetric(float64(explained.Milliseconds())/float64(b.N), "explain-ms")
			b.ReportMetric(float64(alone.Milliseconds())/float64(b.N), "alone-ms")
			b.ReportMetric(float64(explained)/float64(alone), "x-alone")
		})
	}
}

// askAgain makes the same passes through a new Scheduler, and nothing else.
func askAgain(b *testing.B, w *placement.World, r *recorder) time.Duration {
	b.Helper()
	began := time.Now()
	s, err := scheduler.New(b.Context(), w)
	if err != nil {
		b.Fatal(err)
	}
	for _, pod := range r.filtered {
		if _, err := s.Filter(b.Context(), pod); err != nil {
			b.Fatal(err)
		}
	}
	for _, pod := range r.picked {
		node, err := s.Pick(b.Context(), pod)
		if err != nil {
			b.Fatal(err)
		}
		if node != "" {
			if err := s.Assume(pod, node); err != nil {
				b.Fatal(err)
			}
		}
	}
	return time.Since(began)
}

// crowd is nodes with 30 Pods each, one of them the source's, and 30 Pods that must not be on a node with one of the source's.
func crowd(nodes int) (*placement.World, []placement.Subject) {
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
			w.Pods = append(w.Pods, *pod)
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
