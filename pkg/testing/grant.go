package testing

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// OwnNamespace is the namespace of Rehome and its lease.
const OwnNamespace = "rehome-system"

// Grant gives a user the rights of Rehome in the manifests, and no others. It creates OwnNamespace.
func Grant(ctx context.Context, c client.Client, user string) error {
	cluster, own, err := Roles()
	if err != nil {
		return err
	}
	meta, ownMeta := metav1.ObjectMeta{Name: user}, metav1.ObjectMeta{Namespace: OwnNamespace, Name: user}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}}
	role := func(kind string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: user}
	}
	for _, obj := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: OwnNamespace}},
		&rbacv1.ClusterRole{ObjectMeta: meta, Rules: cluster},
		&rbacv1.ClusterRoleBinding{ObjectMeta: meta, Subjects: subjects, RoleRef: role("ClusterRole")},
		&rbacv1.Role{ObjectMeta: ownMeta, Rules: own},
		&rbacv1.RoleBinding{ObjectMeta: ownMeta, Subjects: subjects, RoleRef: role("Role")},
	} {
		if err := c.Create(ctx, obj); err != nil {
			return fmt.Errorf("create %T: %w", obj, err)
		}
	}
	return nil
}
