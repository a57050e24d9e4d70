package remedy

import (
	"cmp"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/attempts"
)

// limit is a reason to wait, or to stop.
type limit struct {
	reason, message string
	// wait is how long it lasts; zero for ever.
	wait metav1.Duration
}

func (l *limit) condition() *metav1.Condition { return conditionFalse(l.reason, "%s", l.message) }

// limit returns what forbids an attempt now, or nil.
func (d *decision) limit(key attempts.Key) *limit {
	return cmp.Or(d.attemptsExhausted(key), d.backoff(key), d.breakerOpen(), d.rateLimited())
}

func (d *decision) attemptsExhausted(key attempts.Key) *limit {
	allowed := int(d.Limits.AttemptsPerRestore)
	if len(d.History.of(key)) < allowed {
		return nil
	}
	return &limit{reason: v1alpha1.ReasonAttemptsExhausted, message: fmt.Sprintf(attemptsExhausted, key.Kind, key.Name, allowed)}
}

// backoff spaces attempts: the time between two doubles with each.
func (d *decision) backoff(key attempts.Key) *limit {
	past := d.History.of(key)
	if len(past) == 0 {
		return nil
	}
	last := past[len(past)-1].Time
	if attempts.InFuture(last, d.Now) {
		return nil // the clock of another leader was wrong
	}
	due := last.Add(d.Limits.AttemptSpacing.Duration << (len(past) - 1))
	if !d.Now.Time.Before(due) {
		return nil
	}
	return &limit{v1alpha1.ReasonBackingOff,
		fmt.Sprintf(backingOff, key.Kind, key.Name, len(past), due.UTC().Format(timeFormat)),
		metav1.Duration{Duration: due.Sub(d.Now.Time)}}
}

func (d *decision) breakerOpen() *limit {
	reason, closes := d.Recent.Breaker(d.Limits.BreakerCoolDown.Duration, d.Now)
	if reason == "" {
		return nil
	}
	return &limit{v1alpha1.ReasonBreakerOpen,
		fmt.Sprintf(breakerOpen, attempts.BreakerWindow, reason, closes.UTC().Format(timeFormat)),
		metav1.Duration{Duration: closes.Sub(d.Now.Time)}}
}

func (d *decision) rateLimited() *limit {
	if d.noToken == nil {
		wait := d.Recent.UntilToken(d.Limits, d.Now)
		if wait == 0 {
			return nil
		}
		d.noToken = &limit{v1alpha1.ReasonRateLimited, rateLimited, metav1.Duration{Duration: wait}}
	}
	return d.noToken
}
