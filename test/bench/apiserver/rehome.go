package apiserver

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// rehome is the name of Rehome's user and of all that gives it rights. The audit policy names it, too.
const rehome = "rehome"

// ownNamespace is where Rehome's lease is.
const ownNamespace = "rehome-system"

// configuration is Rehome's. It logs each decision, which tells when it is made.
const configuration = `apiVersion: config.rehome.kubeblocks.io/v1alpha1
kind: Configuration
metrics: {bindAddress: "0"}
health: {bindAddress: "0"}
logLevel: Trace
`

// Installation is what Rehome needs to run: rights, a kubeconfig and a configuration file.
type Installation struct{ kubeconfig, config string }

// InstallRehome gives Rehome the rights that its manifests do, and nothing else.
func (s *Server) InstallRehome(ctx context.Context) (*Installation, error) {
	if err := s.grant(ctx); err != nil {
		return nil, fmt.Errorf("give Rehome its rights: %w", err)
	}
	user, err := s.environment.AddUser(envtest.User{Name: rehome}, &rest.Config{})
	if err != nil {
		return nil, fmt.Errorf("make a user for Rehome: %w", err)
	}
	kubeconfig, err := user.KubeConfig()
	if err != nil {
		return nil, fmt.Errorf("make Rehome's kubeconfig: %w", err)
	}
	i := &Installation{}
	if i.kubeconfig, err = s.write("rehome.kubeconfig", kubeconfig); err != nil {
		return nil, err
	}
	i.config, err = s.write("rehome.yaml", []byte(configuration))
	return i, err
}

func (s *Server) grant(ctx context.Context) error {
	c, err := client.New(s.Config(), client.Options{})
	if err != nil {
		return err
	}
	everywhere, own, err := rehometesting.Roles()
	if err != nil {
		return err
	}
	name, ownName := metav1.ObjectMeta{Name: rehome}, metav1.ObjectMeta{Namespace: ownNamespace, Name: rehome}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: rehome}}
	for _, obj := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ownNamespace}},
		&rbacv1.ClusterRole{ObjectMeta: name, Rules: everywhere},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: name, Subjects: subjects,
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: rehome},
		},
		&rbacv1.Role{ObjectMeta: ownName, Rules: own},
		&rbacv1.RoleBinding{
			ObjectMeta: ownName, Subjects: subjects,
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: rehome},
		},
	} {
		if err := c.Create(ctx, obj); err != nil {
			return fmt.Errorf("create %T: %w", obj, err)
		}
	}
	return nil
}

// The texts by which Rehome's log tells where it stands.
const (
	// Synced says that the caches hold what the API server does.
	Synced = `"msg":"Starting workers"`
	// Decided says that it was decided what to do about a Cluster.
	Decided = `"msg":"Decided"`
)

// Start starts Rehome as the only manager: one that has to hold a lease ends when the machine is too busy for it.
func (i *Installation) Start(ctx context.Context, binary string) (*Program, error) {
	return i.start(ctx, binary)
}

// StartElected starts Rehome as one of several managers, as the chart does.
func (i *Installation) StartElected(ctx context.Context, binary string) (*Program, error) {
	return i.start(ctx, binary, "--leader-elect", "--leader-election-namespace="+ownNamespace)
}

func (i *Installation) start(ctx context.Context, binary string, flags ...string) (*Program, error) {
	return Run(ctx, i.kubeconfig, []string{Synced, Decided}, binary, append([]string{"manager", "--config=" + i.config}, flags...)...)
}
