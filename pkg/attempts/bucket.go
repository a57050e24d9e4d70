package attempts

import (
	"math"
	"slices"
	"time"

	"golang.org/x/time/rate"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
)

// Recent is what was recently done to the Clusters of one Namespace, and to all.
type Recent struct {
	// Namespace is that of the Cluster that decides, All are all Namespaces.
	Namespace, All Window
	// Own says of each time of All whether it is of the Namespace.
	Own []bool
}

// Window is what was recently done.
type Window struct {
	// Times are those of the attempts, in order.
	Times []metav1.Time
	// Outcomes are those of the Restores that were remediated last, at most BreakerWindow of them.
	Outcomes []Outcome
	// Position is how many other Clusters are before the one that decides in the queue.
	Position int
}

// ofNamespace returns the limits of one Namespace: half of the burst.
func ofNamespace(l configv1alpha1.Limits) configv1alpha1.Limits {
	l.RemediationBurst -= l.RemediationBurst / 2 // rounded up; the largest burst plus one would be negative
	return l
}

// UntilToken returns how long it takes until there is a token for the Cluster, in the bucket of its Namespace and in that of all;
// zero when there is one now.
func (r Recent) UntilToken(l configv1alpha1.Limits, now metav1.Time) time.Duration {
	return max(r.Namespace.untilToken(ofNamespace(l), now), r.All.untilToken(l, now), r.untilShare(l, now))
}

// untilShare returns how long it takes until the Namespace has taken fewer tokens than are left. So one Namespace gets half of the
// tokens, two get a third each, and one that took none finds some. A token that was refilled counts as not taken, the oldest first.
func (r Recent) untilShare(l configv1alpha1.Limits, now metav1.Time) time.Duration {
	burst := float64(l.RemediationBurst)
	level := bucket(l, r.All.Times, now).TokensAt(now.Time)
	for left := level; left <= burst; left = math.Floor(left) + 1 {
		if float64(r.ownOfLast(int(math.Ceil(burst-left)))+1) <= left {
			if left == level {
				return 0
			}
			return time.Duration((left - level + float64(r.All.Position)) * float64(interval(l)))
		}
	}
	return 0 // a burst of 0 has no tokens to share
}

// ownOfLast counts the attempts of the Namespace among the last n of all.
func (r Recent) ownOfLast(n int) int {
	count := 0
	for _, own := range r.Own[max(0, len(r.Own)-n):] {
		if own {
			count++
		}
	}
	return count
}

func interval(l configv1alpha1.Limits) time.Duration {
	return time.Minute / time.Duration(max(1, l.RemediationsPerMinute))
}

// With returns what was recently done with one more attempt, of the Cluster that decides.
func (r Recent) With(now metav1.Time) Recent {
	r.Namespace.Times, r.All.Times = append(slices.Clip(r.Namespace.Times), now), append(slices.Clip(r.All.Times), now)
	r.Own = append(slices.Clip(r.Own), true)
	return r
}

// bucket returns the token bucket as the attempts left it. It was full before the first, and each took one token.
func bucket(l configv1alpha1.Limits, taken []metav1.Time, now metav1.Time) *rate.Limiter {
	b := rate.NewLimiter(rate.Every(interval(l)), int(l.RemediationBurst))
	for _, t := range taken {
		if !InFuture(t, now) {
			b.ReserveN(t.Time, 1)
		}
	}
	return b
}

// untilToken returns how long it takes until a bucket has a token for the Cluster. A Cluster that waits leaves the next tokens to
// the Clusters before it in the queue, so that they do not all retry at the same moment.
func (w Window) untilToken(l configv1alpha1.Limits, now metav1.Time) time.Duration {
	b := bucket(l, w.Times, now)
	wait := b.ReserveN(now.Time, 1).DelayFrom(now.Time)
	if wait == 0 {
		return 0
	}
	for range w.Position {
		wait = b.ReserveN(now.Time, 1).DelayFrom(now.Time)
	}
	return wait
}

// maxSkew is how far clocks may differ. Workers that decide at once differ by less.
const maxSkew = 5 * time.Minute

// InFuture reports whether an attempt's time can only come from a wrong clock, or from somebody else. It limits nothing then: to
// wait until that time could take for ever.
func InFuture(t, now metav1.Time) bool { return t.Sub(now.Time) > maxSkew }

// retention is how long attempts are remembered at least: the breaker considers the last remediated Restores of this time.
const retention = 24 * time.Hour

// memory returns how long attempts are remembered: until the bucket is full again after them, and the breaker has closed.
func memory(l configv1alpha1.Limits) time.Duration {
	tokens := min(time.Duration(l.RemediationBurst), math.MaxInt64/interval(l)) // a Duration has at most 292 years
	return max(retention, tokens*interval(l), l.BreakerCoolDown.Duration)
}
