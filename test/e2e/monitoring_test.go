package e2e

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/rehome-operator/rehome/test/controlplane/ports"
	"github.com/rehome-operator/rehome/test/controlplane/repository"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
	"github.com/rehome-operator/rehome/test/e2e/prometheus"
)

// answerTimeout bounds the time until every panel shows a change: a rate needs two scrapes.
const answerTimeout = 30 * time.Second

// monitoring runs a real Prometheus while Rehome unblocks a restore. It is the last spec of its container: the other restores there have
// finished, so they must not count as waiting.
func (e *testEnv) monitoring() {
	It("answers every query of the dashboard, and raises no alert", func(ctx SpecContext) {
		c := e.restore(ctx, plain, "watched")
		_, err := e.fixture.WaitRestorePodsUnschedulable(ctx, c.name, fixture.Replicas)
		Expect(err).NotTo(HaveOccurred())
		c.record(ctx)
		e.setMode(ctx, "Observe")
		server := e.scrapedRehome(ctx)
		unanswered := panelQueries()
		Expect(unanswered).To(HaveLen(19))

		By("querying while the restore is stuck")
		Eventually(server.Ask).WithContext(ctx).WithArguments(`rehome_restores{reason="Observed"}`).WithTimeout(answerTimeout).Should(Equal([]float64{1}))
		Expect(server.Ask(ctx, `rehome_restores_waiting`)).To(Equal([]float64{1}))
		Expect(server.Ask(ctx, waitingSince)).To(BeEmpty(), "Rehome only observes")
		deleteAnswered(ctx, server, unanswered)

		By("querying after Rehome unblocked it")
		e.setMode(ctx, "Enforce")
		c.expectRehomed(ctx)
		// The Cluster is named for a second or two. These two queries of the dashboard have a value then.
		Eventually(server.Ask).WithContext(ctx).WithArguments("last_over_time(" + waitingSince + "[5m])").WithTimeout(answerTimeout).Should(HaveLen(1))
		for _, title := range []string{"Longest wait: longest", "Restored Clusters that wait: {{namespace}}/{{name}}"} {
			Expect(unanswered[title]).To(ContainSubstring(waitingSince))
			delete(unanswered, title)
		}
		Eventually(func() []string {
			deleteAnswered(ctx, server, unanswered)
			return slices.Sorted(maps.Keys(unanswered))
		}).WithContext(ctx).WithTimeout(answerTimeout).Should(BeEmpty(), "queries without a value")
		Expect(server.Ask(ctx, `rehome_remediations_total{action="RecreateRestore",reason="RestoreRecreated"}`)).To(Equal([]float64{1}))
		Expect(server.Ask(ctx, `rehome_unschedulable_seconds_count`)).To(Equal([]float64{1}))
		Expect(server.Ask(ctx, waitingSince)).To(BeEmpty())
		expectHealthyRules(ctx, server)
	}, SpecTimeout(specTimeout))
}

const waitingSince = "rehome_cluster_waiting_since_timestamp_seconds"

// setMode sets the mode of the namespace default.
func (e *testEnv) setMode(ctx context.Context, mode string) {
	GinkgoHelper()
	clientset, err := kubernetes.NewForConfig(e.controlPlane.Config())
	Expect(err).NotTo(HaveOccurred())
	namespaces := clientset.CoreV1().Namespaces()
	namespace, err := namespaces.Get(ctx, e.fixture.Namespace, metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	metav1.SetMetaDataAnnotation(&namespace.ObjectMeta, "rehome.kubeblocks.io/mode", mode)
	_, err = namespaces.Update(ctx, namespace, metav1.UpdateOptions{})
	Expect(err).NotTo(HaveOccurred())
}

// scrapedRehome runs Rehome, and a Prometheus that scrapes its secured endpoint, until the end of the spec.
func (e *testEnv) scrapedRehome(ctx context.Context) *prometheus.Server {
	GinkgoHelper()
	address, err := ports.ReserveAddress()
	Expect(err).NotTo(HaveOccurred())
	e.runRehome(ctx, "--metrics-bind-address="+address)
	By("starting Prometheus")
	server, err := prometheus.Start(ctx, e.controlPlane, prometheus.Target{Address: address, Token: e.metricsToken(ctx)})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(server.Stop)
	return server
}

// metricsToken returns a token of a service account whose only right is to get metrics.
func (e *testEnv) metricsToken(ctx context.Context) string {
	GinkgoHelper()
	clientset, err := kubernetes.NewForConfig(e.controlPlane.Config())
	Expect(err).NotTo(HaveOccurred())
	name := metav1.ObjectMeta{Name: "prometheus"}
	accounts := clientset.CoreV1().ServiceAccounts(e.fixture.Namespace)
	_, err = accounts.Create(ctx, &corev1.ServiceAccount{ObjectMeta: name}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	_, err = clientset.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{
		ObjectMeta: name, Rules: []rbacv1.PolicyRule{{Verbs: []string{"get"}, NonResourceURLs: []string{"/metrics"}}},
	}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	_, err = clientset.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: name,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: e.fixture.Namespace, Name: name.Name}},
	}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	request, err := accounts.CreateToken(ctx, name.Name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	return request.Status.Token
}

// panel is a panel of a dashboard, or a folded row or a dashboard with panels in it.
type panel struct {
	Title   string
	Targets []struct{ Expr, LegendFormat string }
	Panels  []panel
}

func (p panel) all() []panel {
	panels := []panel{p}
	for _, inner := range p.Panels {
		panels = append(panels, inner.all()...)
	}
	return panels
}

// panelQueries returns the queries of the dashboard by panel and legend. Grafana's variables have values.
func panelQueries() map[string]string {
	GinkgoHelper()
	root, err := repository.Root()
	Expect(err).NotTo(HaveOccurred())
	content, err := os.ReadFile(filepath.Join(root, "config", "grafana", "rehome.json"))
	Expect(err).NotTo(HaveOccurred())
	var dashboard panel
	Expect(json.Unmarshal(content, &dashboard)).To(Succeed())
	variables := strings.NewReplacer("$job", "rehome", "$__rate_interval", "1m", "$__interval", "1m", "$__range", "5m")
	queries := map[string]string{}
	for _, panel := range dashboard.all() {
		for _, target := range panel.Targets {
			query := variables.Replace(target.Expr)
			Expect(query).NotTo(ContainSubstring("$"), "an unknown variable")
			queries[panel.Title+": "+target.LegendFormat] = query
		}
	}
	return queries
}

// deleteAnswered deletes the queries that have a value now.
func deleteAnswered(ctx context.Context, server *prometheus.Server, queries map[string]string) {
	GinkgoHelper()
	for title, query := range queries {
		values, err := server.Ask(ctx, query)
		Expect(err).NotTo(HaveOccurred())
		if len(values) > 0 {
			delete(queries, title)
		}
	}
}

// expectHealthyRules expects that Prometheus can evaluate every rule, and that no alert is pending or firing.
func expectHealthyRules(ctx context.Context, server *prometheus.Server) {
	GinkgoHelper()
	rules, err := server.Rules(ctx, nil)
	Expect(err).NotTo(HaveOccurred())
	Expect(rules.Groups).NotTo(BeEmpty())
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			switch rule := rule.(type) {
			case promv1.AlertingRule:
				Expect(rule.Health).To(BeEquivalentTo(promv1.RuleHealthGood), rule.Name)
				Expect(rule.Alerts).To(BeEmpty(), rule.Name)
			case promv1.RecordingRule:
				Expect(rule.Health).To(BeEquivalentTo(promv1.RuleHealthGood), rule.Name)
			}
		}
	}
}
