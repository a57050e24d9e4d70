package admission_test

import (
	"testing"

	"github.com/google/cel-go/cel"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/cel/environment"
)

// API servers compile a new condition for their version and the one before. Conditions are evaluated from Kubernetes 1.28 on.
func TestConditionsCompileOnKubernetes128(t *testing.T) {
	g := NewWithT(t)
	base, err := environment.MustBaseEnvSet(version.MajorMinor(1, 27)).Env(environment.NewExpressions)
	g.Expect(err).NotTo(HaveOccurred())
	env, err := base.Extend(cel.Variable("request", cel.DynType), cel.Variable("object", cel.DynType), cel.Variable("oldObject", cel.DynType))
	g.Expect(err).NotTo(HaveOccurred())
	for _, webhook := range readManifest(g).Webhooks {
		g.Expect(webhook.MatchConditions).NotTo(BeEmpty())
		for _, condition := range webhook.MatchConditions {
			_, issues := env.Compile(condition.Expression)
			g.Expect(issues.Err()).NotTo(HaveOccurred(), condition.Name)
		}
	}
}
