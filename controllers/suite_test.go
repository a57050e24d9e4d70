package controllers_test

import (
	"context"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

func TestControllers(t *testing.T) {
	logf.SetLogger(logr.Discard()) // each environment has a log of its own
	RegisterFailHandler(Fail)
	RunSpecs(t, "Controllers")
}

// server is an API server with one generation of KubeBlocks' kinds.
type server struct {
	// apps is the version that Rehome discovers.
	apps schema.GroupVersion
	// admin may do everything: with it a test plays KubeBlocks and the cluster's owner.
	admin client.Client
	// rehome has the rights of config/rbac/role.yaml.
	rehome client.WithWatch
	// observer has the same rights, except those that mode Observe must not use.
	observer client.WithWatch
}

// servers holds the API server of each generation, by the version in which it stores Clusters.
var servers = map[schema.GroupVersion]*server{}

var _ = BeforeSuite(func() {
	generations := []rehometesting.Generation{rehometesting.V09(), rehometesting.V10()}
	started := make([]*server, len(generations))
	var wait sync.WaitGroup
	for i, generation := range generations {
		wait.Go(func() {
			defer GinkgoRecover()
			started[i] = start(generation)
		})
	}
	wait.Wait()
	for i, generation := range generations {
		servers[generation.Apps] = started[i]
	}
})

func start(generation rehometesting.Generation) *server {
	GinkgoHelper()
	environment, err := rehometesting.Start(generation)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(environment.Stop)

	s := &server{apps: discover(environment.Config)}
	scheme := schemeOf(s.apps)
	s.admin, err = client.New(environment.Config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	createRole(s.admin)
	as := func(user *rest.Config) client.WithWatch {
		c, err := client.NewWithWatch(user, client.Options{Scheme: scheme})
		Expect(err).NotTo(HaveOccurred())
		return c
	}
	s.rehome, s.observer = as(boundToRole(environment, s.admin, "rehome")), as(observerUser(environment, s.admin))
	awaitPolicy(s.admin, as(allowedObserver(environment)))
	return s
}

// schemeOf returns a scheme with the views of KubeBlocks' kinds in a version.
func schemeOf(apps schema.GroupVersion) *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	kubeblocks.AddToScheme(scheme, apps)
	v1alpha1.AddToScheme(scheme)
	return scheme
}

func discover(cfg *rest.Config) schema.GroupVersion {
	GinkgoHelper()
	httpClient, err := rest.HTTPClientFor(cfg)
	Expect(err).NotTo(HaveOccurred())
	mapper, err := apiutil.NewDynamicRESTMapper(cfg, httpClient)
	Expect(err).NotTo(HaveOccurred())
	apps, err := kubeblocks.Discover(mapper)
	Expect(err).NotTo(HaveOccurred())
	return apps
}

// roleName is the name of the role that has all rules of the manifest.
const roleName = "rehome-manager"

// createRole creates what the manifest lets Rehome do.
func createRole(admin client.Client) {
	GinkgoHelper()
	rules, _, err := rehometesting.Roles()
	Expect(err).NotTo(HaveOccurred())
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: roleName}, Rules: rules}
	Expect(admin.Create(context.Background(), role)).To(Succeed())
}

// boundToRole adds a user who may do what the role says, and nothing else.
func boundToRole(environment *envtest.Environment, admin client.Client, name string) *rest.Config {
	GinkgoHelper()
	binding := &rbacv1.ClusterRoleBinding{
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: roleName},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
	}
	binding.Name = name
	Expect(admin.Create(context.Background(), binding)).To(Succeed())
	user, err := environment.AddUser(envtest.User{Name: name}, &rest.Config{QPS: -1})
	Expect(err).NotTo(HaveOccurred())
	return user.Config()
}
