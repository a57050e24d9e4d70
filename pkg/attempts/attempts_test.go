package attempts

import (
	"errors"
	"math"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
)

// now is when all tests decide.
var now = metav1.Unix(1_800_000_000, 0)

// ago returns a time before now.
func ago(seconds int64) metav1.Time { return metav1.Unix(now.Unix()-seconds, 0) }

func at(seconds ...int64) []metav1.Time {
	var times []metav1.Time
	for _, s := range seconds {
		times = append(times, ago(s))
	}
	return times
}

// attempt is one on a Restore of that name, so many seconds ago.
func attempt(name string, seconds int64) Attempt {
	return Attempt{Namespace: "default", Key: Key{Kind: "Restore", Name: name, UIDs: []types.UID{"uid"}}, Time: ago(seconds)}
}

// written is an attempt that a history holds.
func written(name string, seconds int64) Attempt {
	a := attempt(name, seconds)
	a.Recorded = true
	return a
}

func loads(attempts ...Attempt) func() ([]Attempt, error) {
	return func() ([]Attempt, error) { return attempts, nil }
}

func TestTokenBucket(t *testing.T) {
	limits := configv1alpha1.Limits{RemediationsPerMinute: 10, RemediationBurst: 5}
	for name, c := range map[string]struct {
		taken    []metav1.Time
		position int
		wait     float64 // seconds
	}{
		"it is full at first":                                   {nil, 0, 0},
		"its burst can be taken at once":                        {at(0, 0, 0, 0), 0, 0},
		"then it is empty":                                      {at(0, 0, 0, 0, 0), 0, 6},
		"it refills at the rate":                                {at(4, 4, 4, 4, 4), 0, 2},
		"a token is there again":                                {at(6, 6, 6, 6, 6), 0, 0},
		"it never holds more than the burst":                    {at(3600, 0, 0, 0, 0, 0), 0, 6},
		"tokens taken at the rate leave it as it was":           {at(12, 12, 12, 12, 12, 6, 0), 0, 6},
		"tokens taken beyond the burst must be refilled, too":   {at(0, 0, 0, 0, 0, 0), 0, 12},
		"a token that is there is free for any Cluster":         {at(6, 6, 6, 6, 6), 3, 0},
		"the next tokens are left to the Clusters in the queue": {at(0, 0, 0, 0, 0), 3, 24},
		"a time that a wrong clock wrote counts as nothing":     {at(-86_400, -86_400, -86_400, -86_400, -86_400), 0, 0},
		"the clocks of workers may differ a little":             {at(-1, -1, -1, -1, -1), 0, 6},
	} {
		t.Run(name, func(t *testing.T) {
			wait := Window{Times: c.taken, Position: c.position}.untilToken(limits, now)

			NewWithT(t).Expect(wait.Seconds()).To(BeNumerically("~", c.wait, 0.01))
		})
	}
}

// outcomes returns those of a full window of Restores, with so many Unschedulable again.
func outcomes(unschedulable int, seconds int64) []Outcome {
	list := make([]Outcome, BreakerWindow)
	for i := range list {
		list[i].Time = ago(seconds)
		if i < unschedulable {
			list[i].Unschedulable = "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules. preemption: 0/3 nodes"
		}
	}
	return list
}

// of returns outcomes with another message.
func of(unschedulable int, message string) []Outcome {
	list := outcomes(unschedulable, 60)
	for i := range unschedulable {
		list[i].Unschedulable = message
	}
	return list
}

func TestBreaker(t *testing.T) {
	other := outcomes(6, 60)
	other[0].Unschedulable = "0/5 nodes are available: 5 node(s) didn't match pod topology spread constraints."
	numbers := outcomes(6, 60)
	numbers[0].Unschedulable = "0/9 nodes are available: 7 node(s) didn't match pod anti-affinity rules. preemption: 0/9 nodes"
	old := outcomes(6, 60)
	old[BreakerWindow-1].Time = ago(600)
	for name, c := range map[string]struct {
		outcomes []Outcome
		open     bool
	}{
		"nothing was remediated":                       {nil, false},
		"half are Unschedulable":                       {outcomes(5, 60), false},
		"more than half are Unschedulable":             {outcomes(6, 60), true},
		"more than half, for different reasons":        {other, false},
		"more than half, and only the numbers differ":  {numbers, true},
		"more than half, because of Pods that run":     {of(6, "0/3 nodes are available: 3 node(s) didn't satisfy existing pods anti-affinity rules."), true},
		"the cool-down is that of the newest":          {old, true},
		"a few Restores fill no window":                {outcomes(5, 60)[:5], false},
		"more than half, for another reason than Pods": {of(6, "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint, 1 node(s) didn't match PersistentVolume's node affinity. preemption: none: didn't match pod anti-affinity rules"), false},
		"a clock is wrong":                             {outcomes(6, -86_400), false},
		"the cool-down has ended":                      {outcomes(6, 300), false},
	} {
		t.Run(name, func(t *testing.T) {
			reason, closes := Window{Outcomes: c.outcomes}.Breaker(5*time.Minute, now)

			g := NewWithT(t)
			if !c.open {
				g.Expect(reason).To(BeEmpty())
			} else {
				g.Expect(reason).NotTo(BeEmpty())
				g.Expect(closes).To(Equal(ago(60).Add(5 * time.Minute)))
			}
		})
	}
}

func TestLastOfConsidersEachRestoreOnceAndTheNewestFirst(t *testing.T) {
	g := NewWithT(t)
	all := []Attempt{attempt("a", 9), attempt("b", 8), attempt("a", 7)}
	pod := attempt("a", 6)
	pod.Key.Kind = "Pod"
	elsewhere := attempt("a", 5)
	elsewhere.Namespace = "shop"
	all = append(all, pod, elsewhere)

	g.Expect(LastOf("Restore", all)).To(Equal([]Attempt{elsewhere, attempt("a", 7), attempt("b", 8)}))

	for i := range 2 * BreakerWindow {
		all = append(all, attempt(string(rune('c'+i)), 4))
	}
	g.Expect(LastOf("Restore", all)).To(HaveLen(BreakerWindow))
}

func TestQueue(t *testing.T) {
	g := NewWithT(t)
	l := &Log{}
	a, b, c := types.NamespacedName{Name: "a"}, types.NamespacedName{Name: "b"}, types.NamespacedName{Name: "c"}
	position := func(cluster types.NamespacedName) int {
		own, all := l.Position(cluster)
		g.Expect(own).To(Equal(all), "there is one Namespace")
		return all
	}

	l.Enqueue(a)
	l.Enqueue(b)
	l.Enqueue(a)
	g.Expect([]int{position(a), position(b), position(c)}).To(Equal([]int{0, 1, 2}))

	l.Dequeue(a)
	g.Expect([]int{position(b), position(c), position(a)}).To(Equal([]int{0, 1, 1}))
	l.Dequeue(c)
	g.Expect(position(b)).To(BeZero(), "a Cluster that does not wait changes nothing")
}

func TestNamespacesTakeTurnsInTheQueue(t *testing.T) {
	g := NewWithT(t)
	l := &Log{}
	for i := range 1000 {
		l.Enqueue(types.NamespacedName{Namespace: "tenant", Name: strconv.Itoa(i)})
	}
	l.Enqueue(types.NamespacedName{Namespace: "other", Name: "a"})

	own, all := l.Position(types.NamespacedName{Namespace: "honest", Name: "a"})
	g.Expect([]int{own, all}).To(Equal([]int{0, 2}), "one Cluster of each other Namespace is before it")
	own, all = l.Position(types.NamespacedName{Namespace: "tenant", Name: "1"})
	g.Expect([]int{own, all}).To(Equal([]int{1, 2}))
}

// Review: TestReviewForgedLedgerStopsEverybody.
func TestRecordedAttemptsOfOneNamespaceDelayNoOther(t *testing.T) {
	g := NewWithT(t)
	var forged []Attempt
	for i := range 1000 {
		a := attempt(strconv.Itoa(i), -1_000_000_000)
		a.Namespace = "tenant"
		forged = append(forged, a)
	}
	l := &Log{}
	list, err := l.All(now, loads(forged...))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(list).To(HaveLen(64), "the attempts of a Namespace are capped")
	g.Expect(untilToken("production", list, 0)).To(BeZero())
	g.Expect(untilToken("tenant", list, 0)).To(BeNumerically(">", time.Minute), "times in the future are now")
	g.Expect(untilToken("tenant", list, 15*time.Minute)).To(BeZero(), "and pass")
}

func TestTheNewestRecordedAttemptsOfANamespaceCount(t *testing.T) {
	g := NewWithT(t)
	var all []Attempt
	for i := range int64(100) {
		all = append(all, attempt("a", 100-i))
	}

	list, err := (&Log{}).All(now, loads(all...))

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(list).To(HaveLen(maxRecorded))
	g.Expect(list).To(HaveEach(HaveField("Time.Unix()", BeNumerically(">=", now.Unix()-maxRecorded))))
}

// untilToken returns how long a Cluster of a Namespace waits, some time from now.
func untilToken(namespace string, list []Attempt, later time.Duration) time.Duration {
	own, all := Of(namespace, list)
	recent := Recent{Namespace: Window{Times: Times(own)}, All: Window{Times: Times(all)}, Own: In(namespace, all)}
	return recent.UntilToken(configv1alpha1.Limits{RemediationsPerMinute: 10, RemediationBurst: 50}, metav1.NewTime(now.Add(later)))
}

func TestOneNamespaceLeavesHalfOfTheTokensToOthers(t *testing.T) {
	g := NewWithT(t)
	var list []Attempt
	for range 25 {
		a := attempt("a", 0)
		a.Namespace = "tenant"
		list = append(list, a)
	}

	g.Expect(untilToken("tenant", list, 0)).To(Equal(6 * time.Second))
	g.Expect(untilToken("production", list, 0)).To(BeZero())
}

// Who wants no limit sets the largest number there is.
func TestTheLargestBurstLimitsNothing(t *testing.T) {
	g := NewWithT(t)
	limits := configv1alpha1.Limits{RemediationsPerMinute: math.MaxInt32, RemediationBurst: math.MaxInt32}
	recent := Recent{Namespace: Window{Times: at(0)}, All: Window{Times: at(0)}, Own: []bool{true}}

	g.Expect(recent.UntilToken(limits, now)).To(BeZero())
}

func TestAttemptsOfOnePlanTakeTheShareOfTheirNamespace(t *testing.T) {
	g := NewWithT(t)
	limits := configv1alpha1.Limits{RemediationsPerMinute: 10, RemediationBurst: 6}
	recent := Recent{All: Window{Times: at(0, 0, 0)}, Own: make([]bool, 3)}
	for range 2 {
		g.Expect(recent.UntilToken(limits, now)).To(BeZero())
		recent = recent.With(now)
	}

	g.Expect(recent.UntilToken(limits, now)).NotTo(BeZero(), "the last token is left to another Namespace")
}

func TestClustersThatWaitForAShareDoNotRetryAtOnce(t *testing.T) {
	g := NewWithT(t)
	limits := configv1alpha1.Limits{RemediationsPerMinute: 10, RemediationBurst: 6}
	recent := Recent{All: Window{Times: at(0, 0, 0, 0)}, Own: []bool{false, false, true, true}}
	g.Expect(recent.UntilToken(limits, now)).To(Equal(6 * time.Second))

	recent.All.Position = 3

	g.Expect(recent.UntilToken(limits, now)).To(Equal(24 * time.Second))
}

// Tenants take every token that they get, for twenty minutes. The last Namespace never waits.
func TestManyNamespacesLeaveTokensToAnother(t *testing.T) {
	g := NewWithT(t)
	tenants := []string{"t1", "t2", "t3", "t4", "t5"}
	var list []Attempt
	taken := map[string]int{}
	for later := time.Duration(0); later < 20*time.Minute; later += 3 * time.Second {
		for _, tenant := range tenants {
			for untilToken(tenant, list, later) == 0 {
				a := attempt("a", -int64(later.Seconds()))
				a.Namespace = tenant
				list = append(list, a)
				taken[tenant]++
			}
		}
		g.Expect(untilToken("production", list, later)).To(BeZero(), "after %s", later)
	}
	g.Expect(len(list)).To(BeNumerically("~", 50*5/6+20*10, 3), "the rate is used up")
	for _, tenant := range tenants {
		g.Expect(taken[tenant]).To(BeNumerically(">", 30), "%v", taken)
	}
}

func TestBreakerOfOneNamespaceStopsNoOther(t *testing.T) {
	g := NewWithT(t)
	var list []Attempt
	for i := range BreakerWindow {
		a := attempt(strconv.Itoa(i), 60)
		a.Namespace = "tenant"
		list = append(list, a)
	}
	g.Expect(LastOf("Restore", list)).To(HaveLen(BreakerWindow))
	g.Expect(LastOfAll("Restore", list)).To(HaveLen(2))

	open := Recent{Namespace: Window{Outcomes: outcomes(6, 60)}}
	reason, _ := open.Breaker(5*time.Minute, now)
	g.Expect(reason).NotTo(BeEmpty())
	open = Recent{All: Window{Outcomes: outcomes(6, 60)}}
	reason, _ = open.Breaker(5*time.Minute, now)
	g.Expect(reason).NotTo(BeEmpty(), "a fault everywhere stops everybody")
}

func TestOneClusterDecidesAtATime(t *testing.T) {
	g := NewWithT(t)
	l := &Log{}
	refused := errors.New("refused")

	g.Expect(l.Exclusively(func() error {
		g.Expect(l.decideMu.TryLock()).To(BeFalse(), "another would take the same token")
		return refused
	})).To(MatchError(refused))

	g.Expect(l.decideMu.TryLock()).To(BeTrue(), "the next one can decide")
}

func TestLogLoadsOnceAndSortsByTime(t *testing.T) {
	g := NewWithT(t)
	l := &Log{}
	refused := errors.New("refused")
	_, err := l.All(now, func() ([]Attempt, error) { return nil, refused })
	g.Expect(err).To(MatchError(refused))

	all, err := l.All(now, loads(attempt("b", 1), attempt("a", 2)))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(all).To(Equal([]Attempt{written("a", 2), written("b", 1)}))

	all, err = l.All(now, loads())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(all).To(HaveLen(2), "it does not load again")
}

func TestReservedAttemptsAreInOrderAndCanBeReleased(t *testing.T) {
	g := NewWithT(t)
	l := &Log{}
	_, _ = l.All(now, loads(attempt("a", 3)))
	limits := configv1alpha1.Defaults().Limits

	l.Reserve(attempt("c", 1), limits)
	l.Reserve(attempt("b", 2), limits)
	l.Release(attempt("c", 1))

	all, _ := l.All(now, nil)
	g.Expect(all).To(Equal([]Attempt{written("a", 3), attempt("b", 2)}))
}

// A process that dies between reserving an attempt and recording it in the Cluster's history never acted: the attempt is gone
// with it, and its token, too.
func TestAttemptThatWasNotRecordedDiesWithTheProcess(t *testing.T) {
	g := NewWithT(t)
	histories := loads(attempt("a", 9))
	died := &Log{}
	_, _ = died.All(now, histories)
	died.Reserve(attempt("b", 0), configv1alpha1.Defaults().Limits)

	next := &Log{}

	all, err := next.All(now, histories)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(all).To(Equal([]Attempt{written("a", 9)}))
}

func TestLogForgetsWhatLimitsNothingAnyMore(t *testing.T) {
	g := NewWithT(t)
	const day = 24 * 60 * 60
	for _, c := range []struct {
		name   string
		limits configv1alpha1.Limits
		kept   int64
	}{
		{"a day", configv1alpha1.Defaults().Limits, day},
		{"until the bucket is full", configv1alpha1.Limits{RemediationsPerMinute: 1, RemediationBurst: 3000}, 3000 * 60},
		{"for 292 years", configv1alpha1.Limits{RemediationsPerMinute: 1, RemediationBurst: math.MaxInt32}, math.MaxInt64 / int64(time.Minute) * 60},
		{"until the breaker closes", configv1alpha1.Limits{BreakerCoolDown: metav1.Duration{Duration: 72 * time.Hour}}, 3 * day},
	} {
		l := &Log{}
		_, _ = l.All(now, loads(attempt("forgotten", c.kept+1), attempt("remembered", c.kept)))

		l.Reserve(attempt("new", 0), c.limits)

		all, _ := l.All(now, nil)
		g.Expect(all).To(Equal([]Attempt{written("remembered", c.kept), attempt("new", 0)}), c.name)
	}
}
