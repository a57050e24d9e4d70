package remedy

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/time/rate"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
)

// Recent is what was done lately to all Clusters together.
type Recent struct {
	// Times are those of all attempts that are remembered, in order.
	Times []metav1.Time
	// Outcomes are those of the Restores that were remediated last, at most BreakerWindow of them.
	Outcomes []Outcome
	// Ahead is how many other Clusters wait for their turn, and came before this one.
	Ahead int
}

// Outcome is what became of a remediated Restore.
type Outcome struct {
	At metav1.Time
	// Unschedulable is why the scheduler turned down one of its Pods after that; empty when it turned down none.
	Unschedulable string
}

// BreakerWindow is how many remediated Restores the breaker looks at.
const BreakerWindow = 10

// limit is a reason to wait, or to stop.
type limit struct {
	reason, message string
	// wait is how long it holds; zero for ever.
	wait metav1.Duration
}

// check returns what keeps an attempt from being made now, or nil.
func (o *Observation) check(c Charge) *limit {
	return cmp.Or(o.exhausted(c), o.spaced(c), o.broken(), o.drained())
}

func (o *Observation) exhausted(c Charge) *limit {
	most := int(o.Limits.AttemptsPerRestore)
	if len(o.Ledger.Attempts[c.Key]) < most {
		return nil
	}
	return &limit{reason: v1alpha1.ReasonAttemptsExhausted, message: fmt.Sprintf(
		"%s was made anew %d times and still carries rules that name the source: it is left to a person. Removing the annotation %s of the Cluster starts the count anew.",
		c.Key, most, v1alpha1.AnnotationLedger)}
}

// spaced holds attempts apart: the time between two doubles with each.
func (o *Observation) spaced(c Charge) *limit {
	attempts := o.Ledger.Attempts[c.Key]
	if len(attempts) == 0 {
		return nil
	}
	last := attempts[len(attempts)-1]
	due := last.At.Add(o.Limits.AttemptSpacing.Duration << (len(attempts) - 1))
	if !o.Now.Time.Before(due) {
		return nil
	}
	return &limit{v1alpha1.ReasonBackingOff,
		fmt.Sprintf("%s was made anew %d times; the next attempt is due at %s.", c.Key, len(attempts), due.UTC().Format(timeFormat)),
		metav1.Duration{Duration: due.Sub(o.Now.Time)}}
}

const timeFormat = "15:04:05 MST"

// BreakerOpen reports whether nothing is remediated, because that did not help lately.
func (o *Observation) BreakerOpen() bool { return o.broken() != nil }

func (o *Observation) broken() *limit {
	reason, newest := o.Recent.broken()
	closes := newest.Add(o.Limits.BreakerCoolDown.Duration)
	if reason == "" || !o.Now.Time.Before(closes) {
		return nil
	}
	return &limit{v1alpha1.ReasonBreakerOpen,
		fmt.Sprintf("More than half of the last %d Restores that were remediated, of any Cluster, found no node again (%s): nothing more is remediated before %s.",
			BreakerWindow, reason, closes.UTC().Format(timeFormat)),
		metav1.Duration{Duration: closes.Sub(o.Now.Time)}}
}

// broken returns the reason that more than half of a full window of remediated Restores found no node for, and the time of
// the newest remediation; an empty reason where there is none.
func (r Recent) broken() (reason string, newest metav1.Time) {
	counts := map[string]int{}
	for _, outcome := range r.Outcomes {
		if newest.Before(&outcome.At) {
			newest = outcome.At
		}
		if outcome.Unschedulable == "" {
			continue
		}
		key := withoutNumbers(outcome.Unschedulable)
		if counts[key]++; 2*counts[key] > BreakerWindow {
			reason = key
		}
	}
	return reason, newest
}

var numbers = regexp.MustCompile(`\d+`)

// withoutNumbers makes the scheduler's message for two Pods one where they were turned down for the same reason.
func withoutNumbers(message string) string {
	message, _, _ = strings.Cut(message, " preemption:")
	return numbers.ReplaceAllString(message, "N")
}

func (o *Observation) drained() *limit {
	wait := untilToken(o.Limits, o.Recent, o.Now)
	if wait.Duration == 0 {
		return nil
	}
	return &limit{v1alpha1.ReasonRateLimited, "Many restores are being unblocked at once: this one waits for its turn.", wait}
}

// untilToken returns how long it takes until the bucket has a token for the Cluster; zero where it has one now. The bucket was
// full before the first attempt, and each took one. Who waits leaves those to the Clusters that came before: else all would look
// at the same moment, and one find a token.
func untilToken(l configv1alpha1.Limits, recent Recent, now metav1.Time) metav1.Duration {
	const secondsPerMinute = 60
	bucket := rate.NewLimiter(rate.Limit(l.RemediationsPerMinute)/secondsPerMinute, int(l.RemediationBurst))
	for _, taken := range recent.Times {
		bucket.ReserveN(taken.Time, 1)
	}
	wait := bucket.ReserveN(now.Time, 1).DelayFrom(now.Time)
	if wait > 0 {
		for range recent.Ahead {
			wait = bucket.ReserveN(now.Time, 1).DelayFrom(now.Time)
		}
	}
	return metav1.Duration{Duration: wait}
}
