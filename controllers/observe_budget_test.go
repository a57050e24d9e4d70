package controllers

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
)

func TestALargeClusterWaitsWhileTheBudgetOfItsNamespaceIsSpent(t *testing.T) {
	g := NewWithT(t)
	b, now := &budgets{}, time.Now()
	tenant := func(i int) types.NamespacedName {
		return types.NamespacedName{Namespace: "tenant", Name: fmt.Sprint(i)}
	}
	small, other := tenant(-1), types.NamespacedName{Namespace: "other", Name: "large"}
	for i := range budgetBurst/budgetPerSecond + 1 {
		g.Expect(b.wait(tenant(i), now)).To(BeZero())
		b.spend(tenant(i), budgetPerSecond, true, now)
	}
	b.spend(other, largeCluster+1, true, now)
	b.spend(small, largeCluster, true, now)

	g.Expect(b.wait(tenant(0), now)).To(Equal(time.Second), "one second's bytes are missing")
	g.Expect(b.wait(tenant(0), now.Add(time.Second))).To(BeZero())
	g.Expect(b.wait(tenant(99), now)).To(Equal(time.Second), "its size is not known")
	g.Expect(b.wait(small, now)).To(BeZero())
	g.Expect(b.wait(other, now)).To(BeZero())

	b.spend(tenant(99), 0, false, now)
	g.Expect(b.wait(tenant(99), now)).To(Equal(time.Second), "its Backups were not read")
}

func TestALargeClusterWaitsForHalfAMinuteAtMost(t *testing.T) {
	g := NewWithT(t)
	b, now, cluster := &budgets{}, time.Now(), types.NamespacedName{Namespace: "tenant", Name: "large"}
	for range 1000 {
		b.spend(cluster, 2*budgetBurst, true, now)
	}

	g.Expect(b.wait(cluster, now)).To(And(BeNumerically(">", 0), BeNumerically("<=", 32*time.Second)))
}

func TestAClusterThatGrowsMakesTheOthersOfItsNamespaceUnknown(t *testing.T) {
	g := NewWithT(t)
	b, now := &budgets{}, time.Now()
	tenant := func(i int) types.NamespacedName {
		return types.NamespacedName{Namespace: "tenant", Name: fmt.Sprint(i)}
	}
	for i := range 1000 {
		b.spend(tenant(i), largeCluster, true, now)
	}
	admitted := 0
	for i := range 1000 {
		if b.wait(tenant(i), now) == 0 {
			admitted++
			b.spend(tenant(i), 1<<20, true, now)
		}
	}

	g.Expect(admitted).To(Equal(budgetBurst>>20 + 1))
}

func TestWhatIsRememberedOfClustersIsBounded(t *testing.T) {
	g := NewWithT(t)
	b, now := &budgets{}, time.Now()
	for i := range maxBudgets + 1 {
		b.spend(types.NamespacedName{Namespace: fmt.Sprint(i), Name: "small"}, 0, true, now)
	}
	for i := range maxSmall + 1 {
		b.spend(types.NamespacedName{Namespace: "tenant", Name: fmt.Sprint(i)}, 0, true, now)
	}

	g.Expect(b.namespaces.Len()).To(Equal(maxBudgets))
	g.Expect(len(b.of("tenant").small)).To(BeNumerically("<=", maxSmall))
}
