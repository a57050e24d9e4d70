package controllers_test

import (
	"context"
	"encoding/json"
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
	// admin may do everything: with it a test plays KubeBlocks and the cluster's owner.
	admin client.Client
	// rehome has the rights of config/rbac/role.yaml.
	rehome client.WithWatch
	// observer has the same rights, except those that mode Observe must not use.
	observer client.WithWatch
}

// servers holds the API server of each generation, by the version in which it stores Clusters. One serves all that store v1: which of
// its kinds a reconciler knows of is a matter of the env.
var servers = map[schema.GroupVersion]*server{}

// The processes of a run share the API servers, which the first starts.
var _ = SynchronizedBeforeSuite(func() []byte {
	generations := []rehometesting.Generation{rehometesting.V09(), rehometesting.V11()}
	started := make([]access, len(generations))
	inParallel([]int{0, 1}, func(i int) { started[i] = start(generations[i]) })
	data, err := json.Marshal(started)
	Expect(err).NotTo(HaveOccurred())
	return data
}, func(data []byte) {
	var started []access
	Expect(json.Unmarshal(data, &started)).To(Succeed())
	for _, a := range started {
		servers[a.Apps] = a.connect()
	}
})

// access is what a process needs to use an API server.
type access struct {
	Apps                    schema.GroupVersion
	Admin, Rehome, Observer credentials
}

// credentials are those of a user.
type credentials struct {
	Host          string
	CA, Cert, Key []byte
}

func credentialsOf(c *rest.Config) credentials {
	return credentials{c.Host, c.CAData, c.CertData, c.KeyData}
}

func start(generation rehometesting.Generation) access {
	GinkgoHelper()
	environment, err := rehometesting.Start(generation)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(environment.Stop)

	a := access{Apps: discover(environment.Config), Admin: credentialsOf(environment.Config)}
	admin := a.Admin.client(a.Apps)
	createRole(admin)
	a.Rehome = credentialsOf(boundToRole(environment, admin, "rehome"))
	a.Observer = credentialsOf(observerUser(environment, admin))
	allowed, err := client.New(allowedObserver(environment), client.Options{Scheme: admin.Scheme()})
	Expect(err).NotTo(HaveOccurred())
	awaitPolicy(admin, allowed)
	return a
}

func (a access) connect() *server {
	GinkgoHelper()
	return &server{admin: a.Admin.client(a.Apps), rehome: a.Rehome.client(a.Apps), observer: a.Observer.client(a.Apps)}
}

func (c credentials) client(apps schema.GroupVersion) client.WithWatch {
	GinkgoHelper()
	config := &rest.Config{Host: c.Host, QPS: -1, TLSClientConfig: rest.TLSClientConfig{CAData: c.CA, CertData: c.Cert, KeyData: c.Key}}
	withWatch, err := client.NewWithWatch(config, client.Options{Scheme: schemeOf(apps)})
	Expect(err).NotTo(HaveOccurred())
	return withWatch
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
	served, err := kubeblocks.Discover(mapper)
	Expect(err).NotTo(HaveOccurred())
	return served.Apps
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
