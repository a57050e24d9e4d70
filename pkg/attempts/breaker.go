package attempts

import (
	"regexp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BreakerWindow is how many remediated Restores the breaker considers.
const BreakerWindow = 10

// Outcome is the result of a Restore's last remediation.
type Outcome struct {
	Time metav1.Time
	// Unschedulable is the scheduler's message for a Pod that was created since; empty when none is Unschedulable.
	Unschedulable string
}

// LastOf returns the last attempt of each of the BreakerWindow objects of that kind that were remediated last, the newest first.
// Attempts are in order of time.
func LastOf(kind string, all []Attempt) []Attempt {
	type object struct{ namespace, name string }
	seen := map[object]bool{}
	var last []Attempt
	for _, a := range slices.Backward(all) {
		id := object{a.Namespace, a.Key.Name}
		if a.Key.Kind != kind || seen[id] {
			continue
		}
		seen[id] = true
		if last = append(last, a); len(last) == BreakerWindow {
			break
		}
	}
	return last
}

// Breaker returns the reason for which more than half of a full window of remediated Restores is Unschedulable again, and when
// the breaker closes; an empty reason when it is closed now.
func (r Recent) Breaker(coolDown time.Duration, now metav1.Time) (reason string, closes time.Time) {
	counts := map[string]int{}
	var newest metav1.Time
	for _, outcome := range r.Outcomes {
		if newest.Before(&outcome.Time) {
			newest = outcome.Time
		}
		if outcome.Unschedulable == "" {
			continue
		}
		key := withoutNumbers(outcome.Unschedulable)
		if counts[key]++; 2*counts[key] > BreakerWindow {
			reason = key
		}
	}
	closes = newest.Add(coolDown)
	if !now.Time.Before(closes) {
		return "", closes
	}
	return reason, closes
}

var numbers = regexp.MustCompile(`\d+`)

// withoutNumbers makes equal the scheduler's messages for Pods that are Unschedulable for the same reason.
func withoutNumbers(message string) string {
	message, _, _ = strings.Cut(message, " preemption:")
	return numbers.ReplaceAllString(message, "N")
}
