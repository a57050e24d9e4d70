package controllers

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/attempts"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// plan decides what to do. Other Clusters matter only where attempts are made: these are reserved.
func (r *ClusterReconciler) plan(ctx context.Context, s *scope) (remedy.Plan, error) {
	plan := remedy.Decide(s.observation)
	if len(remedy.Attempts(plan.Actions)) > 0 {
		var err error
		if plan, err = r.reserve(ctx, s); err != nil {
			return remedy.Plan{}, err
		}
	} else {
		r.Attempts.Dequeue(s.name)
	}
	logPlan(ctx, s, plan)
	return plan, nil
}

// countedOf returns the actions that count as attempts.
func countedOf(actions []remedy.Action) []remedy.Action {
	return slices.DeleteFunc(slices.Clone(actions), func(a remedy.Action) bool { return a.Attempt() == nil })
}

// reserve decides again with the recent attempts on all Clusters, and reserves the attempts of the actions that are taken. A Cluster
// that takes tokens and needs more goes to the end of the queue.
func (r *ClusterReconciler) reserve(ctx context.Context, s *scope) (plan remedy.Plan, err error) {
	err = r.Attempts.Exclusively(func() error {
		recent, err := r.recentAttempts(ctx, s.cluster.Namespace)
		if err != nil {
			return err
		}
		recent.Namespace.Position, recent.All.Position = r.Attempts.Position(s.name)
		s.observation.Recent = recent
		plan = remedy.Decide(s.observation)
		reserved := remedy.Attempts(plan.Next())
		for _, key := range reserved {
			r.Attempts.Reserve(s.attempt(key), r.Config.Limits)
		}
		if len(reserved) > 0 || !plan.RateLimited {
			r.Attempts.Dequeue(s.name)
		}
		if plan.RateLimited {
			r.Attempts.Enqueue(s.name)
		}
		return nil
	})
	return plan, err
}

// attempt is one that is made now.
func (s *scope) attempt(key attempts.Key) attempts.Attempt {
	return attempts.Attempt{Namespace: s.cluster.Namespace, Cluster: s.cluster.Name, Key: key, Time: s.observation.Now}
}

// recentAttempts returns the attempts on the Clusters of a Namespace and on all, and the outcomes of the last.
func (r *ClusterReconciler) recentAttempts(ctx context.Context, namespace string) (recent attempts.Recent, err error) {
	list, err := r.Attempts.All(r.now(), func() ([]attempts.Attempt, error) { return r.recordedAttempts(ctx) })
	if err != nil {
		return attempts.Recent{}, err
	}
	own, all := attempts.Of(namespace, list)
	recent.Namespace.Times, recent.All.Times, recent.Own = attempts.Times(own), attempts.Times(all), attempts.In(namespace, all)
	if recent.Namespace.Outcomes, err = r.outcomesOf(ctx, attempts.LastOf(remedy.KindRestore, own)); err != nil {
		return attempts.Recent{}, err
	}
	recent.All.Outcomes, err = r.outcomesOf(ctx, attempts.LastOfAll(remedy.KindRestore, all))
	return recent, err
}

func (r *ClusterReconciler) outcomesOf(ctx context.Context, last []attempts.Attempt) ([]attempts.Outcome, error) {
	var outcomes []attempts.Outcome
	for _, a := range last {
		outcome, err := r.outcomeOf(ctx, a)
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, outcome)
	}
	return outcomes, nil
}

// recordedAttempts returns the attempts in the histories of all Clusters.
func (r *ClusterReconciler) recordedAttempts(ctx context.Context) ([]attempts.Attempt, error) {
	var clusters kubeblocks.ClusterList
	if err := r.Client.List(ctx, &clusters); err != nil {
		return nil, fmt.Errorf("list Clusters: %w", err)
	}
	var all []attempts.Attempt
	for i := range clusters.Items {
		c := &clusters.Items[i]
		for _, a := range historyOf(c).Attempts {
			all = append(all, attempts.Attempt{Namespace: c.Namespace, Cluster: c.Name, Key: a.Key, Time: a.Time})
		}
	}
	return all, nil
}

func historyOf(c *kubeblocks.Cluster) remedy.History {
	return remedy.ReadHistory(c.Annotations[v1alpha1.AnnotationHistory], c.UID)
}

// outcomeOf finds a Pod that was created for a Restore since its remediation, and that is Unschedulable.
func (r *ClusterReconciler) outcomeOf(ctx context.Context, a attempts.Attempt) (attempts.Outcome, error) {
	pods, err := r.podsOfRestore(ctx, a)
	if err != nil {
		return attempts.Outcome{}, fmt.Errorf("list Pods of a remediated Restore: %w", err)
	}
	outcome := attempts.Outcome{Time: a.Time}
	// The API server keeps whole seconds of a creation time.
	remediated := metav1.NewTime(a.Time.Truncate(time.Second))
	for i := range pods {
		pod := &pods[i]
		if message := kubeblocks.Unschedulable(pod); message != "" && !pod.CreationTimestamp.Before(&remediated) {
			outcome.Unschedulable = message
		}
	}
	return outcome, nil
}

// podsOfRestore returns the cached Pods of the Restore that an attempt re-created. No Pod is labelled with a name that is longer than
// a label's value: then the names of the Pods' Jobs show it.
func (r *ClusterReconciler) podsOfRestore(ctx context.Context, a attempts.Attempt) ([]corev1.Pod, error) {
	var pods corev1.PodList
	if len(validation.IsValidLabelValue(a.Key.Name)) == 0 {
		err := r.Client.List(ctx, &pods, labelled(a.Namespace, kubeblocks.LabelRestore, a.Key.Name)...)
		return pods.Items, err
	}
	restore := &kubeblocks.Restore{}
	if err := r.Client.Get(ctx, types.NamespacedName{Namespace: a.Namespace, Name: a.Key.Name}, restore); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	err := r.Client.List(ctx, &pods, labelled(a.Namespace, kubeblocks.LabelInstance, a.Cluster)...)
	return slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool { return !kubeblocks.OfRestoreJob(&p, restore) }), err
}

// BreakerOpen reports whether a breaker is open now: that of all Namespaces, or that of one. It is an error when the cache cannot be
// read yet.
func (r *ClusterReconciler) BreakerOpen() (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	list, err := r.Attempts.All(r.now(), func() ([]attempts.Attempt, error) { return r.recordedAttempts(ctx) })
	if err != nil {
		return false, err
	}
	// With fewer attempts, the breaker of a Namespace cannot be open. The empty name stands for that of all.
	count := map[string]int{"": attempts.BreakerWindow}
	for _, a := range list {
		count[a.Namespace]++
	}
	for namespace, attempted := range count {
		if 2*attempted <= attempts.BreakerWindow {
			continue
		}
		recent, err := r.recentAttempts(ctx, namespace)
		if err != nil {
			return false, err
		}
		if reason, _ := recent.Breaker(r.Config.Limits.BreakerCoolDown.Duration, r.now()); reason != "" {
			return true, nil
		}
	}
	return false, nil
}
