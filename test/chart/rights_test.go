package chart

import (
	"context"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// rights are verbs by resource, as in `kubectl auth can-i`.
type rights map[string]string

// The operator's rights: to namespaced objects in the Namespaces it manages, to other objects, and in its own Namespace.
var (
	toManaged = rights{
		"clusters.apps.kubeblocks.io":                  "get list patch watch",
		"components.apps.kubeblocks.io":                "get list watch",
		"instancesets.workloads.kubeblocks.io":         "list watch",
		"instances.workloads.kubeblocks.io":            "list patch",
		"backups.dataprotection.kubeblocks.io":         "get",
		"restores.dataprotection.kubeblocks.io":        "delete get list patch watch",
		"restores/status.dataprotection.kubeblocks.io": "patch",
		"rehomings.rehome.kubeblocks.io":               "create get list watch",
		"rehomings/status.rehome.kubeblocks.io":        "patch",
		"jobs.batch":                                   "delete list patch",
		"pods":                                         "delete list watch",
		"persistentvolumeclaims":                       "get list",
		"events.events.k8s.io":                         "create",
	}
	toCluster = rights{
		"namespaces":                    "get list watch",
		"nodes":                         "list",
		"persistentvolumes":             "get",
		"storageclasses.storage.k8s.io": "get",
		"customresourcedefinitions.apiextensions.k8s.io": "list watch",
		"tokenreviews.authentication.k8s.io":             "create",
		"subjectaccessreviews.authorization.k8s.io":      "create",
	}
	toItself = rights{
		"leases.coordination.k8s.io": "create",
		"events":                     "create",
	}
)

// countsBackups are the values of an operator that serves rehome_backups.
const countsBackups = "config: {metrics: {backups: true}}"

func testRights(t *testing.T, s *server) {
	counting := rights{"backups.dataprotection.kubeblocks.io": "list watch"}
	for _, test := range []struct {
		name, text         string
		managed, unmanaged string
		more               rights
	}{
		{"chart", rendered(t, ""), managed, "", nil},
		{"chart for single Namespaces", rendered(t, namespaced), managed, unmanaged, nil},
		{"chart that counts Backups", rendered(t, countsBackups), managed, "", counting},
		{"chart that counts Backups of single Namespaces", rendered(t, namespaced+"\n"+countsBackups), managed, unmanaged, counting},
		{"kustomize", build(t, "default"), managed, "", nil},
		{"kustomize for single Namespaces", build(t, "namespaced"), "default", unmanaged, nil},
		{"kustomize that counts Backups", build(t, "backups"), managed, "", counting},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := NewWithT(t)
			s.grant(t, parse(t, test.text))

			g.Expect(s.allowed(t, test.managed)).To(ConsistOf(listed(toManaged, test.more)))
			if test.unmanaged == "" {
				g.Expect(s.allowed(t, "")).To(ConsistOf(listed(toManaged, toCluster, test.more)))
				g.Expect(s.allowed(t, ownNamespace)).To(ConsistOf(listed(toManaged, toItself, test.more)))
			} else {
				g.Expect(s.allowed(t, "")).To(ConsistOf(listed(toCluster)))
				g.Expect(s.allowed(t, ownNamespace)).To(ConsistOf(listed(toItself)))
				g.Expect(s.allowed(t, test.unmanaged)).To(BeEmpty())
			}
			for _, verb := range []string{"get", "update"} {
				lease := authorizationv1.ResourceAttributes{
					Namespace: ownNamespace, Group: "coordination.k8s.io", Resource: "leases", Name: "rehome.kubeblocks.io", Verb: verb,
				}
				g.Expect(s.may(t.Context(), rehome, lease)).To(BeTrue(), verb)
			}
			for _, verb := range []string{"get", "patch", "update", "delete", "list"} {
				configuration := authorizationv1.ResourceAttributes{
					Group: "admissionregistration.k8s.io", Resource: "mutatingwebhookconfigurations", Name: "rehome-webhook", Verb: verb,
				}
				g.Expect(s.may(t.Context(), rehome, configuration)).To(Equal(verb == "get" || verb == "patch"), verb)
				configuration.Name = "another"
				g.Expect(s.may(t.Context(), rehome, configuration)).To(BeFalse(), verb)
			}
		})
	}
}

// testAuditRights asks for the rights of the service account that audits.
func testAuditRights(t *testing.T, s *server) {
	for values, unmanaged := range map[string][]string{
		"audit: {enabled: true, report: {configMap: true}}":                                    {"list backups.dataprotection.kubeblocks.io"},
		"{managedNamespaces: 'shop, bank', audit: {enabled: true, report: {configMap: true}}}": nil,
	} {
		t.Run(values, func(t *testing.T) {
			g := NewWithT(t)
			s.grant(t, parse(t, rendered(t, values)))

			g.Expect(s.allowedTo(t, auditor, managed)).To(ConsistOf("list backups.dataprotection.kubeblocks.io"))
			g.Expect(s.allowedTo(t, auditor, "vault")).To(ConsistOf(unmanaged))
			g.Expect(s.allowedTo(t, auditor, "")).To(ConsistOf(append([]string{"list nodes"}, unmanaged...)))
			for name, verbs := range map[string]string{"rehome-audit": "patch", "rehome": ""} {
				for _, verb := range []string{"get", "patch", "update", "delete", "create"} {
					configMap := authorizationv1.ResourceAttributes{Namespace: ownNamespace, Resource: "configmaps", Name: name, Verb: verb}
					g.Expect(s.may(t.Context(), auditor, configMap)).To(Equal(verb == verbs), verb+" "+name)
				}
			}
		})
	}
}

func TestNoRoleHasWildcardsOrRightsToSecrets(t *testing.T) {
	forEachShape(t, func(t *testing.T, l objects) {
		g := NewWithT(t)
		for name, rules := range l.rules(t) {
			g.Expect(rules).NotTo(BeEmpty(), name)
			for _, rule := range rules {
				for _, words := range [][]string{rule.APIGroups, rule.Resources, rule.Verbs, rule.NonResourceURLs} {
					g.Expect(words).NotTo(ContainElement(ContainSubstring("*")), name)
				}
				g.Expect(rule.Resources).NotTo(ContainElement(HavePrefix("secrets")), name)
				if slices.Contains(rule.Resources, "pods") {
					g.Expect(rule.Verbs).To(ConsistOf("delete", "list", "watch"), name)
				}
			}
		}
	})
}

// listed lists rights as "verb resource".
func listed(all ...rights) []string {
	var list []string
	for _, some := range all {
		for resource, verbs := range some {
			for verb := range strings.FieldsSeq(verbs) {
				list = append(list, verb+" "+resource)
			}
		}
	}
	return list
}

// rehome is the operator's service account, auditor that of the CronJob. nobody is one without roles.
const (
	rehome  = "rehome"
	nobody  = "nobody"
	auditor = "rehome-audit"
)

// grant creates roles and bindings for the time of a test.
func (s *server) grant(t *testing.T, l objects) {
	t.Helper()
	for _, object := range l.ofKind("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding") {
		NewWithT(t).Expect(s.Create(t.Context(), object)).To(Succeed())
		t.Cleanup(func() { NewWithT(t).Expect(s.Delete(context.WithoutCancel(t.Context()), object)).To(Succeed()) })
	}
}

// allowed lists the operator's rights in a Namespace, or without one its rights in the whole cluster. It leaves out the rights that every
// service account has. It asks for every verb of every resource that is served.
func (s *server) allowed(t *testing.T, namespace string) []string {
	t.Helper()
	return s.allowedTo(t, rehome, namespace)
}

func (s *server) allowedTo(t *testing.T, account, namespace string) []string {
	t.Helper()
	g := NewWithT(t)
	questions := s.questions(t, namespace)
	answers := make([]bool, len(questions))
	var group errgroup.Group
	group.SetLimit(8)
	for i, question := range questions {
		group.Go(func() (err error) {
			answers[i], err = s.may(t.Context(), account, question)
			if err != nil || !answers[i] {
				return err
			}
			byDefault, err := s.may(t.Context(), nobody, question)
			answers[i] = !byDefault
			return err
		})
	}
	g.Expect(group.Wait()).To(Succeed())
	var list []string
	for i, question := range questions {
		if answers[i] {
			resource := schema.GroupResource{Group: question.Group, Resource: question.Resource}
			if question.Subresource != "" {
				resource.Resource += "/" + question.Subresource
			}
			list = append(list, question.Verb+" "+resource.String())
		}
	}
	return list
}

// questions returns all verbs of all resources of a Namespace or of the cluster, each once for all versions.
func (s *server) questions(t *testing.T, namespace string) []authorizationv1.ResourceAttributes {
	t.Helper()
	g := NewWithT(t)
	d, err := discovery.NewDiscoveryClientForConfig(s.Config())
	g.Expect(err).NotTo(HaveOccurred())
	_, lists, err := d.ServerGroupsAndResources()
	g.Expect(err).NotTo(HaveOccurred())
	var questions []authorizationv1.ResourceAttributes
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		g.Expect(err).NotTo(HaveOccurred())
		for _, resource := range list.APIResources {
			if namespace != "" && !resource.Namespaced {
				continue
			}
			name, subresource, _ := strings.Cut(resource.Name, "/")
			for _, verb := range resource.Verbs {
				question := authorizationv1.ResourceAttributes{
					Namespace: namespace, Group: version.Group, Resource: name, Subresource: subresource, Verb: verb,
				}
				if !slices.Contains(questions, question) {
					questions = append(questions, question)
				}
			}
		}
	}
	return questions
}

// may reports whether a service account has a right.
func (s *server) may(ctx context.Context, account string, what authorizationv1.ResourceAttributes) (bool, error) {
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User:               "system:serviceaccount:" + ownNamespace + ":" + account,
		Groups:             []string{"system:serviceaccounts", "system:serviceaccounts:" + ownNamespace, "system:authenticated"},
		ResourceAttributes: &what,
	}}
	err := s.Create(ctx, review)
	return review.Status.Allowed, err
}
