package attempts

import (
	"time"

	"golang.org/x/time/rate"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
)

// Recent is what was recently done to all Clusters together.
type Recent struct {
	// Times are those of all remembered attempts, in order.
	Times []metav1.Time
	// Outcomes are those of the Restores that were remediated last, at most BreakerWindow of them.
	Outcomes []Outcome
	// Position is how many other Clusters are before this one in the queue.
	Position int
}

// bucket returns the token bucket as the attempts left it. It was full before the first, and each took one token.
func bucket(l configv1alpha1.Limits, taken []metav1.Time) *rate.Limiter {
	b := rate.NewLimiter(rate.Every(time.Minute/time.Duration(max(1, l.RemediationsPerMinute))), int(l.RemediationBurst))
	for _, t := range taken {
		b.ReserveN(t.Time, 1)
	}
	return b
}

// UntilToken returns how long it takes until the bucket has a token for the Cluster; zero when it has one now. A Cluster that
// waits leaves the next tokens to the Clusters before it in the queue, so that they do not all retry at the same moment.
func (r Recent) UntilToken(l configv1alpha1.Limits, now metav1.Time) time.Duration {
	b := bucket(l, r.Times)
	wait := b.ReserveN(now.Time, 1).DelayFrom(now.Time)
	if wait == 0 {
		return 0
	}
	for range r.Position {
		wait = b.ReserveN(now.Time, 1).DelayFrom(now.Time)
	}
	return wait
}

// retention is how long attempts are remembered at least: the breaker considers the last remediated Restores of this time.
const retention = 24 * time.Hour

// memory returns how long attempts are remembered: until the bucket is full again after them, and the breaker has closed.
func memory(l configv1alpha1.Limits) time.Duration {
	refill := time.Duration(l.RemediationBurst) * time.Minute / time.Duration(max(1, l.RemediationsPerMinute))
	return max(retention, refill, l.BreakerCoolDown.Duration)
}
