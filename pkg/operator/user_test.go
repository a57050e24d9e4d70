package operator

import (
	"context"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// ownNamespace is where the operator's lease is.
const ownNamespace = "rehome-system"

// rehomeUser adds a user who may do what the manifests let Rehome do, and nothing else.
func rehomeUser(environment *envtest.Environment, admin client.Client) *rest.Config {
	const name = "rehome"
	cluster, own, err := rehometesting.Roles()
	Expect(err).NotTo(HaveOccurred())
	meta, ownMeta := metav1.ObjectMeta{Name: name}, metav1.ObjectMeta{Namespace: ownNamespace, Name: name}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}}
	for _, obj := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ownNamespace}},
		&rbacv1.ClusterRole{ObjectMeta: meta, Rules: cluster},
		&rbacv1.ClusterRoleBinding{ObjectMeta: meta, Subjects: subjects, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name}},
		&rbacv1.Role{ObjectMeta: ownMeta, Rules: own},
		&rbacv1.RoleBinding{ObjectMeta: ownMeta, Subjects: subjects, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name}},
	} {
		Expect(admin.Create(context.Background(), obj)).To(Succeed())
	}
	user, err := environment.AddUser(envtest.User{Name: name}, &rest.Config{QPS: -1})
	Expect(err).NotTo(HaveOccurred())
	return user.Config()
}
