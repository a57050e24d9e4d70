package e2e

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/provisioner"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

func (e *testEnv) ruleInTemplate() {
	It("unblocks a restore whose stale rule is in an instance template", func(ctx SpecContext) {
		source := ruleInTemplateSource()
		e.backUp(ctx, source, backupOf(source.Name))
		// A volume in a zone could be mounted on the drained node, too, but not now.
		for _, drained := range e.addNodeToEachZone(ctx, "drained-", fixture.FreeNode) {
			Expect(e.fixture.Cordon(ctx, drained)).To(Succeed())
		}
		c := e.restore(ctx, source.Name, "template")
		// In v0.9.3 and v1.0.0 restore Pods do not have the rule: they all run, and then the database Pod is stuck.
		if e.version.TemplateRestores {
			c.expectStuck(ctx, 1)
		} else {
			_, err := e.fixture.WaitDatabasePodsUnschedulable(ctx, c.name, 1)
			Expect(err).NotTo(HaveOccurred())
			c.expectExplained(ctx, databasePods, staleRule)
		}

		refused := !e.version.TemplateRestores && c.sharesItsPlace(ctx, "data-"+c.name+"-mysql-hot-0")
		if c.tied() && strings.HasPrefix(e.version.Name, "v0.9") {
			refused = true // v0.9 adds a template's rules to the component's, so a Pod's rules are not known
		}

		c.runRehome(ctx)

		if refused {
			c.expectRefused(ctx)
			return
		}
		c.expectRehomed(ctx)
		pods, err := e.fixture.DatabasePods(ctx, c.name)
		Expect(err).NotTo(HaveOccurred())
		Expect(pods).To(HaveLen(fixture.Replicas))
	}, SpecTimeout(specTimeout))
}

// addNodeToEachZone adds a node beside each of the fixture's, and returns their names.
func (e *testEnv) addNodeToEachZone(ctx context.Context, prefix string, nodeOf func(name string) controlplane.Node) []string {
	GinkgoHelper()
	var names []string
	for _, other := range fixture.Nodes() {
		node := nodeOf(prefix + other.Name)
		node.Zone = other.Zone
		e.addNode(ctx, node)
		names = append(names, node.Name)
	}
	return names
}

// databaseRules returns which cluster the anti-affinity of each database Pod names.
func (c *restoredCluster) databaseRules(ctx context.Context) ([]string, error) {
	pods, err := c.targetEnv.DatabasePods(ctx, c.name)
	var names []string
	for i := range pods {
		term := pods[i].Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0]
		names = append(names, term.LabelSelector.MatchLabels[kubeblocks.LabelInstance])
	}
	return names, err
}

// sharesItsPlace reports whether the volume of a claim is tied to the place of another one of the cluster. Then no rule that keeps their
// Pods apart can be met.
func (c *restoredCluster) sharesItsPlace(ctx context.Context, claim string) bool {
	GinkgoHelper()
	places, err := c.targetEnv.Places(ctx, c.name)
	Expect(err).NotTo(HaveOccurred())
	Expect(places).To(HaveKey(claim))
	for name, place := range places {
		if name != claim && place != "" && place == places[claim] {
			return true
		}
	}
	return false
}

// sharesPlaces reports whether any two volumes of the cluster are tied to one place.
func (c *restoredCluster) sharesPlaces(ctx context.Context) bool {
	GinkgoHelper()
	claims, err := c.targetEnv.Claims(ctx, c.name)
	Expect(err).NotTo(HaveOccurred())
	for claim := range claims {
		if c.sharesItsPlace(ctx, claim) {
			return true
		}
	}
	return false
}

// componentWithoutBackup: the component without a backup has no Restore, so its database Pod is stuck from the start.
func (e *testEnv) componentWithoutBackup() {
	It("unblocks a restore of two components, one without a backup", func(ctx SpecContext) {
		source := proxySource()
		e.backUp(ctx, source, backupOf(source.Name))
		c := e.restore(ctx, source.Name, "partly")
		c.expectAllStuck(ctx)
		// One, because KubeBlocks creates the next Pod when the one before it is ready.
		_, err := e.fixture.WaitDatabasePodsUnschedulable(ctx, c.name, 1)
		Expect(err).NotTo(HaveOccurred())
		c.expectExplained(ctx, databasePods, staleRule)

		c.runRehome(ctx)

		c.expectRehomed(ctx)
		c.expectSpread(ctx, fixture.Component)
		c.expectSpread(ctx, fixture.Proxy)
	}, SpecTimeout(specTimeout))
}

// databasePodsStuck: the restore Pods ran on nodes that are cordoned when the database Pods are created. In the zones of these nodes only
// nodes of the source are left. Where volumes are tied to nodes, the database can run only when the nodes are back.
//
// v0.9.3 has no strategy OnDelete and needs none here: it never replaces a Pod that is not healthy.
func (e *testEnv) databasePodsStuck() {
	It("unblocks a restore with stuck database Pods that KubeBlocks does not replace", func(ctx SpecContext) {
		source := onDeleteSource()
		e.backUp(ctx, source, backupOf(source.Name))
		nodes := e.addNodeToEachZone(ctx, "gone-", fixture.OnePodNode)
		c := e.restore(ctx, source.Name, "ondelete")
		started, err := e.fixture.WaitRestorePodsRunning(ctx, c.name, fixture.Replicas)
		Expect(err).NotTo(HaveOccurred())
		for _, node := range nodes {
			Expect(e.fixture.Cordon(ctx, node)).To(Succeed())
		}
		for i := range started {
			Expect(e.fixture.Finish(ctx, &started[i])).To(Succeed())
		}
		_, err = e.fixture.WaitDatabasePodsUnschedulable(ctx, c.name, fixture.Replicas)
		Expect(err).NotTo(HaveOccurred())
		cause := staleRule
		if e.topology == provisioner.Node {
			cause = cordon
		}
		c.expectExplained(ctx, databasePods, cause)

		c.runRehome(ctx)

		const outcome = "True RestoreFinished: " // the rules of a completed Restore are immutable
		if e.topology == provisioner.Node {
			// With the strategy OnDelete, KubeBlocks waits for each Pod that ran before it was re-created.
			Eventually(c.databaseRules).WithContext(ctx).WithTimeout(reportTimeout).Should(And(HaveLen(fixture.Replicas), HaveEach(c.name)))
			for _, node := range nodes {
				Expect(e.fixture.Uncordon(ctx, node)).To(Succeed())
			}
		}
		c.expectRunning(ctx)
		c.expectOutcome(ctx, reportTimeout, outcome)
		c.expectSpread(ctx, fixture.Component)
	}, SpecTimeout(specTimeout))
}
