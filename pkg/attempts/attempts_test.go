package attempts

import (
	"errors"
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
	} {
		t.Run(name, func(t *testing.T) {
			wait := Recent{Times: c.taken, Position: c.position}.UntilToken(limits, now)

			NewWithT(t).Expect(wait.Seconds()).To(BeNumerically("~", c.wait, 0.01))
		})
	}
}

// outcomes returns those of a full window of Restores, so many of which are Unschedulable again.
func outcomes(unschedulable int, seconds int64) []Outcome {
	list := make([]Outcome, BreakerWindow)
	for i := range list {
		list[i].Time = ago(seconds)
		if i < unschedulable {
			list[i].Unschedulable = "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes"
		}
	}
	return list
}

func TestBreaker(t *testing.T) {
	other := outcomes(6, 60)
	other[0].Unschedulable = "0/5 nodes are available: 5 node(s) had untolerated taint."
	numbers := outcomes(6, 60)
	numbers[0].Unschedulable = "0/9 nodes are available: 7 Insufficient cpu. preemption: 0/9 nodes"
	for name, c := range map[string]struct {
		outcomes []Outcome
		open     bool
	}{
		"nothing was remediated":                      {nil, false},
		"half are Unschedulable":                      {outcomes(5, 60), false},
		"more than half are Unschedulable":            {outcomes(6, 60), true},
		"more than half, for different reasons":       {other, false},
		"more than half, and only the numbers differ": {numbers, true},
		"a few Restores fill no window":               {outcomes(5, 60)[:5], false},
		"the cool-down has ended":                     {outcomes(6, 300), false},
	} {
		t.Run(name, func(t *testing.T) {
			reason, closes := Recent{Outcomes: c.outcomes}.Breaker(5*time.Minute, now)

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

	l.Enqueue(a)
	l.Enqueue(b)
	l.Enqueue(a)
	g.Expect([]int{l.Position(a), l.Position(b), l.Position(c)}).To(Equal([]int{0, 1, 2}))

	l.Dequeue(a)
	g.Expect([]int{l.Position(b), l.Position(c), l.Position(a)}).To(Equal([]int{0, 1, 1}))
	l.Dequeue(c)
	g.Expect(l.Position(b)).To(BeZero(), "a Cluster that does not wait changes nothing")
}

func TestLogLoadsOnceAndSortsByTime(t *testing.T) {
	g := NewWithT(t)
	l := &Log{}
	refused := errors.New("refused")
	_, err := l.All(func() ([]Attempt, error) { return nil, refused })
	g.Expect(err).To(MatchError(refused))

	all, err := l.All(loads(attempt("b", 1), attempt("a", 2)))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(all).To(Equal([]Attempt{attempt("a", 2), attempt("b", 1)}))

	all, err = l.All(loads())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(all).To(HaveLen(2), "it does not load again")
}

func TestReservedAttemptsAreInOrderAndCanBeReleased(t *testing.T) {
	g := NewWithT(t)
	l := &Log{}
	_, _ = l.All(loads(attempt("a", 3)))
	limits := configv1alpha1.Defaults().Limits

	l.Reserve(attempt("c", 1), limits)
	l.Reserve(attempt("b", 2), limits)
	l.Release(attempt("c", 1))

	all, _ := l.All(nil)
	g.Expect(all).To(Equal([]Attempt{attempt("a", 3), attempt("b", 2)}))
}

// A process that dies between reserving an attempt and recording it in the Cluster's history never acted: the attempt is gone
// with it, and its token, too.
func TestAttemptThatWasNotRecordedDiesWithTheProcess(t *testing.T) {
	g := NewWithT(t)
	histories := loads(attempt("a", 9))
	died := &Log{}
	_, _ = died.All(histories)
	died.Reserve(attempt("b", 0), configv1alpha1.Defaults().Limits)

	next := &Log{}

	all, err := next.All(histories)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(all).To(Equal([]Attempt{attempt("a", 9)}))
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
		{"until the breaker closes", configv1alpha1.Limits{BreakerCoolDown: metav1.Duration{Duration: 72 * time.Hour}}, 3 * day},
	} {
		l := &Log{}
		_, _ = l.All(loads(attempt("forgotten", c.kept+1), attempt("remembered", c.kept)))

		l.Reserve(attempt("new", 0), c.limits)

		all, _ := l.All(nil)
		g.Expect(all).To(Equal([]Attempt{attempt("remembered", c.kept), attempt("new", 0)}), c.name)
	}
}
