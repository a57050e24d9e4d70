package feasibility_test

import (
	"slices"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/pkg/feasibility"
)

func TestGroups(t *testing.T) {
	mysql := pods("mysql", apart(host, "mysql"), "a1", "")
	for name, c := range map[string]struct {
		others []feasibility.Pod
		budget *feasibility.Budget
		same   bool
		judged bool
	}{
		"a rule of its own Pods only":         {pods("proxy", apart(host, "proxy"), "b1"), feasibility.NewBudget(), false, true},
		"a rule of all Pods":                  {pods("proxy", apart(host, ""), "b1"), feasibility.NewBudget(), true, true},
		"a rule of the other Pods":            {pods("proxy", near(zone, "mysql"), ""), feasibility.NewBudget(), true, true},
		"a constraint of all Pods":            {pods("proxy", even(zone, ""), ""), feasibility.NewBudget(), true, true},
		"a rule that already names the Pods":  {pods("proxy", unchanged(apart(host, "")), ""), feasibility.NewBudget(), true, true},
		"a group without a tied volume":       {pods("proxy", apart(host, "proxy"), ""), feasibility.NewBudget(), false, false},
		"with nothing left, all are together": {pods("proxy", apart(host, "proxy"), ""), feasibility.SpentBudget(), true, true},
		"through a third": {
			append(pods("proxy", apart(host, "log"), ""), pods("log", apart(host, "mysql"), "")...), feasibility.NewBudget(), true, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			groups := feasibility.Groups(world(nodes("a1 a2 b1"), mysql, c.others), c.budget)
			g.Expect(groups).To(HaveKey("mysql"))
			if !c.judged {
				g.Expect(groups).NotTo(HaveKey("proxy"))
				return
			}
			g.Expect(groups).To(HaveKey("proxy"))
			matches := Equal(groups["mysql"])
			if !c.same {
				matches = Not(matches)
			}
			g.Expect(groups["proxy"]).To(matches)
		})
	}
}

func TestThePodsOfAPolicyAreInOneGroup(t *testing.T) {
	g := NewWithT(t)
	proxies := pods("proxy", near(zone, "mysql"), "", "b1")
	proxies[1].Stale, proxies[1].Rewritten = unruled(source), unruled(target)

	groups := feasibility.Groups(world(nodes("a1 b1"), pods("mysql", unruled, "a1"), proxies), feasibility.NewBudget())

	g.Expect(groups).To(HaveKeyWithValue("proxy", groups["mysql"]))
}

func TestPodsWithoutRulesAreNotOfOneGroup(t *testing.T) {
	g := NewWithT(t)
	free := slices.Concat(pods("cache", unruled, ""), pods("log", unruled, ""))
	for i := range free {
		free[i].Policy = ""
	}

	groups := feasibility.Groups(world(nodes("a1 b1"), pods("mysql", near(zone, "cache"), "a1"), pods("proxy", near(zone, "log"), "b1"), free),
		feasibility.NewBudget())

	g.Expect(groups).To(HaveKey("proxy"))
	g.Expect(groups).NotTo(HaveKeyWithValue("proxy", groups["mysql"]))
}

func TestNoVolumeIsTiedInNoGroup(t *testing.T) {
	NewWithT(t).Expect(feasibility.Groups(world(nodes("a1"), pods("mysql", apart(host, ""), "")), feasibility.NewBudget())).To(BeEmpty())
}
