package rewrite_test

import (
	"encoding/json"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

func TestRelax(t *testing.T) {
	const (
		own   = `{"labelSelector":{"matchLabels":{"app.kubernetes.io/instance":"carrot67"}},"topologyKey":"kubernetes.io/hostname"}`
		both  = `{"labelSelector":{"matchExpressions":[{"key":"app.kubernetes.io/instance","operator":"In","values":["carrot67","web1"]}]},"topologyKey":"kubernetes.io/hostname"}`
		other = `{"labelSelector":{"matchLabels":{"app.kubernetes.io/instance":"web1"}},"topologyKey":"kubernetes.io/hostname"}`
		zone  = `{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app.kubernetes.io/instance":"carrot67"}}`
	)
	required := func(terms string) string { return `"requiredDuringSchedulingIgnoredDuringExecution":[` + terms + `]` }
	preferred := func(terms string) string { return `"preferredDuringSchedulingIgnoredDuringExecution":[` + terms + `]` }
	weighted := func(term string) string { return `{"weight":100,"podAffinityTerm":` + term + `}` }
	anti := func(fields string) string { return `{"affinity":{"podAntiAffinity":{` + fields + `}}}` }
	for name, c := range map[string]struct{ before, after string }{
		"a rule of its own": {anti(required(own)), anti(preferred(weighted(own)))},
		"a rule of its own among others": {anti(required(other + "," + own + "," + both)),
			anti(required(other+","+both) + "," + preferred(weighted(own)))},
		"several, beside a preference": {anti(required(own+","+other+","+own) + "," + preferred(`{"weight":1,"podAffinityTerm":`+other+`}`)),
			anti(required(other) + "," + preferred(`{"weight":1,"podAffinityTerm":`+other+`},`+weighted(own)+`,`+weighted(own)))},
		"affinity": {`{"affinity":{"podAffinity":{` + required(own) + `}}}`,
			`{"affinity":{"podAffinity":{` + preferred(weighted(own)) + `}}}`},
		"a spread": {`{"topologySpreadConstraints":[` + zone + `,"minDomains":2}]}`,
			`{"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"ScheduleAnyway","labelSelector":{"matchLabels":{"app.kubernetes.io/instance":"carrot67"}}}]}`},
		"a spread that would be there twice": {`{"topologySpreadConstraints":[` + zone + `},{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"ScheduleAnyway"}]}`,
			`{"topologySpreadConstraints":[` + zone + `},{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"ScheduleAnyway"}]}`},
		"rules about others": {anti(required(other + "," + both)), anti(required(other + "," + both))},
		"nothing":            {`{}`, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			cluster := []byte(`{"spec":{"schedulingPolicy":` + c.before + `}}`)
			var view kubeblocks.Cluster
			g.Expect(json.Unmarshal(cluster, &view)).To(Succeed())
			policies := kubeblocks.ClusterPolicies(&view)

			relaxed, err := patch.Apply(cluster, rewrite.Relax(&policies[0], rewrite.Identity{Namespace: "default", Name: "carrot67"}))

			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(relaxed).To(MatchJSON(`{"spec":{"schedulingPolicy":` + c.after + `}}`))
		})
	}
}
