package e2e

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rehome-operator/rehome/test/controlplane/ports"
	"github.com/rehome-operator/rehome/test/controlplane/provisioner"
	"github.com/rehome-operator/rehome/test/e2e/audit"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
	"github.com/rehome-operator/rehome/test/e2e/kubeblocks"
	"github.com/rehome-operator/rehome/test/e2e/rehome"
)

const (
	// prevents, flaps and repairs name the three ways to restore, and begin the names of the restored Clusters.
	prevents = "on"
	flaps    = "flapping"
	repairs  = "off"
	// flappingTimeout bounds a spec in which leases have to expire.
	flappingTimeout = 8 * time.Minute
)

// webhook: what the scenarios restore ends alike with the webhook, without it, and while it dies and comes back. With it, nothing is
// ever stuck. In the gate, one container restores all with it, because the scenarios are the specs without it.
func (e *testEnv) webhook() {
	newest := e.version == kubeblocks.Versions()[0] && len(e.mode.namespaces) == 0
	BeforeAll(func() { DeferCleanup(e.expectNothingForbidden) })

	Describe(prevents, func() {
		BeforeAll(func(ctx SpecContext) { e.serveWebhook(ctx) }, NodeTimeout(startTimeout))

		// A free node attracts all Pods of a restore, which no repair can undo.
		It("prevents that a restore beside a free node loses its spread", func(ctx SpecContext) {
			e.addNode(ctx, fixture.FreeNode("prevented"))
			before := e.now()
			c := e.restore(ctx, plain, "prevented")
			c.before = c.sourceState(ctx)
			c.expectRunning(ctx)
			c.expectSpread(ctx, fixture.Component)
			c.expectConditions(ctx, reportTimeout, HaveKeyWithValue(policyRehomed, HavePrefix("True Rehomed: ")))
			e.expectPrevented(ctx, before)
		}, SpecTimeout(specTimeout))

		// Rewritten, the rule would not keep restore Pods apart, and the database Pods could not follow their volumes.
		It("leaves a rule that does not select restore Pods to the operator", Label("nightly"), func(ctx SpecContext) {
			node := fixture.FreeNode("unselected")
			e.addNode(ctx, node)
			source := fixture.Source{Name: "managed", Managed: true}
			e.backUpOnce(ctx, source)
			c := e.restore(ctx, source.Name, "unselected")
			c.before = c.sourceState(ctx)
			c.expectRunning(ctx)
			c.expectTrueReport(ctx, node.Name)
		}, SpecTimeout(specTimeout))

		It("prevents that any of the restores is stuck", nightlyUnless(newest), func(ctx SpecContext) {
			e.backUpAll(ctx)
			before := e.now()
			e.expectSameEnd(ctx, e.restoreAll(ctx, prevents))
			e.expectPrevented(ctx, before)
		}, SpecTimeout(2*specTimeout))
	})

	It("leaves restores alike while it dies and comes back", Label("nightly"), func(ctx SpecContext) {
		e.backUpAll(ctx)
		f := e.startFlapping(ctx)
		restored := map[*restoredCluster]scenarioRestore{}
		for _, r := range f.shuffled(e.scenarioRestores()) {
			f.pause(ctx)
			restored[e.restoreScenario(ctx, flaps, r)] = r
		}
		f.settle(ctx)
		e.expectSameEnd(ctx, restored)
	}, SpecTimeout(flappingTimeout))

	It("leaves restores as they are without it", Label("nightly"), func(ctx SpecContext) {
		e.backUpAll(ctx)
		e.runRehome(ctx)
		e.expectSameEnd(ctx, e.restoreAll(ctx, repairs))
	}, SpecTimeout(2*specTimeout))
}

// serveWebhook installs the webhook and runs Rehome with it, until the end of the container or spec.
func (e *testEnv) serveWebhook(ctx context.Context) {
	GinkgoHelper()
	address, err := ports.ReserveAddress()
	Expect(err).NotTo(HaveOccurred())
	e.installWebhook(ctx, address)
	e.runRehome(ctx, rehome.WebhookFlag(address))
}

func (e *testEnv) installWebhook(ctx context.Context, address string) {
	GinkgoHelper()
	uninstall, err := e.rehome.InstallWebhook(ctx, address, e.mode.namespaces...)
	DeferCleanup(uninstall)
	Expect(err).NotTo(HaveOccurred())
}

// scenarioRestore is what a scenario restores.
type scenarioRestore struct {
	name    string
	source  fixture.Source
	request fixture.Request
	// elsewhere restores into another namespace.
	elsewhere bool
	// spread are the components whose replicas the rules keep apart.
	spread []string
	// refusable says that Rehome can refuse to unblock it: the volume of an instance template is restored by itself, and the others can be in
	// zones by then, where the nodes that earlier specs cordoned count, too.
	refusable bool
}

// scenarioRestores has no serial restore: the webhook leaves that to the operator.
func (e *testEnv) scenarioRestores() []scenarioRestore {
	mysql := []string{fixture.Component}
	restores := []scenarioRestore{
		{name: "plain", source: fixture.Source{Name: plain}, spread: mysql},
		{name: "proxy", source: proxySource(), spread: []string{fixture.Component, fixture.Proxy}},
		{name: "ondelete", source: onDeleteSource(), spread: mysql},
		{name: "moved", source: namespacesSource(), request: fixture.Request{From: e.fixture}, elsewhere: true, spread: mysql},
	}
	// Neither the webhook nor the operator can cure a volume in the place of another one.
	ops := e.opsRequestSource()
	if !e.tiesTemplates() || ops.Name == plain {
		restores = append(restores, scenarioRestore{
			name: "ops", source: ops, request: fixture.Request{ByOpsRequest: true}, spread: mysql,
			refusable: ops.InstanceTemplate != "" && e.topology == provisioner.Zone,
		})
	}
	if !e.tiesTemplates() {
		restores = append(restores, scenarioRestore{name: "template", source: ruleInTemplateSource()})
	}
	return restores
}

func (e *testEnv) backUpAll(ctx context.Context) {
	GinkgoHelper()
	for _, r := range e.scenarioRestores() {
		e.backUpOnce(ctx, r.source)
	}
}

// restoreAll restores what all scenarios restore.
func (e *testEnv) restoreAll(ctx context.Context, way string) map[*restoredCluster]scenarioRestore {
	GinkgoHelper()
	restored := map[*restoredCluster]scenarioRestore{}
	for _, r := range e.scenarioRestores() {
		restored[e.restoreScenario(ctx, way, r)] = r
	}
	return restored
}

func (e *testEnv) restoreScenario(ctx context.Context, way string, r scenarioRestore) *restoredCluster {
	GinkgoHelper()
	target := e.fixture
	if r.elsewhere {
		var err error
		target, err = e.fixture.In(ctx, otherNamespace)
		Expect(err).NotTo(HaveOccurred())
	}
	r.request.Backup, r.request.Cluster = backupOf(r.source.Name), way+"-"+r.name
	c := e.restoreInto(ctx, target, r.source.Name, r.request)
	c.before = c.sourceState(ctx)
	return c
}

// expectSameEnd expects that every restore runs, with the spread and the rules of its source, and with its own name in them.
func (e *testEnv) expectSameEnd(ctx context.Context, restored map[*restoredCluster]scenarioRestore) {
	GinkgoHelper()
	for c, r := range restored {
		By("waiting for " + c.name)
		if r.refusable && c.endsRefused(ctx) {
			c.expectTemplateStuck(ctx)
			c.expectRefused(ctx)
			continue
		}
		c.expectRunning(ctx)
		// A Restore of a webhook that came back in time has finished before the operator reads it.
		c.expectConditions(ctx, reportTimeout, HaveKeyWithValue(policyRehomed, Or(HavePrefix("True Rehomed: "), HavePrefix("True RestoreFinished: "))))
		for _, component := range r.spread {
			c.expectSpread(ctx, component)
		}
		c.expectOwnRules(ctx)
	}
}

// endsRefused waits until the cluster runs, or until one of two Restores has finished and Rehome refuses to rewrite a rule of the other, and
// reports whether it does. It has re-created nothing then, so the restore ends as without it.
func (c *restoredCluster) endsRefused(ctx context.Context) (refused bool) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		cluster, err := c.targetEnv.Cluster(ctx, c.name)
		g.Expect(err).NotTo(HaveOccurred())
		phase, _, _ := unstructured.NestedString(cluster.Object, "status", "phase")
		if phase == "Running" {
			return
		}
		conditions, err := c.conditions(ctx)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(conditions).To(And(HaveLen(2), HaveEach(HaveKeyWithValue(policyRehomed, HavePrefix("False VolumesBound: "))),
			ContainElement(HaveKeyWithValue("PrepareData", HavePrefix("True Succeed: ")))))
		// The history can have a rewrite of a preferred rule, which keeps no Pod from a node.
		g.Expect(cluster.GetAnnotations()).NotTo(HaveKeyWithValue("rehome.kubeblocks.io/remediation-history", ContainSubstring("attempts")))
		refused = true
	}).WithContext(ctx).WithTimeout(specTimeout / 2).Should(Succeed())
	return refused
}

// state is what had happened at a time.
type state struct {
	deletions int
	at        time.Time
}

func (e *testEnv) now() state {
	GinkgoHelper()
	return state{audit.Check(e.auditLog()).Checked, time.Now()}
}

// expectPrevented expects that since a time no rule about other Pods has left a Pod without a node, and that Rehome has deleted nothing.
func (e *testEnv) expectPrevented(ctx context.Context, before state) {
	GinkgoHelper()
	Expect(e.refusedByRules(ctx, before.at)).To(BeEmpty())
	Expect(audit.Check(e.auditLog()).Checked).To(Equal(before.deletions))
}

// refusedByRules returns what the scheduler has said since a time about Pods that rules about other Pods leave no node. The Pods of
// differential specs do not count: those can still be going, and some wait for one that is gone.
func (e *testEnv) refusedByRules(ctx context.Context, since time.Time) []string {
	GinkgoHelper()
	var events corev1.EventList
	Expect(e.fixture.Client.List(ctx, &events)).To(Succeed())
	var refused []string
	for i := range events.Items {
		event := &events.Items[i]
		if event.Namespace != metav1.NamespaceDefault && event.Namespace != otherNamespace {
			continue
		}
		if event.Reason == "FailedScheduling" && fixture.IsAboutPods(event.Message) && event.EventTime.After(since) {
			refused = append(refused, event.InvolvedObject.Name+": "+event.Message)
		}
	}
	return refused
}
