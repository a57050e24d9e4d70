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

// breakerShare is how many Restores of one Namespace count for the breaker of all: with more than half of the window Unschedulable,
// at least three Namespaces are concerned.
const breakerShare = 2

// LastOfAll is as LastOf, with at most breakerShare objects of each Namespace.
func LastOfAll(kind string, all []Attempt) []Attempt { return lastOf(kind, all, breakerShare) }

// LastOf returns the last attempt of each of the BreakerWindow objects of that kind that were remediated last, the newest first.
// Attempts are in order of time.
func LastOf(kind string, all []Attempt) []Attempt { return lastOf(kind, all, BreakerWindow) }

func lastOf(kind string, all []Attempt, perNamespace int) []Attempt {
	type object struct{ namespace, name string }
	seen, count := map[object]bool{}, map[string]int{}
	var last []Attempt
	for _, a := range slices.Backward(all) {
		id := object{a.Namespace, a.Key.Name}
		if a.Key.Kind != kind || seen[id] || count[a.Namespace] == perNamespace {
			continue
		}
		seen[id] = true
		count[a.Namespace]++
		if last = append(last, a); len(last) == BreakerWindow {
			break
		}
	}
	return last
}

// Breaker returns the reason for which the breaker of the Namespace is open, or that of all, and when it closes; an empty reason when
// both are closed now.
func (r Recent) Breaker(coolDown time.Duration, now metav1.Time) (reason string, closes time.Time) {
	if reason, closes = r.Namespace.Breaker(coolDown, now); reason != "" {
		return reason, closes
	}
	return r.All.Breaker(coolDown, now)
}

// Breaker returns the reason for which more than half of a full window of remediated Restores is Unschedulable again, and when
// the breaker closes; an empty reason when it is closed now. Only rules about Pods count: taints, volumes and full nodes say
// nothing about what Rehome did.
func (w Window) Breaker(coolDown time.Duration, now metav1.Time) (reason string, closes time.Time) {
	counts := map[string]int{}
	var newest metav1.Time
	for _, outcome := range w.Outcomes {
		if InFuture(outcome.Time, now) {
			continue
		}
		if newest.Before(&outcome.Time) {
			newest = outcome.Time
		}
		if !refusedByPodRule(outcome.Unschedulable) {
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

// podRules are the scheduler's words for a node that a rule about Pods excludes.
var podRules = []string{
	"didn't match pod affinity rules", "didn't match pod anti-affinity rules", "didn't satisfy existing pods anti-affinity rules",
	"didn't match pod topology spread constraints",
}

func refusedByPodRule(message string) bool {
	message, _, _ = strings.Cut(message, " preemption:")
	return slices.ContainsFunc(podRules, func(words string) bool { return strings.Contains(message, words) })
}

var numbers = regexp.MustCompile(`\d+`)

// withoutNumbers makes equal the scheduler's messages for Pods that are Unschedulable for the same reason.
func withoutNumbers(message string) string {
	message, _, _ = strings.Cut(message, " preemption:")
	return numbers.ReplaceAllString(message, "N")
}
