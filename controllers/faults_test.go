package controllers_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

const (
	// minSeeds and minTime are how much TestFaults tries unless FAULT_SEEDS says how many seeds.
	minSeeds = 1000
	minTime  = 90 * time.Second
	// maxFailures is how many seeds may fail before TestFaults stops.
	maxFailures = 3
)

// TestFaults runs scenarios on an API server in memory, each seed in another order of events: Rehome reconciles, and each call may
// fail; KubeBlocks, the scheduler, the Job controller and the owner do one thing at a time; time passes. After every write it checks
// what Rehome must never do. At the end nothing fails any more, and every Restore that can be cured must be cured.
//
// FAULT_SEEDS is the number of seeds; "all" is as many as fit into 90 seconds, and at least 1,000. FAULT_FIRST is the first one: 0, a
// number, or "now" for others at each time. FAULT_SEED=n runs one, and prints what happened.
func TestFaults(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	RegisterFailHandler(func(message string, _ ...int) { panic(failure(message)) })
	if text := os.Getenv("FAULT_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		run := &randomRun{seed: seed, trace: func(line string) { fmt.Println(line) }}
		if problem := run.run(); problem != "" {
			t.Fatal(problem)
		}
		return
	}
	seeds, least := uint64(minSeeds), minTime
	switch text := os.Getenv("FAULT_SEEDS"); text {
	case "":
		t.Skip("FAULT_SEEDS is not set: `make test-faults` sets it")
	case "all":
	default:
		var err error
		if seeds, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
		least = 0
	}
	first, err := firstSeed(os.Getenv("FAULT_FIRST"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	runSeeds(t, first, seeds, least)
}

func firstSeed(text string, now time.Time) (uint64, error) {
	switch text {
	case "":
		return 0, nil
	case "now":
		return uint64(now.UnixNano()), nil
	}
	return strconv.ParseUint(text, 10, 64)
}

func TestFirstSeed(t *testing.T) {
	now := time.Unix(1, 5)
	for text, want := range map[string]uint64{"": 0, "now": 1_000_000_005, "7": 7} {
		if first, err := firstSeed(text, now); err != nil || first != want {
			t.Errorf("%q is %d, not %d: %v", text, first, want, err)
		}
	}
	if _, err := firstSeed("x", now); err == nil {
		t.Error("x is no seed")
	}
}

// runSeeds runs at least so many seeds, for at least so long, on every core.
func runSeeds(t *testing.T, first, seeds uint64, least time.Duration) {
	var next, failed atomic.Uint64
	var total coverage
	begin := time.Now()
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for failed.Load() < maxFailures {
				i := next.Add(1) - 1
				if i >= seeds && time.Since(begin) >= least {
					return
				}
				seed := first + i
				run := &randomRun{seed: seed}
				if problem := run.run(); problem != "" {
					failed.Add(1)
					t.Errorf("%s\nFAULT_SEED=%d go test -run TestFaults ./controllers prints what happened.", problem, seed)
				}
				total.add(&run.count)
			}
		})
	}
	wait.Wait()
	elapsed := time.Since(begin)
	fmt.Printf("%d seeds from %d on in %s, %.0f a second; %s\n", total.runs.Load(), first, elapsed.Round(time.Second),
		float64(total.runs.Load())/elapsed.Seconds(), &total)
}

// failure is a failed expectation in a run.
type failure string

// coverage counts what runs did.
type coverage struct {
	runs, steps, calls, faults, crashes, deletes atomic.Int64
}

func (c *coverage) add(o *coverage) {
	c.runs.Add(1)
	c.steps.Add(o.steps.Load())
	c.calls.Add(o.calls.Load())
	c.faults.Add(o.faults.Load())
	c.crashes.Add(o.crashes.Load())
	c.deletes.Add(o.deletes.Load())
}

func (c *coverage) String() string {
	return fmt.Sprintf("%d steps, %d calls, %d of them with a fault, %d crashes, %d deletes",
		c.steps.Load(), c.calls.Load(), c.faults.Load(), c.crashes.Load(), c.deletes.Load())
}

// randomRun is a run of a scenario in random order.
type randomRun struct {
	*faultRun
	seed   uint64
	random *rand.Rand
	api    *memoryAPI
	nevers *nevers
	// trace, where it is set, prints what happens; lines holds the last of it.
	trace func(string)
	lines []string
	count coverage

	// componentSpecs are those that the Cluster begins with. backupRemoved and reverts say what the owner did.
	componentSpecs []kubeblocks.ComponentSpec
	backupRemoved  bool
	reverts        int
}

// stuckScenarios are the scenarios by name.
var stuckScenarios = []struct {
	name string
	scenario
}{
	{"all Jobs stuck", wholeRestore},
	{"started in part", halfRestore},
	{"held by its own rules", heldByOwnRules},
	{"database Pod", databasePod},
	{"no Pods of the source", sourceGone},
	{"two components", twoComponents},
	{"instance templates", instanceTemplates},
	{"Serial", serialRestore},
	{"free node", freeNode},
}

// run runs the seed, and returns what went wrong, or an empty string.
func (r *randomRun) run() (problem string) {
	s := stuckScenarios[r.seed%uint64(len(stuckScenarios))]
	defer func() {
		switch p := recover().(type) {
		case nil:
		case failure:
			problem = string(p)
		default:
			problem = fmt.Sprintf("panic: %v\n%s", p, debug.Stack())
		}
		if problem != "" {
			problem = fmt.Sprintf("seed %d (%s): %s\nbefore: %s", r.seed, s.name, problem, strings.Join(r.lines, "\n        "))
		}
	}()
	r.random = rand.New(rand.NewPCG(r.seed, 0)) //nolint:gosec // a seed must be replayable
	r.faultRun, r.api = newMemoryRun(s.generation())
	s.prepare(r.faultRun)
	r.nevers = newNevers(r.api, r.namespace)
	for _, pod := range r.api.objects[podKind] {
		if r.api.typed(podKind, pod).(*corev1.Pod).Spec.NodeName != "" {
			r.nevers.noteStarted(unstructuredOf(pod))
		}
	}
	r.componentSpecs = r.view().Spec.ComponentSpecs
	clear(r.nevers.sinceList)
	r.api.written = r.written
	r.randomSteps()
	r.finish()
	return ""
}

// written checks a write, and notes it.
func (r *randomRun) written(w memoryWrite) {
	r.nevers.check(w)
	if w.user == "rehome" && (w.after == nil || w.after.GetDeletionTimestamp() != nil) && w.gvk.Kind != "Rehoming" {
		r.count.deletes.Add(1)
	}
	if r.trace != nil && w.user == "rehome" {
		r.notef("   wrote %s %s", cmp.Or(w.subResource, "object"), w.gvk.Kind)
	}
}

// notef adds a line to the trace.
func (r *randomRun) notef(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	r.lines = append(r.lines[max(0, len(r.lines)-15):], line)
	if r.trace != nil {
		r.trace(line)
	}
}

// randomSteps does random things, and checks after each what Rehome must never do.
func (r *randomRun) randomSteps() {
	r.calls.fault, r.calls.before = r.randomFault, r.meanwhile
	for range 20 + r.random.IntN(80) {
		r.count.steps.Add(1)
		switch n := r.random.IntN(100); {
		case n < 35:
			r.randomReconcile()
		case n < 85:
			r.randomWrite(r.dueWrites())
		case n < 92:
			r.owner()
		default:
			d := []time.Duration{time.Second, 30 * time.Second, 5 * time.Minute}[r.random.IntN(3)]
			r.notef("%s pass", d)
			r.clock.Step(d)
		}
		r.checkNevers()
	}
	r.calls.fault, r.calls.before = nil, nil
}

func (r *randomRun) checkNevers() {
	if len(r.nevers.broken) > 0 {
		panic(failure("Rehome " + strings.Join(r.nevers.broken, "; ")))
	}
}

// randomReconcile reconciles once. Without a fault there is no error.
func (r *randomRun) randomReconcile() {
	r.notef("Rehome reconciles")
	begin := len(r.calls.made)
	clear(r.nevers.sinceList)
	_, err := r.reconcileOnce()
	r.count.calls.Add(int64(len(r.calls.made) - begin))
	if !r.calls.failed {
		Expect(err).NotTo(HaveOccurred())
	}
}

// randomFault returns a fault for one call in forty.
func (r *randomRun) randomFault() *fault {
	what := r.calls.made[len(r.calls.made)-1]
	if r.random.IntN(40) > 0 {
		return nil
	}
	f := &faults[r.random.IntN(len(faults))]
	r.notef("   %s: %s", what, f.name)
	r.count.faults.Add(1)
	if errors.Is(f.answer, errDied) {
		r.count.crashes.Add(1)
	}
	return f
}

// meanwhile lets others write just before a call of Rehome. Nothing protects a delete from a Pod that is bound after the list which
// precedes it, so nothing is bound then.
func (r *randomRun) meanwhile() {
	what := r.calls.made[len(r.calls.made)-1]
	if what == "list PodList" {
		defer clear(r.nevers.sinceList)
	}
	if r.random.IntN(40) > 0 {
		return
	}
	r.randomWrite(r.dueWrites())
}

// dueWrites lists what KubeBlocks, the scheduler and the others would do now.
func (r *randomRun) dueWrites() []write {
	r.fakeKubeBlocks.read()
	var due []write
	for _, a := range r.fakeKubeBlocks.actors() {
		due = append(due, a.due()...)
	}
	return due
}

func (r *randomRun) randomWrite(due []write) {
	if len(due) == 0 {
		return
	}
	w := due[r.random.IntN(len(due))]
	r.notef("others: %s", w.what)
	w.do()
}

// owner does what an owner, or an administrator, may do.
func (r *randomRun) owner() {
	switch n := r.random.IntN(20); {
	case n < 8:
		mode := []configv1alpha1.Mode{configv1alpha1.Enforce, configv1alpha1.Enforce, configv1alpha1.Observe, configv1alpha1.Disabled}[r.random.IntN(4)]
		r.editRehoming(fmt.Sprintf(`{"spec":{"mode":%q}}`, mode))
	case n < 9:
		r.notef("owner: removes the Backup")
		r.backupRemoved = true
		obj := rehometesting.MakeBackup(r.namespace, backup).Obj()
		Expect(client.IgnoreNotFound(r.admin.Delete(r.ctx, obj))).To(Succeed())
	case n < 11:
		r.notef("owner: edits the Cluster's spec")
		r.merge(r.view(), fmt.Sprintf(`{"spec":{"replicas":%d}}`, r.random.IntN(10)))
	case n < 13:
		r.notef("owner: edits the Cluster's status")
		r.mergeStatus(r.view(), fmt.Sprintf(`{"status":{"phase":"Phase%d"}}`, r.random.IntN(10)))
	case n < 14:
		if len(r.nevers.rehoming().Spec.Consents) == 0 {
			r.editRehoming(`{"spec":{"consents":["RollingUpdate"]}}`)
		}
	case n < 15:
		r.notef("owner: reverts the Cluster")
		r.reverts++
		Expect(r.admin.Patch(r.ctx, r.view(), mergePatch(map[string]any{"spec": map[string]any{"componentSpecs": r.componentSpecs}}))).To(Succeed())
	case n < 17:
		name := fmt.Sprintf("spare%d", len(r.fakeKubeBlocks.nodes))
		r.notef("owner: adds node %s", name)
		r.addNode(name, 1)
	default:
		r.writeRestore(n)
	}
}

// writeRestore does what KubeBlocks may do to a Restore.
func (r *randomRun) writeRestore(n int) {
	restores := r.fakeKubeBlocks.seen.restores
	if len(restores) == 0 {
		return
	}
	restore := &kubeblocks.Restore{}
	if err := r.admin.Get(r.ctx, client.ObjectKeyFromObject(&restores[r.random.IntN(len(restores))]), restore); err != nil {
		return
	}
	switch {
	case n < 18 && restore.Spec.PrepareDataConfig.SchedulingSpec == nil:
		r.notef("KubeBlocks: writes empty rules to Restore %s", restore.Name)
		r.merge(restore, `{"spec":{"prepareDataConfig":{"schedulingSpec":{}}}}`)
	case n < 19:
		r.notef("KubeBlocks: replaces the conditions of Restore %s", restore.Name)
		r.mergeStatus(restore, `{"status":{"conditions":[`+validated+`]}}`)
	case restore.Status.Phase == kubeblocks.RestoreRunning && r.random.IntN(4) == 0:
		r.notef("KubeBlocks: Restore %s fails", restore.Name)
		r.mergeStatus(restore, `{"status":{"phase":"Failed"}}`)
	}
}

// editRehoming merges into the spec of the Rehoming, which the owner may create.
func (r *randomRun) editRehoming(patch string) {
	r.notef("owner: edits the Rehoming: %s", patch)
	rehoming := &v1alpha1.Rehoming{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: target}}
	if err := r.admin.Create(r.ctx, rehoming.DeepCopy()); !apierrors.IsAlreadyExists(err) {
		Expect(err).NotTo(HaveOccurred())
	}
	r.merge(rehoming, patch)
}

// finish lets everybody act without faults until nothing changes, and expects every Restore to be cured, or to say why it cannot be.
func (r *randomRun) finish() {
	if mode := r.nevers.rehoming().Spec.Mode; mode != "" && mode != string(configv1alpha1.Enforce) {
		r.editRehoming(`{"spec":{"mode":"Enforce"}}`)
	}
	r.notef("no more faults")
	r.converge()
	r.checkNevers()
	var restores kubeblocks.RestoreList
	Expect(r.admin.List(r.ctx, &restores, client.InNamespace(r.namespace))).To(Succeed())
	for i := range restores.Items {
		restore := &restores.Items[i]
		Expect(restore.Spec.PrepareDataConfig.SchedulingSpec).NotTo(BeNil(), "rules of Restore %s", restore.Name)
		condition := meta.FindStatusCondition(restore.Status.Conditions, v1alpha1.ConditionPolicyRehomed)
		if condition == nil && r.lostWithBackup() {
			continue
		}
		Expect(condition).NotTo(BeNil(), "condition of Restore %s", restore.Name)
		if restore.Status.Phase == kubeblocks.RestoreRunning {
			Expect(r.excused(restore.Name, condition.Reason)).To(BeTrue(), "Restore %s is not cured: %s: %s", restore.Name, condition.Reason, condition.Message)
		}
	}
	for _, pod := range r.pods() {
		if pod.Spec.NodeName == "" && pod.Labels[kubeblocks.LabelRestore] == "" {
			reason := r.readyReason()
			Expect(r.excused(pod.Name, reason) || r.lostWithBackup()).To(BeTrue(), "database Pod %s has no node: %s: %s", pod.Name, reason, kubeblocks.Unschedulable(&pod))
		}
	}
}

func (r *randomRun) readyReason() string {
	ready := meta.FindStatusCondition(r.nevers.rehoming().Status.Conditions, v1alpha1.ConditionReady)
	Expect(ready).NotTo(BeNil(), "condition Ready")
	return ready.Reason
}

// lostWithBackup excuses two known gaps (DEVELOPMENT.md): once the Backup is gone and all rules are rewritten, Rehome neither restores
// conditions that another writer removed, nor re-creates database Pods that are Pending under stale rules.
func (r *randomRun) lostWithBackup() bool { return r.backupRemoved }

// excused reports whether a reason that is documented, and true of this run, explains that something is not cured.
func (r *randomRun) excused(name, reason string) bool {
	switch reason {
	case v1alpha1.ReasonSourceUnknown:
		return r.backupRemoved
	case v1alpha1.ReasonContended:
		return r.reverts >= 2
	case v1alpha1.ReasonClusterStarted:
		return len(r.nevers.rehoming().Spec.Consents) == 0 && r.databaseBound()
	case v1alpha1.ReasonAttemptsExhausted:
		attempts := attemptsIn(unstructuredOf(r.api.objects[r.generation.Apps.WithKind("Cluster")][client.ObjectKey{Namespace: r.namespace, Name: target}]))
		return attempts["Restore "+name] >= maxAttempts || attempts["Pod "+name] >= maxAttempts
	default:
		return false
	}
}

// databaseBound reports whether a database Pod has a node.
func (r *randomRun) databaseBound() bool {
	return slices.ContainsFunc(r.pods(), func(p corev1.Pod) bool { return p.Spec.NodeName != "" && p.Labels[kubeblocks.LabelRestore] == "" })
}

var podKind = corev1.SchemeGroupVersion.WithKind("Pod")
