package controllers

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/pkg/feasibility"
	"github.com/rehome-operator/rehome/pkg/remedy"
	"github.com/rehome-operator/rehome/pkg/rewrite"
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

// Its Restores must follow at once, whatever the decision has cost.
func TestAClusterDoesNotWaitAfterItsRewrite(t *testing.T) {
	g := NewWithT(t)
	b, now := &budgets{}, time.Now()
	cluster, other := types.NamespacedName{Namespace: "tenant", Name: "rewritten"}, types.NamespacedName{Namespace: "tenant", Name: "other"}
	b.hasRewritten(cluster, now)
	for range afterRewrite {
		g.Expect(b.wait(cluster, now)).To(BeZero(), "nothing is spent yet, so this is for free")
	}
	for range 3 {
		b.spend(other, budgetBurst, true, now)
	}

	for range afterRewrite {
		g.Expect(b.wait(cluster, now)).To(BeZero())
	}
	g.Expect(b.wait(cluster, now)).To(BeNumerically(">", 0), "a tenant could otherwise have it reconciled all the time")
	g.Expect(b.wait(other, now)).To(BeNumerically(">", 0))
	b.hasRewritten(cluster, now.Add(-halfway))
	g.Expect(b.wait(cluster, now)).To(BeNumerically(">", 0), "the rewrite was long ago")
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

// TestAJudgementCounts has two Pods that must keep apart, and whose volumes are on one node.
func TestAJudgementCounts(t *testing.T) {
	g := NewWithT(t)
	labels := map[string]string{"app": "db"}
	apart := &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{
		{TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{MatchLabels: labels}},
	}}}
	var w feasibility.World
	for i := range 5 {
		name := fmt.Sprint("n", i)
		w.Nodes = append(w.Nodes, corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}}})
	}
	for i := range 2 {
		w.Pods = append(w.Pods, feasibility.Pod{
			Name: fmt.Sprint("pod", i), Labels: labels, Policy: "/spec/componentSpecs/0/schedulingPolicy", Rewritten: feasibility.Rules{Affinity: apart},
			Volumes: []feasibility.Volume{{Claim: fmt.Sprint("data", i), Node: "n0"}},
		})
	}
	s := &scope{bytes: 7, world: &world{World: w, budget: feasibility.NewBudget()}}
	g.Expect(s.cost()).To(Equal(7 + 5*nodeBytes))

	feasibility.DecideWithin(w, s.world.budget)
	judged := s.cost()
	g.Expect(judged).To(BeNumerically(">", 7+5*nodeBytes))

	s.observation.Placement = &remedy.Placement{World: &w}
	s.observation.Inherited = []rewrite.Finding{{Class: rewrite.SourceIdentity}}
	s.observation.Live.Edits = []rewrite.Edit{{Path: "/spec/componentSpecs/0/schedulingPolicy/affinity"}}
	remedy.Decide(s.observation)
	g.Expect(s.cost()).To(BeNumerically(">", judged))
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

	for i := range maxSmall + 1 {
		b.hasRewritten(types.NamespacedName{Namespace: "tenant", Name: fmt.Sprint(i)}, now)
	}

	g.Expect(len(b.of("tenant").rewritten)).To(BeNumerically("<=", maxSmall))
	g.Expect(b.namespaces.Len()).To(Equal(maxBudgets))
	g.Expect(len(b.of("tenant").small)).To(BeNumerically("<=", maxSmall))
}
