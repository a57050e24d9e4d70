package controllers

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

const (
	// requeueAfterAction is when to observe after an action, even if no event comes.
	requeueAfterAction = time.Second
	// requeueForbidden is when to try again what the API server refused: no event says when it would allow it.
	requeueForbidden = 5 * time.Minute
	// minInterval, maxClaimInterval and maxBackupInterval bound when to read a volume claim or a Backup again that does not exist yet.
	// Neither is watched.
	minInterval       = time.Second
	maxClaimInterval  = time.Minute
	maxBackupInterval = 5 * time.Minute
	// backupPatience is the age of a Cluster until which a missing Backup is read again. Later, another change of the Cluster or of its
	// Restores has it read.
	backupPatience = time.Hour
	// scrapeTimeout bounds how long a scrape waits for the cache, which a new leader has not filled yet.
	scrapeTimeout = time.Second
)

// errStarted says that something has started since the observation, or may start at any moment. errPolicyChanged says that the
// owner decided otherwise, and that the cache does not know it yet.
var (
	errStarted       = errors.New("it has started since, or may start now")
	errPolicyChanged = errors.New("the Rehoming or the Namespace has changed since")
)

// isStale reports whether an action failed only because the objects changed after the observation.
func isStale(err error) bool {
	return errors.Is(err, errStarted) || errors.Is(err, errPolicyChanged) || patch.IsStale(err)
}

// joined joins errors. Stale answers count only where nothing else failed.
func joined(errs ...error) error {
	var stale, failed []error
	for _, err := range errs {
		if isStale(err) {
			stale = append(stale, err)
		} else {
			failed = append(failed, err)
		}
	}
	return cmp.Or(errors.Join(failed...), errors.Join(stale...))
}

// isAnswered reports whether the API server answered. Where it did not, further requests would wait as long.
func isAnswered(err error) bool {
	var answer apierrors.APIStatus
	return err == nil || isStale(err) || errors.As(err, &answer)
}

// maxStaleBackoff bounds how long a reconcile waits after many stale answers in a row.
const maxStaleBackoff = 32 * time.Second

// loudlyStale is how many stale answers in a row are logged: one or two are usual while the cache catches up.
const loudlyStale = 3

// staleAnswers counts, by Cluster, the stale answers in a row. A new process starts at zero.
type staleAnswers struct {
	mu     sync.Mutex
	counts map[types.NamespacedName]int
}

// next counts one more stale answer, and returns how many there were and how long to wait.
func (s *staleAnswers) next(name types.NamespacedName) (int, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = map[types.NamespacedName]int{}
	}
	s.counts[name]++
	n := s.counts[name]
	return n, min(batchPeriod<<min(n-1, 10), maxStaleBackoff)
}

// forget resets the count.
func (s *staleAnswers) forget(name types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.counts, name)
}

// result turns a plan and the error of its action or report into that of a reconcile. A failed precondition is not an error: the
// Cluster is observed again when the cache has the write that made the observation stale, and later each time. KubeBlocks writes a
// Cluster's status whenever its spec changed. After an action the Cluster is observed again, too: the next action need not come
// with an event.
func (r *ClusterReconciler) result(ctx context.Context, s *scope, plan remedy.Plan, err error) (ctrl.Result, error) {
	if isStale(err) {
		count, wait := r.stale.next(s.name)
		if count >= loudlyStale {
			logf.FromContext(ctx).Info("The Cluster's objects keep changing while they are remediated", "times", count, "requeueAfter", wait, "cause", err.Error())
		}
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	r.stale.forget(s.name)
	switch {
	case err != nil:
		return ctrl.Result{}, err
	case len(plan.Actions) > 0:
		return ctrl.Result{RequeueAfter: requeueAfterAction}, nil
	case plan.RequeueAfter.Duration == 0 && slices.ContainsFunc(s.restores, func(restore restoreScope) bool { return restore.refused != "" }):
		return ctrl.Result{RequeueAfter: requeueForbidden}, nil
	default:
		return ctrl.Result{RequeueAfter: plan.RequeueAfter.Duration}, nil
	}
}

// unannounced returns when to read again what no event announces: the older the Cluster, the less often, but within the limit. The owner
// of a Namespace can create many Clusters whose claims or Backups never come.
func (r *ClusterReconciler) unannounced(s *scope, limit time.Duration) time.Duration {
	return interval(r.Clock.Since(s.cluster.CreationTimestamp.Time), limit)
}

func interval(age, limit time.Duration) time.Duration { return min(max(age/4, minInterval), limit) }

func (r *ClusterReconciler) now() metav1.Time { return metav1.NewTime(r.Clock.Now()) }
