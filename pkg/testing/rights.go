package testing

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// WithoutVariable is the environment variable that removes a right from Rehome, in the form of Right.String. If no test fails
// then, the right is not needed.
const WithoutVariable = "REHOME_TEST_WITHOUT_RIGHT"

// Right is a verb that may be used on a resource.
type Right struct{ Verb, Group, Resource string }

// String returns the right as "verb resource.group".
func (r Right) String() string {
	return strings.TrimSuffix(r.Verb+" "+r.Resource+"."+r.Group, ".")
}

// RightsOf lists the rights that rules grant.
func RightsOf(rules []rbacv1.PolicyRule) []Right {
	var rights []Right
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					rights = append(rights, Right{verb, group, resource})
				}
			}
		}
	}
	return rights
}

// Granted returns rules without the right that WithoutVariable names.
func Granted(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	removed := os.Getenv(WithoutVariable)
	if removed == "" {
		return rules
	}
	var granted []rbacv1.PolicyRule
	for _, right := range RightsOf(rules) {
		if right.String() != removed {
			granted = append(granted, rbacv1.PolicyRule{
				APIGroups: []string{right.Group}, Resources: []string{right.Resource}, Verbs: []string{right.Verb},
			})
		}
	}
	return granted
}

// BackupsRole is the role for the metric that counts Backups. It is bound only where the metric is on.
const BackupsRole = "rehome-backups"

// Roles returns the cluster-wide rules of config/rbac and those of Rehome's namespace, both after Granted. It leaves out BackupsRole.
func Roles() (cluster, own []rbacv1.PolicyRule, err error) {
	err = eachRole(func(role *rbacv1.ClusterRole) {
		switch {
		case role.Name == BackupsRole:
		case role.Namespace == "":
			cluster = append(cluster, role.Rules...)
		default:
			own = append(own, role.Rules...)
		}
	})
	return slices.Clip(cluster), slices.Clip(own), err
}

// BackupsRules returns the rules of BackupsRole, after Granted.
func BackupsRules() (rules []rbacv1.PolicyRule, err error) {
	err = eachRole(func(role *rbacv1.ClusterRole) {
		if role.Name == BackupsRole {
			rules = role.Rules
		}
	})
	return rules, err
}

// eachRole visits the roles of config/rbac, after Granted.
func eachRole(visit func(*rbacv1.ClusterRole)) error {
	dir, err := fromRoot("config", "rbac")
	if err != nil {
		return err
	}
	manifest, err := os.ReadFile(filepath.Join(dir, "role.yaml"))
	if err != nil {
		return err
	}
	for document := range strings.SplitSeq(string(manifest), "\n---\n") {
		var role rbacv1.ClusterRole // a Role has the same fields
		if err := yaml.UnmarshalStrict([]byte(document), &role); err != nil {
			return fmt.Errorf("read the roles: %w", err)
		}
		role.Rules = Granted(role.Rules)
		visit(&role)
	}
	return nil
}
