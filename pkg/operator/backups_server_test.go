package operator

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehomemetrics "github.com/rehome-operator/rehome/pkg/metrics"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// listCounter counts the requests that list Backups, but not those that watch them.
type listCounter struct {
	http.RoundTripper
	lists *atomic.Int32
}

func (c *listCounter) RoundTrip(request *http.Request) (*http.Response, error) {
	if strings.HasSuffix(request.URL.Path, "/backups") && !request.URL.Query().Has("watch") {
		c.lists.Add(1)
	}
	return c.RoundTripper.RoundTrip(request)
}

var _ = Describe("The metric of Backups", Ordered, func() {
	var (
		environment *envtest.Environment
		admin       client.Client
		// lists counts how often the operator listed Backups.
		lists atomic.Int32
	)
	create := func(obj client.Object) {
		GinkgoHelper()
		Expect(admin.Create(context.Background(), obj)).To(Succeed())
	}
	// backUp creates a Backup of a cluster whose rule excludes the nodes of the cluster with a name.
	backUp := func(namespace, name, excluded string) *unstructured.Unstructured {
		GinkgoHelper()
		source := rehometesting.MakeCluster(rehometesting.V10(), namespace, "my1").Component("mysql", rehometesting.Apart(excluded)).Obj()
		backup := rehometesting.MakeBackup(namespace, name).Of(source).Obj()
		create(backup)
		return backup
	}

	BeforeAll(func() {
		var err error
		environment, err = rehometesting.Start(rehometesting.V10())
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(environment.Stop)
		admin, err = client.New(environment.Config, client.Options{})
		Expect(err).NotTo(HaveOccurred())
		for _, namespace := range []string{"shop", "bank", "vault"} {
			create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
			backUp(namespace, "stale", "my1")
		}
		rules, err := rehometesting.BackupsRules()
		Expect(err).NotTo(HaveOccurred())
		create(&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: rehometesting.BackupsRole}, Rules: rules})
		Expect(rehometesting.Grant(context.Background(), admin, "rehome")).To(Succeed())
	})

	// run runs the operator until the end of the spec, and returns what counts Backups by class.
	run := func(settings *configv1alpha1.Configuration) func() map[string]float64 {
		GinkgoHelper()
		user, err := environment.AddUser(envtest.User{Name: "rehome"}, &rest.Config{QPS: -1})
		Expect(err).NotTo(HaveOccurred())
		config := user.Config()
		config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &listCounter{next, &lists} })
		lists.Store(0)
		settings.Health.BindAddress, settings.Metrics.BindAddress = "0", "0"
		registry := prometheus.NewPedanticRegistry()
		m := rehomemetrics.New(registry, "test")
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- Run(ctx, config, settings, m) }()
		DeferCleanup(func() {
			cancel()
			Eventually(ended).WithTimeout(soon).Should(Receive(Succeed()))
		})
		gather := func(name string) map[string]float64 {
			families, err := registry.Gather()
			Expect(err).NotTo(HaveOccurred())
			counts := map[string]float64{}
			for _, family := range families {
				for _, metric := range family.GetMetric() {
					if value := metric.GetGauge().GetValue(); family.GetName() == name && value > 0 {
						label := "" // of a gauge without labels
						for _, l := range metric.GetLabel() {
							label = l.GetValue()
						}
						counts[label] = value
					}
				}
			}
			return counts
		}
		Eventually(func() map[string]float64 { return gather("rehome_ready") }).WithTimeout(soon).Should(HaveLen(1))
		return func() map[string]float64 { return gather("rehome_backups") }
	}
	bind := func(binding client.Object) {
		GinkgoHelper()
		create(binding)
		DeferCleanup(func() { Expect(admin.Delete(context.Background(), binding)).To(Succeed()) })
	}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "rehome"}}
	role := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: rehometesting.BackupsRole}

	It("follows the Backups of all Namespaces", func() {
		bind(&rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "backups"}, RoleRef: role, Subjects: subjects})
		settings := configv1alpha1.Defaults()
		settings.Metrics.Backups = true
		counts := run(settings)
		Eventually(counts).WithTimeout(soon).Should(Equal(map[string]float64{string(audit.Hangs): 3}))
		listed := lists.Load() // more than once, if the API server did not know the new right at once

		By("a Backup without a snapshot")
		unread := backUp("shop", "unread", "my1")
		unread.SetAnnotations(map[string]string{kubeblocks.AnnotationClusterSnapshot: "{"})
		Expect(admin.Update(context.Background(), unread)).To(Succeed())
		Eventually(counts).WithTimeout(soon).Should(Equal(map[string]float64{string(audit.Hangs): 3, string(audit.Unreadable): 1}))

		By("a Backup that is deleted")
		Expect(admin.Delete(context.Background(), unread)).To(Succeed())
		Eventually(counts).WithTimeout(soon).Should(Equal(map[string]float64{string(audit.Hangs): 3}))

		Expect(lists.Load()).To(Equal(listed), "what changes is watched")
	})

	It("follows those of watched Namespaces, with rights there only", func() {
		for _, namespace := range []string{"shop", "bank"} {
			bind(&rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "backups"}, RoleRef: role, Subjects: subjects})
		}
		settings := configv1alpha1.Defaults()
		settings.Metrics.Backups, settings.WatchNamespaces = true, []string{"shop", "bank"}

		Eventually(run(settings)).WithTimeout(soon).Should(Equal(map[string]float64{string(audit.Hangs): 2}))
	})

	It("is absent while Backups may not be listed, and the operator is ready", func() {
		settings := configv1alpha1.Defaults()
		settings.Metrics.Backups = true

		Consistently(run(settings)).Should(BeEmpty())
	})

	It("is absent by default", func() {
		bind(&rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "backups"}, RoleRef: role, Subjects: subjects})

		Consistently(run(configv1alpha1.Defaults())).Should(BeEmpty())
	})
})
