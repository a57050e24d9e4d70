package chart

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// objects are the objects of one rendering.
type objects []*unstructured.Unstructured

// parse reads YAML documents. Each must be an object or empty.
func parse(t *testing.T, text string) objects {
	t.Helper()
	g := NewWithT(t)
	var list objects
	for documents := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096); ; {
		object := &unstructured.Unstructured{}
		err := documents.Decode(object)
		if errors.Is(err, io.EOF) {
			return list
		}
		g.Expect(err).NotTo(HaveOccurred())
		if len(object.Object) > 0 {
			g.Expect(object.GetKind()).NotTo(BeEmpty())
			list = append(list, object)
		}
	}
}

// names lists the objects as "Kind name", or "Kind namespace/name".
func (l objects) names() []string {
	names := make([]string, 0, len(l))
	for _, object := range l {
		names = append(names, nameOf(object))
	}
	return names
}

func nameOf(object *unstructured.Unstructured) string {
	name := object.GetName()
	if object.GetNamespace() != "" {
		name = object.GetNamespace() + "/" + name
	}
	return object.GetKind() + " " + name
}

// ofKind returns the objects of the kinds.
func (l objects) ofKind(kinds ...string) objects {
	var some objects
	for _, object := range l {
		if slices.Contains(kinds, object.GetKind()) {
			some = append(some, object)
		}
	}
	return some
}

// only returns the single object of a kind.
func (l objects) only(t *testing.T, kind string) *unstructured.Unstructured {
	t.Helper()
	some := l.ofKind(kind)
	NewWithT(t).Expect(some).To(HaveLen(1), "objects of kind %s", kind)
	return some[0]
}

// configuration returns the operator's configuration file.
func (l objects) configuration(t *testing.T) string {
	t.Helper()
	for _, object := range l.ofKind("ConfigMap") {
		if text, found, _ := unstructured.NestedString(object.Object, "data", "config.yaml"); found {
			return text
		}
	}
	t.Fatal("no ConfigMap holds a configuration")
	return ""
}

// rules returns the rules of each Role and ClusterRole, by name.
func (l objects) rules(t *testing.T) map[string][]rbacv1.PolicyRule {
	t.Helper()
	rules := map[string][]rbacv1.PolicyRule{}
	for _, object := range l.ofKind("Role", "ClusterRole") {
		rules[nameOf(object)] = decoded[rbacv1.ClusterRole](t, object).Rules
	}
	return rules
}

// policies returns the spec of each ValidatingAdmissionPolicy and its binding, by name.
func (l objects) policies() map[string]any {
	specs := map[string]any{}
	for _, object := range l.ofKind("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding") {
		specs[nameOf(object)] = object.Object["spec"]
	}
	return specs
}

// decoded returns an object as a type that has all of its fields.
func decoded[T any](t *testing.T, object *unstructured.Unstructured) *T {
	t.Helper()
	typed := new(T)
	err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, typed, true)
	NewWithT(t).Expect(err).NotTo(HaveOccurred(), nameOf(object))
	return typed
}
