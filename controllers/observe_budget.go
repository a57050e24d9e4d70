package controllers

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"
)

const (
	// largeCluster is how many bytes are read to decide about a Cluster before it counts as large. A snapshot has some KiB.
	largeCluster = 64 << 10
	// ruleBytes is what a rule of the Cluster, its Components and its Restores counts as.
	ruleBytes = 256
	// nodeBytes is what a Node counts as, which is read to judge where the Pods of a Cluster can run.
	nodeBytes = 256
	// stepsPerByte is how many steps of that judgement count as a byte.
	stepsPerByte = 10
	// budgetPerSecond and budgetBurst are how many bytes are read for the large Clusters of a Namespace.
	budgetPerSecond, budgetBurst = 256 << 10, 4 << 20
	// After a rewrite, a Cluster does not wait for the time halfway, and for afterRewrite reconciles at most.
	afterRewrite, halfway = 64, time.Minute
	// maxBudgets and maxSmall bound how many Namespaces, and small Clusters of one, are remembered.
	maxBudgets, maxSmall = 1 << 13, 1 << 14
)

// budgets limits what large Clusters cost others: their Namespace has a budget of bytes, and where it is spent they wait. A tenant whose
// Clusters name many large Backups could otherwise keep all cores, and the API server, busy. Clusters that are known to be small never
// wait.
type budgets struct {
	mu         sync.Mutex
	namespaces *lru.Cache
}

// budget is that of a Namespace.
type budget struct {
	limiter *rate.Limiter
	// small holds the names of the Clusters that were small.
	small map[string]bool
	// rewritten holds the Clusters that were rewritten.
	rewritten map[string]*recentRewrite
}

// recentRewrite is of a Cluster whose Restores must follow a rewrite at once: meanwhile a stale Pod can take the node of a volume.
type recentRewrite struct {
	until time.Time
	// left is how many more reconciles do not wait.
	left int
}

// of returns the budget of a Namespace.
func (b *budgets) of(namespace string) *budget {
	if b.namespaces == nil {
		b.namespaces = lru.New(maxBudgets)
	}
	if known, ok := b.namespaces.Get(namespace); ok {
		return known.(*budget)
	}
	next := &budget{limiter: rate.NewLimiter(budgetPerSecond, budgetBurst), small: map[string]bool{}, rewritten: map[string]*recentRewrite{}}
	b.namespaces.Add(namespace, next)
	return next
}

// hasRewritten notes that a Cluster was rewritten.
func (b *budgets) hasRewritten(cluster types.NamespacedName, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	budget := b.of(cluster.Namespace)
	if len(budget.rewritten) >= maxSmall {
		clear(budget.rewritten)
	}
	budget.rewritten[cluster.Name] = &recentRewrite{until: now.Add(halfway), left: afterRewrite}
}

// wait returns how long a Cluster has to wait for its Namespace's budget. One that was small, or has just been rewritten, does not wait.
func (b *budgets) wait(cluster types.NamespacedName, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	budget := b.of(cluster.Namespace)
	if budget.small[cluster.Name] {
		return 0
	}
	missing := -budget.limiter.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	if r := budget.rewritten[cluster.Name]; r != nil && r.left > 0 && now.Before(r.until) {
		r.left--
		return 0
	}
	return time.Duration(missing / budgetPerSecond * float64(time.Second))
}

// spend notes how many bytes were read for a Cluster. Without Backups they say nothing about its size.
func (b *budgets) spend(cluster types.NamespacedName, bytes int, backups bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	budget := b.of(cluster.Namespace)
	if bytes <= largeCluster {
		if len(budget.small) >= maxSmall {
			clear(budget.small)
		}
		if backups {
			budget.small[cluster.Name] = true
		}
		return
	}
	if budget.small[cluster.Name] {
		clear(budget.small) // the others may have grown, too
	}
	// A start reads all Clusters. It must not make them wait for minutes.
	if budget.limiter.TokensAt(now) > -budgetBurst {
		budget.limiter.ReserveN(now, min(bytes, budgetBurst))
	}
}

// waitForBudget returns how long the Cluster has to wait. A skipped one does not wait: nothing is read for it.
func (r *ClusterReconciler) waitForBudget(s *scope) time.Duration {
	if s.skip != "" {
		return 0
	}
	return r.budgets.wait(s.name, r.Clock.Now())
}

// cost returns how many bytes count as read for the Cluster.
func (s *scope) cost() int {
	bytes := s.bytes
	if w := s.world; w != nil {
		bytes += len(w.Nodes)*nodeBytes + w.budget.Steps()/stepsPerByte
	}
	if p := s.observation.Placement; p != nil {
		bytes += p.Steps() / stepsPerByte
	}
	return bytes
}
