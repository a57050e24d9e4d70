package placement

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/placement"
	"github.com/rehome-operator/rehome/pkg/rewrite"
	"github.com/rehome-operator/rehome/placement/scheduler"
	"github.com/rehome-operator/rehome/test/placement/worlds"
)

// moreWorlds times as many worlds are drawn at most, until one restore has fit and one has not.
const moreWorlds = 10

// A restore fits if kube-scheduler places its Pods, and not otherwise. SEED draws the same worlds again, WORLD only one of them.
func TestPreflightAgreesWithTheScheduler(t *testing.T) {
	t.Parallel() // Both tests mostly wait for their scheduler.
	seed := uint64(setting(t, "SEED", int(time.Now().UnixNano()%1_000_000)))
	only := setting(t, "WORLD", -1)
	e := startEnv(t)
	if err := e.createCSINodes(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all restoreCounts
	n := setting(t, "RESTORES", 5)
	i := 0
	for ; i < n || only < 0 && !all.showBoth() && i < moreWorlds*n; i++ {
		if only >= 0 && i != only {
			continue
		}
		for _, difference := range e.restore(t, seed, i, &all) {
			t.Errorf("SEED=%d WORLD=%d: %s", seed, i, difference)
		}
	}
	t.Logf("%d worlds, SEED=%d: %s", i, seed, all)
	if only < 0 && !all.showBoth() {
		t.Error("the restores show nothing")
	}
}

// restoreCounts are what was compared.
type restoreCounts struct{ fits, refused, pods, otherwise int }

func (c restoreCounts) showBoth() bool { return c.fits > 0 && c.refused > 0 }

func (c restoreCounts) String() string {
	return fmt.Sprintf("%d restores fit, %d do not, %d decisions on Pods; %d have another answer where equal nodes are chosen otherwise",
		c.fits, c.refused, c.pods, c.otherwise)
}

// restore compares a drawn restore in a drawn world: as KubeBlocks restores it, and rewritten. It returns the differences.
func (e *env) restore(t *testing.T, seed uint64, number int, all *restoreCounts) (differences []string) {
	t.Helper()
	ctx := t.Context()
	r := rand.New(rand.NewPCG(seed, uint64(number)))
	w := worlds.Generate(r, number)
	drawn := worlds.GenerateRestore(r)
	var running []placement.Pod
	for i := range w.Pods {
		if w.Pods[i].NodeName() != "" {
			running = append(running, w.Pods[i])
		}
	}
	w.Pods, w.Claims, w.Volumes = running, nil, nil
	if err := e.create(ctx, w); err != nil {
		return []string{err.Error()}
	}
	for _, rewritten := range []bool{false, true} {
		before := all.otherwise
		if err := e.playRestore(ctx, drawn, rewritten, all, &differences); err != nil {
			differences = append(differences, fmt.Sprintf("rewritten %t: %v", rewritten, err))
		}
		if all.otherwise > before {
			t.Logf("SEED=%d WORLD=%d: rewritten %t: the answer depends on which of equal nodes is chosen", seed, number, rewritten)
		}
	}
	if err := e.clear(ctx); err != nil {
		differences = append(differences, err.Error())
	}
	return differences
}

func (e *env) playRestore(ctx context.Context, drawn worlds.Restore, rewritten bool, all *restoreCounts, differences *[]string) error {
	would, err := wouldBe(drawn, rewritten)
	if err != nil {
		return err
	}
	world, err := e.read(ctx)
	if err != nil {
		return err
	}
	world.CSINodes = worlds.CSINodes(world.Nodes)
	if name, _ := would.Refused(); name != "" {
		all.refused++
		return e.expectRefused(ctx, &would, name)
	}
	alone, err := placement.PlayRestore(ctx, scheduler.New, world, &would)
	if err != nil {
		return err
	}
	follower := &follower{env: e, would: &would}
	play, err := placement.PlayRestore(ctx, follower.new, world, &would)
	if err != nil {
		return err
	}
	for _, difference := range follower.differences {
		*differences = append(*differences, fmt.Sprintf("rewritten %t: %s", rewritten, difference))
	}
	all.pods += follower.decisions
	if play.Fits() {
		all.fits++
	} else {
		all.refused++
	}
	if play.Fits() != alone.Fits() {
		all.otherwise++
		for _, worse := range follower.worse { // then equal nodes do not explain it
			*differences = append(*differences, fmt.Sprintf("rewritten %t: another answer: %s", rewritten, worse))
		}
	}
	return follower.reset(ctx)
}

// expectRefused returns an error if the API server takes a Pod.
func (e *env) expectRefused(ctx context.Context, would *placement.WouldBe, name string) error {
	pods := slices.Concat(would.Restore, would.Database)
	pod := pods[slices.IndexFunc(pods, func(p corev1.Pod) bool { return p.Name == name })].DeepCopy()
	pod.UID, pod.Status = "", corev1.PodStatus{}
	pod.Spec.Containers = []corev1.Container{{Name: "database", Image: "database"}}
	_, err := e.client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if !apierrors.IsInvalid(err) {
		return fmt.Errorf("the API server does not refuse Pod %s: %w", name, err)
	}
	return nil
}

// wouldBe returns the Pods of a restore, with its own rules or rewritten.
func wouldBe(drawn worlds.Restore, rewritten bool) (placement.WouldBe, error) {
	source, err := kubeblocks.SourceOfSnapshot(drawn.Snapshot)
	if err != nil {
		return placement.WouldBe{}, err
	}
	target := rewrite.Identity{Namespace: worlds.Namespace, Name: "carrot67"}
	snapshot := drawn.Snapshot
	if rewritten {
		result := rewrite.Rewrite(rewrite.Input{Sources: []rewrite.Source{source}, Target: target, Live: source.Policies})
		if snapshot, err = patch.ApplyCreating(snapshot, patch.Edits(result.Edits)); err != nil {
			return placement.WouldBe{}, err
		}
	}
	cluster, err := kubeblocks.BlueprintOf(snapshot)
	if err != nil {
		return placement.WouldBe{}, err
	}
	cluster.Metadata.Namespace, cluster.Metadata.Name = target.Namespace, target.Name
	return placement.PodsOf(&placement.Restored{
		Cluster: cluster, Version: drawn.Version, Source: source.Identity, Components: []string{"mysql"},
	}, &placement.World{Classes: worlds.Classes()})
}
