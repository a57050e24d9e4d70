package placement

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/rehome-operator/rehome/pkg/placement"
	"github.com/rehome-operator/rehome/placement/scheduler"
	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/placement/worlds"
)

func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text, ok := os.LookupEnv(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s must be a number: %v", name, err)
	}
	return n
}

// counts are what was compared.
type counts struct {
	bound, refused, volumes, errors int
}

func (c counts) String() string {
	return fmt.Sprintf("%d Pods with a node, %d refused, %d with a node for their volume, %d errors", c.bound, c.refused, c.volumes, c.errors)
}

// The Scheduler says of each Pod what kube-scheduler says. SEED draws the same worlds again, WORLD only one of them.
func TestAgreesWithTheScheduler(t *testing.T) {
	t.Parallel() // Both tests mostly wait for their scheduler.
	seed := uint64(setting(t, "SEED", int(time.Now().UnixNano()%1_000_000)))
	only := setting(t, "WORLD", -1)
	e := startEnv(t)
	var all counts
	n := setting(t, "WORLDS", 25)
	for i := range n {
		if only >= 0 && i != only {
			continue
		}
		for _, difference := range e.play(t.Context(), worlds.Generate(rand.New(rand.NewPCG(seed, uint64(i))), i), &all) {
			t.Errorf("SEED=%d WORLD=%d: %s", seed, i, difference)
		}
	}
	t.Logf("%d worlds, SEED=%d: %s", n, seed, all)
	if only < 0 && (all.bound == 0 || all.refused == 0) {
		t.Error("the worlds show nothing")
	}
}

// startEnv starts a control plane with the nodes of all worlds.
func startEnv(t *testing.T) *env {
	t.Helper()
	options := controlplane.Options{}
	for i := range worlds.MaxNodes {
		options.Nodes = append(options.Nodes, controlplane.Node{Name: fmt.Sprintf("node-%d", i)})
	}
	plane, err := controlplane.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plane.Stop(); err != nil {
			t.Error(err)
		}
	})
	e, err := newEnv(t.Context(), plane.Config())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// play creates a world and compares the decisions on its waiting Pods. It returns the differences.
func (e *env) play(ctx context.Context, w *placement.World, all *counts) []string {
	var differences []string
	if err := e.create(ctx, w); err != nil {
		differences = append(differences, err.Error())
	}
	for i := range w.Pods {
		if len(differences) > 0 || w.Pods[i].NodeName() != "" {
			continue
		}
		if difference := e.compare(ctx, w.Pods[i].Object(), all); difference != "" {
			differences = append(differences, difference)
		}
	}
	if err := e.clear(ctx); err != nil {
		differences = append(differences, err.Error())
	}
	return differences
}

// decisionTime is how long kube-scheduler has to see what was created before, and to decide again.
const decisionTime = 20 * time.Second

// pollInterval is the time between two comparisons.
const pollInterval = 20 * time.Millisecond

// compare creates a Pod, and compares what kube-scheduler decides with what the Scheduler says.
func (e *env) compare(ctx context.Context, pod *corev1.Pod, all *counts) string {
	world, err := e.read(ctx)
	if err != nil {
		return err.Error()
	}
	stored, err := e.createPod(ctx, pod)
	if err != nil {
		return err.Error()
	}
	s, err := scheduler.New(ctx, world)
	if err != nil {
		return err.Error()
	}
	verdicts, failed := s.Filter(ctx, stored)
	var difference string
	err = wait.PollUntilContextTimeout(ctx, pollInterval, decisionTime, true, func(ctx context.Context) (agrees bool, err error) {
		var undecided bool
		difference, undecided, err = e.differs(ctx, stored, verdicts, failed, all)
		return difference == "" && !undecided, err
	})
	switch {
	case err == nil:
		return e.forgetUnbound(ctx, stored)
	case difference == "":
		return err.Error()
	}
	return fmt.Sprintf("Pod %s: %s; verdicts %+v, error %v", pod.Name, difference, verdicts, failed)
}

// forgetUnbound deletes a Pod that has no node: it could get one at any time, and kube-scheduler counts one that waits for its volume.
func (e *env) forgetUnbound(ctx context.Context, stored *corev1.Pod) string {
	pod, err := e.pod(ctx, stored)
	if err == nil && pod.Spec.NodeName == "" {
		err = e.deletePod(ctx, pod)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// differs compares once. A decision can be old, so a difference counts only if it lasts.
func (e *env) differs(ctx context.Context, stored *corev1.Pod, verdicts []placement.Verdict, failed error, all *counts) (string, bool, error) {
	pod, err := e.pod(ctx, stored)
	if err != nil {
		return "", false, err
	}
	if node := pod.Spec.NodeName; node != "" {
		all.bound++
		return fitsOn(verdicts, node), false, nil
	}
	if node, err := e.selectedNode(ctx, pod); err != nil || node != "" {
		all.volumes++
		return fitsOn(verdicts, node), false, err
	}
	difference, undecided := refusalDiffers(pod, verdicts, failed, all)
	return difference, undecided, nil
}

// refusalDiffers compares with what the scheduler says of a Pod without a node.
func refusalDiffers(pod *corev1.Pod, verdicts []placement.Verdict, failed error, all *counts) (difference string, undecided bool) {
	for _, c := range pod.Status.Conditions {
		if c.Type != corev1.PodScheduled || c.Status != corev1.ConditionFalse {
			continue
		}
		switch {
		case c.Reason == corev1.PodReasonSchedulerError && failed != nil && strings.Contains(c.Message, failed.Error()):
			all.errors++
			return "", false
		case failed == nil && placement.Agrees(c.Message, placement.Message(verdicts)):
			all.refused++
			return "", false
		}
		return fmt.Sprintf("it says %s %q, expected %q", c.Reason, c.Message, placement.Message(verdicts)), false
	}
	return "it is not decided", true
}

func fitsOn(verdicts []placement.Verdict, node string) string {
	i := slices.IndexFunc(verdicts, func(v placement.Verdict) bool { return v.Node == node })
	if i < 0 || len(verdicts[i].Refusals) > 0 {
		return "it chose " + node + ", which does not fit"
	}
	return ""
}
