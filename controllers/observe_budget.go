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
	// ruleBytes is what a rule of the Cluster itself counts as.
	ruleBytes = 256
	// budgetPerSecond and budgetBurst are how many bytes are read for the large Clusters of a Namespace.
	budgetPerSecond, budgetBurst = 256 << 10, 4 << 20
	// maxBudgets and maxSizes bound how many Namespaces and Clusters are remembered. What was used least recently is forgotten.
	maxBudgets, maxSizes = 1 << 10, 1 << 14
)

// budgets limits what large Clusters cost others: their Namespace has a budget of bytes, and where it is spent they wait. A tenant whose
// Clusters name many large Backups could otherwise keep all cores, and the API server, busy. Clusters that
// are known to be small never wait.
type budgets struct {
	once sync.Once
	// namespaces holds the budgets, small whether a Cluster was small.
	namespaces, small *lru.Cache
}

func (b *budgets) init() {
	b.once.Do(func() { b.namespaces, b.small = lru.New(maxBudgets), lru.New(maxSizes) })
}

// wait returns how long a Cluster has to wait: unless it was small before, while its Namespace's budget is spent.
func (b *budgets) wait(cluster types.NamespacedName, now time.Time) time.Duration {
	b.init()
	budget, spent := b.namespaces.Get(cluster.Namespace)
	if small, known := b.small.Get(cluster); !spent || known && small.(bool) {
		return 0
	}
	missing := -budget.(*rate.Limiter).TokensAt(now)
	return max(0, time.Duration(missing/budgetPerSecond*float64(time.Second)))
}

// spend notes how many bytes were read for a Cluster. One that was large stays so, and one without Backups says nothing about its size:
// else its owner could make it small in between.
func (b *budgets) spend(cluster types.NamespacedName, bytes int, backups bool, now time.Time) {
	b.init()
	if bytes <= largeCluster {
		if _, known := b.small.Get(cluster); !known && backups {
			b.small.Add(cluster, true)
		}
		return
	}
	b.small.Add(cluster, false)
	budget, known := b.namespaces.Get(cluster.Namespace)
	if !known {
		budget = rate.NewLimiter(budgetPerSecond, budgetBurst)
		b.namespaces.Add(cluster.Namespace, budget)
	}
	// What a start reads at once must not make Clusters wait for minutes.
	if limiter := budget.(*rate.Limiter); limiter.TokensAt(now) > -budgetBurst {
		limiter.ReserveN(now, min(bytes, budgetBurst))
	}
}
