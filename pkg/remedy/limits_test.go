package remedy

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
)

func TestTokenBucket(t *testing.T) {
	limits := configv1alpha1.Limits{RemediationsPerMinute: 10, RemediationBurst: 5}
	taken := func(seconds ...int64) []metav1.Time {
		var times []metav1.Time
		for _, s := range seconds {
			times = append(times, ago(s))
		}
		return times
	}
	for name, c := range map[string]struct {
		times []metav1.Time
		ahead int
		wait  float64 // seconds
	}{
		"it is full at first":                                  {nil, 0, 0},
		"its burst can be taken at once":                       {taken(0, 0, 0, 0), 0, 0},
		"then it is empty":                                     {taken(0, 0, 0, 0, 0), 0, 6},
		"it fills up with the rate":                            {taken(4, 4, 4, 4, 4), 0, 2},
		"a token is there again":                               {taken(6, 6, 6, 6, 6), 0, 0},
		"it never holds more than the burst":                   {taken(3600, 0, 0, 0, 0, 0), 0, 6},
		"what was taken at the rate leaves it as it was":       {taken(12, 12, 12, 12, 12, 6, 0), 0, 6},
		"it remembers whoever took tokens that were not there": {taken(0, 0, 0, 0, 0, 0), 0, 12},
		"a token that is there is for whoever asks":            {taken(6, 6, 6, 6, 6), 3, 0},
		"one that is not there yet is for who came before":     {taken(0, 0, 0, 0, 0), 3, 24},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(untilToken(limits, Recent{Times: c.times, Ahead: c.ahead}, now).Seconds()).To(BeNumerically("~", c.wait, 0.01))
		})
	}
}

func TestBreaker(t *testing.T) {
	other := turnedDown(6, 60)
	other[0].Unschedulable = "0/5 nodes are available: 5 node(s) had untolerated taint."
	numbers := turnedDown(6, 60)
	numbers[0].Unschedulable = "0/9 nodes are available: 7 Insufficient cpu. preemption: 0/9 nodes"
	for name, c := range map[string]struct {
		outcomes []Outcome
		open     bool
	}{
		"nothing was remediated":                        {nil, false},
		"half found no node":                            {turnedDown(5, 60), false},
		"more than half found no node":                  {turnedDown(6, 60), true},
		"more than half, for different reasons":         {other, false},
		"more than half, and only the numbers differ":   {numbers, true},
		"a few are no window, whatever became of them":  {turnedDown(5, 60)[:5], false},
		"it has cooled down, and lets one attempt pass": {turnedDown(6, 300), false},
	} {
		t.Run(name, func(t *testing.T) {
			o := hanging()
			o.Recent.Outcomes = c.outcomes

			NewWithT(t).Expect(o.broken() != nil).To(Equal(c.open))
		})
	}
}

func TestBreakerSaysWhenItCloses(t *testing.T) {
	g := NewWithT(t)
	o := hanging()
	componentFollowed(&o)
	o.Recent.Outcomes = turnedDown(10, 60)

	g.Expect(Decide(o).Again.Seconds()).To(Equal(240.0))
}

func TestLedgerOfAnotherClusterIsEmpty(t *testing.T) {
	g := NewWithT(t)
	ledger := Ledger{UID: "my1-uid"}.With(Charge{Key: "Restore r", Of: uids("r")}, "RecreateRestore", now).rewritten([]string{"mysql"})

	g.Expect(ReadLedger(ledger.String(), "my1-uid")).To(HaveField("Rewrites", map[string]int{"mysql": 1}))
	g.Expect(ReadLedger(ledger.String(), "carrot67-uid")).To(Equal(Ledger{UID: "carrot67-uid"}))
	g.Expect(ReadLedger("{", "carrot67-uid")).To(Equal(Ledger{UID: "carrot67-uid"}))
	g.Expect(ReadLedger("", "carrot67-uid")).To(Equal(Ledger{UID: "carrot67-uid"}))
}

func TestLedgerIsAValue(t *testing.T) {
	g := NewWithT(t)
	before := Ledger{UID: "u"}.With(Charge{Key: "Restore r", Of: uids("a")}, "RecreateRestore", ago(60)).rewritten([]string{"mysql"})
	text := before.String()

	before.With(Charge{Key: "Restore r", Of: uids("b")}, "RecreateRestore", now).rewritten([]string{"mysql"})

	g.Expect(before.String()).To(Equal(text))
}
