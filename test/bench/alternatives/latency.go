package alternatives

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
	"github.com/rehome-operator/rehome/test/bench/table"
)

const restoreAnnotation = kubeblocks.AnnotationRestoreFromBackup

// latencySize is the size of the benchmark of latencies.
type latencySize struct {
	// bytes are the approximate sizes of the Clusters.
	bytes           []int
	samples, warmUp int
}

// sample is a Cluster that is restored, and the Backup of its source, both with a field of some bytes.
type sample struct {
	namespace, name string
	padding         int
}

func (s sample) make(name, source string) *rehometesting.ClusterWrapper {
	return rehometesting.MakeCluster(rehometesting.V10(), s.namespace, name).Spec(map[string]any{
		"terminationPolicy": "Delete",
		"componentSpecs": []any{map[string]any{
			"name": component, "replicas": int64(3), "schedulingPolicy": rehometesting.Apart(source), "env": padding(s.padding),
		}},
	})
}

// padding is a list of small objects, as large Clusters have it.
func padding(bytes int) []any {
	const each = 100
	list := make([]any, 0, bytes/each)
	for i := range bytes / each {
		list = append(list, map[string]any{"name": fmt.Sprintf("VARIABLE_%06d", i), "value": strings.Repeat("x", each-36)})
	}
	return list
}

func (s sample) cluster() *unstructured.Unstructured {
	return s.make(s.name, "my1").RestoredFrom(component, s.name).Obj()
}

func (s sample) backup() *unstructured.Unstructured {
	return rehometesting.MakeBackup(s.namespace, s.name).Of(s.make("my1", "my1").Obj()).Obj()
}

// latencies are the times of one size: of creates by Namespace, and of what Rehome's goal is made of.
type latencies struct {
	creates     map[string][]time.Duration
	decode, get []time.Duration
}

// latency measures creates of Clusters in dry runs, so that the store adds nothing. The Namespaces alternate, so that other load on the
// machine affects all.
func (e *serverEnv) latency(ctx context.Context, size latencySize) ([]table.Row, error) {
	var rows []table.Row
	for i, bytes := range size.bytes {
		measured := &latencies{creates: map[string][]time.Duration{}}
		samples, err := e.samples(ctx, fmt.Sprintf("kiwi%d", i), bytes)
		if err != nil {
			return rows, err
		}
		e.Stepf("admission: create a Cluster of %d KiB %d times in each Namespace", bytes>>10, size.samples)
		for n := range size.warmUp + size.samples {
			if n == size.warmUp {
				measured = &latencies{creates: map[string][]time.Duration{}}
			}
			if err := e.measure(ctx, measured, samples, n); err != nil {
				return rows, err
			}
		}
		rows = append(rows, measured.rows(bytes)...)
	}
	return rows, nil
}

// samples creates the Backups of one Cluster in each Namespace, and waits until the webhook answers.
func (e *serverEnv) samples(ctx context.Context, name string, bytes int) ([]sample, error) {
	labels := map[string]map[string]string{policyNamespace: policyLabels()}
	var all []sample
	for _, namespace := range []string{plainNamespace, policyNamespace, webhookNamespace, floorNamespace, readingFloorNamespace} {
		if err := createNamespace(ctx, e.client, namespace, labels[namespace]); err != nil {
			return nil, err
		}
		s := sample{namespace: namespace, name: name, padding: bytes}
		if err := e.client.Create(ctx, s.backup()); err != nil {
			return nil, fmt.Errorf("create a Backup: %w", err)
		}
		all = append(all, s)
	}
	for _, namespace := range []string{webhookNamespace, floorNamespace, readingFloorNamespace} {
		if err := e.awaitWebhook(ctx, namespace); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (e *serverEnv) measure(ctx context.Context, measured *latencies, samples []sample, round int) error {
	for i := range samples {
		s := samples[(i+round)%len(samples)]
		cluster := s.cluster()
		begun := time.Now()
		if err := e.client.Create(ctx, cluster, client.DryRunAll); err != nil {
			return fmt.Errorf("create a Cluster in Namespace %s: %w", s.namespace, err)
		}
		measured.creates[s.namespace] = append(measured.creates[s.namespace], time.Since(begun))
	}
	data, err := json.Marshal(samples[0].cluster())
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := json.Unmarshal(data, &map[string]any{}); err != nil {
		return err
	}
	measured.decode = append(measured.decode, time.Since(begun))

	begun = time.Now()
	if err := e.getBackup(ctx, samples[0].namespace, samples[0].name); err != nil {
		return err
	}
	measured.get = append(measured.get, time.Since(begun))
	return nil
}

// getBackup reads the metadata of a Backup.
func (e *serverEnv) getBackup(ctx context.Context, namespace, name string) error {
	backup := &metav1.PartialObjectMetadata{}
	backup.SetGroupVersionKind(kubeblocks.DataProtectionV1alpha1.WithKind("Backup"))
	if err := e.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, backup); err != nil {
		return fmt.Errorf("get a Backup: %w", err)
	}
	return nil
}

func (l *latencies) rows(bytes int) []table.Row {
	prefix := fmt.Sprintf("Cluster of %d KiB: ", bytes>>10)
	added := func(namespace string, percent float64) float64 {
		return percentile(l.creates[namespace], percent) - percentile(l.creates[plainNamespace], percent)
	}
	row := func(percent float64, against, namespace string) table.Row {
		return table.Row{
			Section: admissionSection, What: fmt.Sprintf("%sadded to a create, p%.0f", prefix, percent), Unit: "ms",
			Rehome: added(webhookNamespace, percent), Against: against, Other: added(namespace, percent),
			Note: fmt.Sprintf("a create without either: %.2f ms; samples: %d", percentile(l.creates[plainNamespace], percent), len(l.decode)),
		}
	}
	const policy, reading = "MutatingAdmissionPolicy", "a webhook that reads the Backup and repeats the answer"
	goal := row(99, "2 x decode + one GET of the Backup", floorNamespace)
	goal.Goal, goal.Other = "ratio <= 1", 2*percentile(l.decode, 99)+percentile(l.get, 99)
	goal.Note = fmt.Sprintf("decode %.2f ms, GET %.2f ms, both p99; a webhook that repeats the answer adds %.2f ms, and %.2f ms if it reads the Backup",
		percentile(l.decode, 99), percentile(l.get, 99), added(floorNamespace, 99), added(readingFloorNamespace, 99))
	return []table.Row{
		row(50, policy, policyNamespace), row(50, reading, readingFloorNamespace),
		row(99, policy, policyNamespace), row(99, reading, readingFloorNamespace), goal,
	}
}

// percentile returns, in milliseconds, the smallest time that at least the given percentage of times does not exceed.
func percentile(times []time.Duration, percent float64) float64 {
	sorted := slices.Sorted(slices.Values(times))
	rank := int(math.Ceil(percent / 100 * float64(len(sorted))))
	return float64(sorted[max(rank, 1)-1]) / float64(time.Millisecond)
}
