package rewrite_test

import (
	"encoding/json"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

func TestKeepOff(t *testing.T) {
	const (
		away  = `{"key":"kubernetes.io/hostname","operator":"NotIn","values":["n1","n2"]}`
		disk  = `{"key":"disk","operator":"In","values":["ssd"]}`
		field = `"matchFields":[{"key":"metadata.name","operator":"In","values":["n3"]}]`
	)
	terms := func(list string) string {
		return `"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[` + list + `]}}`
	}
	for name, c := range map[string]struct{ before, after string }{
		"no rules":               {`{}`, `{"affinity":{` + terms(`{"matchExpressions":[`+away+`]}`) + `}}`},
		"other rules":            {`{"affinity":{"podAffinity":{}}}`, `{"affinity":{"podAffinity":{},` + terms(`{"matchExpressions":[`+away+`]}`) + `}}`},
		"preferred nodes":        {`{"affinity":{"nodeAffinity":{}}}`, `{"affinity":{` + terms(`{"matchExpressions":[`+away+`]}`) + `}}`},
		"one of two sets":        {`{"affinity":{` + terms(`{"matchExpressions":[`+disk+`]},{`+field+`}`) + `}}`, `{"affinity":{` + terms(`{"matchExpressions":[`+disk+`,`+away+`]},{`+field+`,"matchExpressions":[`+away+`]}`) + `}}`},
		"a set without any node": {`{"affinity":{` + terms(`{}`) + `}}`, `{"affinity":{` + terms(`{}`) + `}}`},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			cluster := []byte(`{"spec":{"schedulingPolicy":` + c.before + `}}`)
			var view kubeblocks.Cluster
			g.Expect(json.Unmarshal(cluster, &view)).To(Succeed())
			policies := kubeblocks.ClusterPolicies(&view)

			edited, err := patch.Apply(cluster, rewrite.KeepOff(&policies[0], []corev1.NodeSelectorRequirement{
				{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpNotIn, Values: []string{"n1", "n2"}},
			}))

			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(edited).To(MatchJSON(`{"spec":{"schedulingPolicy":` + c.after + `}}`))
		})
	}
}
