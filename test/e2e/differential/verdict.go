package e2e

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// verdict is what a cell of the table says of an outcome.
type verdict struct {
	right bool
	words string
}

// judge compares the policies of a copy with those that the shape expects. A wrong outcome is described by the first leaf
// that is wrong. Where nothing can be right, every outcome is described by what it changed.
func (s *shape) judge(got map[string]any) verdict {
	was := policiesOf(s.Rules)
	if s.Expected == nil {
		if d := firstDifference(nil, was, got, nil); d != nil {
			return verdict{words: d.String()}
		}
		return verdict{words: "kept"}
	}
	if d := firstDifference(nil, policiesOf(s.Expected), got, was); d != nil {
		return verdict{words: "wrong: " + d.String()}
	}
	return verdict{right: true, words: "right"}
}

// difference is a leaf that is not as it should be.
type difference struct {
	path []string
	// operator is that of the requirement whose values the leaf is, if it is such.
	operator       string
	want, got, was any
}

// firstDifference returns the first leaf, in the order of the names, in which got differs from want; nil when none does.
// was holds the same leaf in the source.
func firstDifference(path []string, want, got, was any) *difference {
	if reflect.DeepEqual(want, got) {
		return nil
	}
	wanted, found, before := members(want), members(got), members(was)
	if wanted == nil || found == nil {
		return &difference{path: path, want: want, got: got, was: was}
	}
	for _, key := range keys(wanted, found) {
		d := firstDifference(append(slices.Clone(path), key), wanted[key], found[key], before[key])
		if d == nil {
			continue
		}
		if key == "values" {
			d.operator, _ = found["operator"].(string)
		}
		return d
	}
	return nil
}

func keys(a, b map[string]any) []string {
	union := maps.Clone(a)
	maps.Copy(union, b)
	return slices.Sorted(maps.Keys(union))
}

// String says in words what became of the leaf: "podAntiAffinity still names my1".
func (d *difference) String() string {
	text := d.rule()
	if d.operator != "" && d.operator != string(metav1.LabelSelectorOpIn) {
		text += " " + d.operator
	}
	return text + " " + d.change()
}

func (d *difference) change() string {
	lost, added := d.without(d.want, d.got), d.without(d.got, d.want)
	switch {
	case d.hasValuesInVain():
		return "got values " + list(added) + ", which the API server refuses in a Pod"
	case reflect.DeepEqual(d.got, d.was) && len(added) > 0:
		return "still names " + list(added)
	case len(added) == 0:
		return "lost " + list(lost)
	case len(lost) == 0:
		return "got " + list(added)
	default:
		return "turned from " + list(lost) + " to " + list(added)
	}
}

// hasValuesInVain reports whether the leaf gives values to an operator that must have none.
func (d *difference) hasValuesInVain() bool {
	return d.operator == string(metav1.LabelSelectorOpExists) || d.operator == string(metav1.LabelSelectorOpDoesNotExist)
}

// rule names the kind of the rule that the leaf belongs to.
func (d *difference) rule() string {
	for _, kind := range []string{"podAffinity", "podAntiAffinity", "nodeAffinity", "topologySpreadConstraints"} {
		if slices.Contains(d.path, kind) {
			return kind
		}
	}
	return strings.Join(d.path, "/")
}

// without returns the values of a that b does not have. An object counts as one value, of the leaf's name.
func (d *difference) without(a, b any) []string {
	others := d.values(b)
	return slices.DeleteFunc(d.values(a), func(value string) bool { return slices.Contains(others, value) })
}

func (d *difference) values(leaf any) []string {
	switch leaf := leaf.(type) {
	case nil:
		return nil
	case []any:
		if members(leaf) != nil {
			return []string{d.path[len(d.path)-1]}
		}
		values := make([]string, len(leaf))
		for i := range leaf {
			values[i] = fmt.Sprint(leaf[i])
		}
		return values
	case map[string]any:
		return []string{d.path[len(d.path)-1]}
	default:
		return []string{fmt.Sprint(leaf)}
	}
}

func list(values []string) string { return strings.Join(values, ", ") }

// ruled returns a spec with one rule, whose selector is given in YAML.
func ruled(selector string) map[string]any {
	GinkgoHelper()
	var parsed map[string]any
	Expect(yaml.Unmarshal([]byte(selector), &parsed)).To(Succeed())
	term := map[string]any{"labelSelector": parsed}
	affinity := map[string]any{"podAffinity": map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": []any{term}}}
	return map[string]any{"schedulingPolicy": map[string]any{"affinity": affinity}}
}

// The table is only as good as its verdicts.
var _ = DescribeTable("The verdict of the differential table on a selector",
	func(was, want, got, words string) {
		s := shape{Rules: ruled(was), Expected: ruled(want)}
		Expect(s.judge(policiesOf(ruled(got)))).To(Equal(verdict{right: words == "right", words: words}))
	},
	Entry("is right when it is as expected",
		"matchLabels: {i: my1}", "matchLabels: {i: kiwi}", "matchLabels: {i: kiwi}",
		"right"),
	Entry("says that it is stale",
		"matchLabels: {i: my1}", "matchLabels: {i: kiwi}", "matchLabels: {i: my1}",
		"wrong: podAffinity still names my1"),
	Entry("names what it became",
		"matchLabels: {i: web1}", "matchLabels: {i: web1}", "matchLabels: {i: kiwi}",
		"wrong: podAffinity turned from web1 to kiwi"),
	Entry("names a value that is lost",
		"matchExpressions: [{key: i, operator: In, values: [my1, batch7]}]",
		"matchExpressions: [{key: i, operator: In, values: [kiwi, batch7]}]",
		"matchExpressions: [{key: i, operator: In, values: [kiwi]}]",
		"wrong: podAffinity lost batch7"),
	Entry("names only the stale one of several values",
		"matchExpressions: [{key: i, operator: In, values: [my1, batch7]}]",
		"matchExpressions: [{key: i, operator: In, values: [kiwi, batch7]}]",
		"matchExpressions: [{key: i, operator: In, values: [my1, batch7]}]",
		"wrong: podAffinity still names my1"),
	Entry("names an operator that turns the meaning",
		"matchExpressions: [{key: i, operator: NotIn, values: [web1]}]",
		"matchExpressions: [{key: i, operator: NotIn, values: [web1]}]",
		"matchExpressions: [{key: i, operator: NotIn, values: [kiwi]}]",
		"wrong: podAffinity NotIn turned from web1 to kiwi"),
	Entry("says that values make it invalid",
		"matchExpressions: [{key: i, operator: Exists}]",
		"matchExpressions: [{key: i, operator: Exists}]",
		"matchExpressions: [{key: i, operator: Exists, values: [kiwi]}]",
		"wrong: podAffinity Exists got values kiwi, which the API server refuses in a Pod"),
	Entry("names a part that is lost",
		"matchLabels: {i: my1}", "matchLabels: {i: kiwi}", "{}",
		"wrong: podAffinity lost matchLabels"),
	Entry("names a part that was added",
		"matchLabels: {i: my1}", "matchLabels: {i: kiwi}", "matchLabels: {i: kiwi, c: mysql}",
		"wrong: podAffinity got mysql"),
)
