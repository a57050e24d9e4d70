package rewrite

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var (
	my1      = Identity{Namespace: "default", Name: "my1"}
	carrot67 = Identity{Namespace: "default", Name: "carrot67"}
)

// named returns a selector of a cluster's Pods by matchLabels.
func named(cluster string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{LabelInstance: cluster}}
}

// requiring returns a selector with one requirement on the cluster's name.
func requiring(operator metav1.LabelSelectorOperator, clusters ...string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
		{Key: LabelInstance, Operator: operator, Values: clusters},
	}}
}

// apart returns required anti-affinity per node against the Pods of each selector.
func apart(selectors ...*metav1.LabelSelector) *corev1.Affinity {
	required := make([]corev1.PodAffinityTerm, 0, len(selectors))
	for _, s := range selectors {
		required = append(required, corev1.PodAffinityTerm{LabelSelector: s, TopologyKey: corev1.LabelHostname})
	}
	return &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: required}}
}

// at places an affinity in the policy of component mysql.
func at(a *corev1.Affinity) []Policy {
	return []Policy{{Path: "/p", Place: "componentSpecs/mysql", Component: "mysql", Affinity: a}}
}

// InTreeOfKubeBlocks is pkg/kubeblocks' rewrite. This package cannot import that, so its external tests set it.
var InTreeOfKubeBlocks InTree

func backupOf(id Identity, policies []Policy) []Source {
	return []Source{{
		Identity: id, Backup: "default/bp1", Components: []Component{{Name: "mysql"}, {Name: "proxy"}}, Policies: policies,
		InTree: InTreeOfKubeBlocks,
	}}
}

const firstRequired = "/p/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/0"

func TestRewriteOfOneSelector(t *testing.T) {
	const labels = firstRequired + "/labelSelector/matchLabels/app.kubernetes.io~1instance"
	const values = firstRequired + "/labelSelector/matchExpressions/0/values"
	edit := func(path string, from, to any) []Edit {
		return []Edit{{Path: path, From: from, To: to, Component: "mysql"}}
	}
	for name, c := range map[string]struct {
		selector *metav1.LabelSelector
		edits    []Edit
		classes  []Class
	}{
		"matchLabels":                          {named("my1"), edit(labels, "my1", "carrot67"), []Class{SourceIdentity}},
		"In":                                   {requiring(metav1.LabelSelectorOpIn, "my1"), edit(values+"/0", "my1", "carrot67"), []Class{SourceIdentity}},
		"NotIn":                                {requiring(metav1.LabelSelectorOpNotIn, "my1"), edit(values+"/0", "my1", "carrot67"), []Class{SourceIdentity}},
		"In with others keeps those":           {requiring(metav1.LabelSelectorOpIn, "batch7", "my1"), edit(values+"/1", "my1", "carrot67"), []Class{SourceIdentity, ThirdParty}},
		"In that gains no duplicate":           {requiring(metav1.LabelSelectorOpIn, "my1", "b", "carrot67"), edit(values, []string{"my1", "b", "carrot67"}, []string{"b", "carrot67"}), []Class{SourceIdentity, ThirdParty}},
		"Exists":                               {requiring(metav1.LabelSelectorOpExists), nil, []Class{Unscoped}},
		"DoesNotExist":                         {requiring(metav1.LabelSelectorOpDoesNotExist), nil, []Class{Vacuous}},
		"nil":                                  {nil, nil, []Class{Vacuous}},
		"empty":                                {&metav1.LabelSelector{}, nil, []Class{Unscoped}},
		"another cluster":                      {named("web1"), nil, []Class{ThirdParty}},
		"a name that starts with the source's": {named("my10"), nil, []Class{ThirdParty}},
		"a cluster named like a component":     {named("my1-mysql"), nil, []Class{ThirdParty}},
		"another key with the name as value":   {&metav1.LabelSelector{MatchLabels: map[string]string{"team": "my1"}}, nil, []Class{Unscoped}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			live := at(apart(c.selector))

			result := Rewrite(Input{Sources: backupOf(my1, live), Target: carrot67, Live: live})

			g.Expect(result.Edits).To(Equal(c.edits))
			g.Expect(classes(result)).To(Equal(c.classes))
		})
	}
}

func classes(result Result) []Class {
	var all []Class
	for _, f := range result.Findings {
		all = append(all, f.Class)
	}
	return all
}

func TestRewriteReachesEveryKindOfRule(t *testing.T) {
	g := NewWithT(t)
	term := corev1.PodAffinityTerm{LabelSelector: named("my1"), TopologyKey: corev1.LabelTopologyZone}
	weighted := []corev1.WeightedPodAffinityTerm{{Weight: 100, PodAffinityTerm: term}}
	live := []Policy{{
		Path: "/p",
		Affinity: &corev1.Affinity{
			PodAffinity: &corev1.PodAffinity{
				RequiredDuringSchedulingIgnoredDuringExecution:  []corev1.PodAffinityTerm{term},
				PreferredDuringSchedulingIgnoredDuringExecution: weighted,
			},
			PodAntiAffinity: &corev1.PodAntiAffinity{
				RequiredDuringSchedulingIgnoredDuringExecution:  []corev1.PodAffinityTerm{term},
				PreferredDuringSchedulingIgnoredDuringExecution: weighted,
			},
		},
		TopologySpreadConstraints: []corev1.TopologySpreadConstraint{
			{MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: named("my1")},
		},
	}}

	result := Rewrite(Input{Sources: backupOf(my1, live), Target: carrot67, Live: live})

	const leaf = "/labelSelector/matchLabels/app.kubernetes.io~1instance"
	paths := make([]string, 0, len(result.Edits))
	for _, e := range result.Edits {
		paths = append(paths, e.Path)
	}
	g.Expect(paths).To(Equal([]string{
		"/p/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/0" + leaf,
		"/p/affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/0/podAffinityTerm" + leaf,
		"/p/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/0" + leaf,
		"/p/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/0/podAffinityTerm" + leaf,
		"/p/topologySpreadConstraints/0" + leaf,
	}))
	rules := make([]string, 0, len(result.Findings))
	for _, f := range result.Findings {
		rules = append(rules, f.Rule)
	}
	g.Expect(rules).To(Equal([]string{
		"required affinity per zone with Pods of cluster my1 (cluster policy, from Backup default/bp1)",
		"preferred affinity per zone with Pods of cluster my1 (cluster policy, from Backup default/bp1)",
		"required anti-affinity per zone against Pods of cluster my1 (cluster policy, from Backup default/bp1)",
		"preferred anti-affinity per zone against Pods of cluster my1 (cluster policy, from Backup default/bp1)",
		"required topology spread per node of Pods of cluster my1 (cluster policy, from Backup default/bp1)",
	}))
}

func TestOnlyInheritedRulesAreRewritten(t *testing.T) {
	inherited := at(apart(named("my1")))
	elsewhere := at(apart(named("my1")))
	elsewhere[0].Place = "componentSpecs/proxy"
	heavier := at(&corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{
			Weight: 1, PodAffinityTerm: corev1.PodAffinityTerm{LabelSelector: named("my1"), TopologyKey: corev1.LabelHostname},
		}},
	}})
	perZone := []corev1.PodAffinityTerm{{LabelSelector: named("my1"), TopologyKey: corev1.LabelTopologyZone}}
	perNode := []corev1.PodAffinityTerm{{LabelSelector: named("my1"), TopologyKey: corev1.LabelHostname}}
	for name, live := range map[string][]Policy{
		"a rule at another place":         elsewhere,
		"a rule of another strength":      heavier,
		"a rule with another selector":    at(apart(requiring(metav1.LabelSelectorOpIn, "my1", "web1"))),
		"a rule over another topology":    at(&corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: perZone}}),
		"attraction instead of repulsion": at(&corev1.Affinity{PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: perNode}}),
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)

			result := Rewrite(Input{Sources: backupOf(my1, inherited), Target: carrot67, Live: live})

			g.Expect(result.Edits).To(BeEmpty())
			g.Expect(result.Findings).To(ConsistOf(HaveField("Class", Intended)))
		})
	}
}

func TestInheritedRuleIsFoundInAnyOrder(t *testing.T) {
	g := NewWithT(t)
	selector := func(values ...string) *metav1.LabelSelector { return requiring(metav1.LabelSelectorOpIn, values...) }
	snapshot := at(apart(selector("my1", "web1"), named("other")))
	live := at(apart(named("other"), selector("web1", "my1")))

	result := Rewrite(Input{Sources: backupOf(my1, snapshot), Target: carrot67, Live: live})

	g.Expect(result.Edits).To(ConsistOf(HaveField("Path",
		"/p/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/1/labelSelector/matchExpressions/0/values/1")))
}

func TestDerivedPolicyInheritsFromEveryPolicyOfItsComponent(t *testing.T) {
	g := NewWithT(t)
	snapshot := []Policy{
		{Place: "", Affinity: apart(named("my1"))},
		{Place: "componentSpecs/proxy", Component: "proxy", Affinity: apart(requiring(metav1.LabelSelectorOpIn, "my1"))},
	}
	live := []Policy{{
		Path: "/p", Place: "Component carrot67-mysql", Component: "mysql", Derived: true,
		Affinity: apart(named("my1"), requiring(metav1.LabelSelectorOpIn, "my1")),
	}}

	result := Rewrite(Input{Sources: backupOf(my1, snapshot), Target: carrot67, Live: live})

	g.Expect(result.Edits).To(HaveLen(1), "the cluster's own policy governs mysql, that of proxy does not")
	g.Expect(result.Edits[0].Path).To(HavePrefix(firstRequired))
	g.Expect(result.Findings).To(ConsistOf(HaveField("Class", SourceIdentity), HaveField("Class", Intended)))
}

func TestRuleIsInheritedFromAnyBackupOfTheSource(t *testing.T) {
	g := NewWithT(t)
	older, newer := at(apart(named("my1"))), at(apart(requiring(metav1.LabelSelectorOpIn, "my1")))
	live := at(apart(named("my1"), requiring(metav1.LabelSelectorOpIn, "my1")))
	sources := append(backupOf(my1, older), backupOf(my1, newer)...)

	result := Rewrite(Input{Sources: sources, Target: carrot67, Live: live})

	g.Expect(result.Edits).To(HaveLen(2))
	g.Expect(result.Findings).To(HaveEach(HaveField("Class", SourceIdentity)))
}

func TestOverwrittenRuleIsDistinguishedFromEqualRules(t *testing.T) {
	g := NewWithT(t)
	in := func(cluster string) *metav1.LabelSelector { return requiring(metav1.LabelSelectorOpIn, cluster) }
	snapshot := at(apart(in("my1"), in("web1"), in("my1")))
	live := at(apart(in("my1"), in("carrot67"), in("my1")))

	result := Rewrite(Input{Sources: backupOf(my1, snapshot), Target: carrot67, Live: live})

	g.Expect(classes(result)).To(Equal([]Class{SourceIdentity, ThirdParty, SourceIdentity}))
}

func TestOverwrittenRuleIsNotPutBackWhenItsOriginalIsInvalid(t *testing.T) {
	g := NewWithT(t)
	snapshot := at(apart(requiring(metav1.LabelSelectorOpIn)))
	live := at(apart(requiring(metav1.LabelSelectorOpIn, "carrot67")))

	result := Rewrite(Input{
		Sources: backupOf(my1, snapshot), Target: carrot67, Live: live, Options: Options{RestoreThirdParty: true},
	})

	g.Expect(result.Edits).To(BeEmpty())
	g.Expect(classes(result)).To(Equal([]Class{Invalid}))
}

func TestNameThatIsNotAValidLabelValueIsNotWritten(t *testing.T) {
	long := Identity{Namespace: "default", Name: strings.Repeat("x", 64)}
	byUID := func(operator metav1.LabelSelectorOperator, uids ...string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: LabelClusterUID, Operator: operator, Values: uids},
		}}
	}
	for name, selector := range map[string]*metav1.LabelSelector{
		"for the source's name":           named("my1"),
		"for one of several names":        requiring(metav1.LabelSelectorOpIn, "web1", "my1"),
		"for a UID":                       {MatchLabels: map[string]string{LabelClusterUID: "uid-my1"}},
		"for a UID in a list":             byUID(metav1.LabelSelectorOpIn, "uid-my1"),
		"beside another cluster's UID":    byUID(metav1.LabelSelectorOpNotIn, "uid-my1", "uid-web1"),
		"in a rule that names no cluster": {MatchLabels: map[string]string{"team": "blue"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			live := at(apart(selector))
			source := Identity{Namespace: "default", Name: "my1", UID: "uid-my1"}

			result := Rewrite(Input{Sources: backupOf(source, live), Target: long, Live: live, Options: Options{ScopeUnscoped: true}})

			g.Expect(result.Edits).To(BeEmpty())
			g.Expect(result.Findings).NotTo(BeEmpty())
		})
	}
}

func TestRuleThatDiffersInOneFieldIsNotInherited(t *testing.T) {
	two, honor := int32(2), corev1.NodeInclusionPolicyHonor
	three, ignore := int32(3), corev1.NodeInclusionPolicyIgnore
	inDefault := &metav1.LabelSelector{MatchLabels: map[string]string{LabelNamespace: "default"}}
	blueOfMy1 := requiring(metav1.LabelSelectorOpIn, "my1")
	blueOfMy1.MatchExpressions = append(blueOfMy1.MatchExpressions,
		metav1.LabelSelectorRequirement{Key: "team", Operator: metav1.LabelSelectorOpIn, Values: []string{"blue"}})
	weighted := corev1.WeightedPodAffinityTerm{Weight: 2, PodAffinityTerm: corev1.PodAffinityTerm{
		LabelSelector: blueOfMy1, TopologyKey: corev1.LabelHostname,
		Namespaces: []string{"default"}, NamespaceSelector: inDefault,
		MatchLabelKeys: []string{"a"}, MismatchLabelKeys: []string{"b"},
	}}
	constraint := corev1.TopologySpreadConstraint{
		MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: named("my1"),
		MinDomains: &two, NodeAffinityPolicy: &honor, NodeTaintsPolicy: &honor, MatchLabelKeys: []string{"a"},
	}
	for name, change := range map[string]func(*corev1.WeightedPodAffinityTerm, *corev1.TopologySpreadConstraint){
		"weight and skew": func(p *corev1.WeightedPodAffinityTerm, c *corev1.TopologySpreadConstraint) {
			p.Weight, c.MaxSkew = 3, 2
		},
		"topology": func(p *corev1.WeightedPodAffinityTerm, c *corev1.TopologySpreadConstraint) {
			p.PodAffinityTerm.TopologyKey, c.TopologyKey = corev1.LabelTopologyZone, corev1.LabelTopologyZone
		},
		"matchLabelKeys": func(p *corev1.WeightedPodAffinityTerm, c *corev1.TopologySpreadConstraint) {
			p.PodAffinityTerm.MatchLabelKeys, c.MatchLabelKeys = []string{"c"}, []string{"c"}
		},
		"operator, and how it spreads": func(p *corev1.WeightedPodAffinityTerm, c *corev1.TopologySpreadConstraint) {
			p.PodAffinityTerm.LabelSelector.MatchExpressions[1].Operator = metav1.LabelSelectorOpNotIn
			c.WhenUnsatisfiable, c.MinDomains = corev1.ScheduleAnyway, nil
		},
		"values, and domains": func(p *corev1.WeightedPodAffinityTerm, c *corev1.TopologySpreadConstraint) {
			p.PodAffinityTerm.LabelSelector.MatchExpressions[1].Values = []string{"red"}
			c.MinDomains = &three
		},
		"key, and labels": func(p *corev1.WeightedPodAffinityTerm, c *corev1.TopologySpreadConstraint) {
			p.PodAffinityTerm.LabelSelector.MatchExpressions[1].Key = "squad"
			c.LabelSelector.MatchLabels["team"] = "blue"
		},
		"namespaces, and no domains": func(p *corev1.WeightedPodAffinityTerm, c *corev1.TopologySpreadConstraint) {
			p.PodAffinityTerm.Namespaces, c.MinDomains = []string{"default", "tools"}, nil
		},
		"namespaceSelector, and policy for node affinity": func(p *corev1.WeightedPodAffinityTerm, c *corev1.TopologySpreadConstraint) {
			p.PodAffinityTerm.NamespaceSelector, c.NodeAffinityPolicy = &metav1.LabelSelector{}, &ignore
		},
		"mismatchLabelKeys, and policy for taints": func(p *corev1.WeightedPodAffinityTerm, c *corev1.TopologySpreadConstraint) {
			p.PodAffinityTerm.MismatchLabelKeys, c.NodeTaintsPolicy = []string{"c"}, &ignore
		},
		"no namespaceSelector, and no policy for taints": func(p *corev1.WeightedPodAffinityTerm, c *corev1.TopologySpreadConstraint) {
			p.PodAffinityTerm.NamespaceSelector, c.NodeTaintsPolicy = nil, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			p, c := *weighted.DeepCopy(), *constraint.DeepCopy()
			change(&p, &c)

			for _, policies := range [][2][]Policy{{preferring(weighted), preferring(p)}, {spreading(constraint), spreading(c)}} {
				result := Rewrite(Input{Sources: backupOf(my1, policies[0]), Target: carrot67, Live: policies[1]})

				g.Expect(result.Edits).To(BeEmpty())
				g.Expect(classes(result)).To(Equal([]Class{Intended}))
			}
		})
	}
}

// preferring places a preferred anti-affinity term in the policy of component mysql.
func preferring(t corev1.WeightedPodAffinityTerm) []Policy {
	return at(&corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{t},
	}})
}

// spreading places a spread constraint in the policy of component mysql.
func spreading(c corev1.TopologySpreadConstraint) []Policy {
	policies := at(nil)
	policies[0].TopologySpreadConstraints = []corev1.TopologySpreadConstraint{c}
	return policies
}

func TestRuleForAllPodsIsNotInheritedFromOneForNone(t *testing.T) {
	g := NewWithT(t)
	live := at(apart(&metav1.LabelSelector{}))

	result := Rewrite(Input{
		Sources: backupOf(my1, at(apart(nil))), Target: carrot67, Live: live, Options: Options{ScopeUnscoped: true},
	})

	g.Expect(result).To(Equal(Result{}))
}

func TestValuesThatTheAPIServerRejectsAreInvalid(t *testing.T) {
	for value, class := range map[string]Class{
		"": Unscoped, "-": Invalid, "blue": Unscoped, "blue-": Invalid, "-blue": Invalid, "b-7": Unscoped, "Blue_1.x": Unscoped, "blü": Invalid,
		strings.Repeat("x", 63): Unscoped, strings.Repeat("x", 64): Invalid,
	} {
		t.Run(value, func(t *testing.T) {
			live := at(apart(&metav1.LabelSelector{MatchLabels: map[string]string{"team": value}}))

			result := Rewrite(Input{Sources: backupOf(my1, live), Target: carrot67, Live: live})

			NewWithT(t).Expect(classes(result)).To(Equal([]Class{class}))
		})
	}
}

func TestInstanceLabelIsNotAddedWhenItIsInMatchLabelKeys(t *testing.T) {
	g := NewWithT(t)
	live := at(apart(&metav1.LabelSelector{MatchLabels: map[string]string{LabelClusterUID: "uid-my1"}}))
	live[0].Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0].MatchLabelKeys = []string{LabelInstance}
	source := Identity{Namespace: "default", Name: "my1", UID: "uid-my1"}

	result := Rewrite(Input{Sources: backupOf(source, live), Target: carrot67, Live: live})

	g.Expect(result.Edits).To(BeEmpty(), "the API server rejects a key in both")
	g.Expect(classes(result)).To(Equal([]Class{Generated}))
}

// A shared copy of a policy can have an empty map where the object to patch has none, and the other way round.
func TestLabelsAreAddedAsAWholeWhereThereAreNone(t *testing.T) {
	for name, labels := range map[string]map[string]string{"nil": nil, "empty": {}} {
		t.Run(name, func(t *testing.T) {
			selector := &metav1.LabelSelector{MatchLabels: labels, MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: LabelComponentName, Operator: metav1.LabelSelectorOpIn, Values: []string{"mysql"}},
			}}
			live := at(apart(selector))

			result := Rewrite(Input{Sources: backupOf(my1, live), Target: carrot67, Live: live, Options: Options{ScopeUnscoped: true}})

			NewWithT(t).Expect(result.Edits).To(Equal([]Edit{{
				Path: firstRequired + "/labelSelector/matchLabels", To: map[string]string{LabelInstance: "carrot67"}, Component: "mysql",
			}}))
		})
	}
}

// Without a snapshot, the rules of the target stand for those of the source. Those that are rewritten name the target.
func TestARuleOfTheTargetIsNotAnothersWithoutASnapshot(t *testing.T) {
	g := NewWithT(t)
	live := at(apart(named("carrot67"), named("web1"), named("my1")))

	result := Prepare(backupOf(my1, nil), carrot67, Options{}).WithPolicies(live).Rewrite(live)

	g.Expect(result.Edits).To(HaveLen(1))
	g.Expect(classes(result)).To(ConsistOf(ThirdParty, SourceIdentity))

	target := carrot67
	target.UID = "uid-of-target"
	for key, value := range map[string]string{LabelWorkload: "carrot67-mysql", LabelPodName: "carrot67-mysql-0", LabelClusterUID: "uid-of-target"} {
		live := at(apart(&metav1.LabelSelector{MatchLabels: map[string]string{key: value}}))
		result := Prepare(backupOf(my1, nil), target, Options{}).WithPolicies(live).Rewrite(live)
		g.Expect(classes(result)).NotTo(ContainElement(BeElementOf(ThirdParty, Generated)), key)
	}
}

// Scoped once more, a rule about all clusters but the target would select nothing.
func TestARewrittenRuleIsNotScopedWithoutASnapshot(t *testing.T) {
	g := NewWithT(t)
	live := at(apart(requiring(metav1.LabelSelectorOpNotIn, "my1")))
	prepared := Prepare(backupOf(my1, nil), carrot67, Options{ScopeUnscoped: true}).WithPolicies(live)
	g.Expect(prepared.Rewrite(live).Edits).To(HaveLen(1))

	live = at(apart(requiring(metav1.LabelSelectorOpNotIn, "carrot67")))
	result := Prepare(backupOf(my1, nil), carrot67, Options{ScopeUnscoped: true}).WithPolicies(live).Rewrite(live)

	g.Expect(result.Edits).To(BeEmpty())
	g.Expect(classes(result)).NotTo(ContainElement(Unscoped))
}
