package differential

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Verdict is a cell of the table.
type Verdict struct {
	Right bool
	Text  string
}

// Judge compares the policies of a target with the expected ones. The text of a wrong result describes the first wrong leaf. Where no
// result is right, the text describes the first change.
func (s *Shape) Judge(got map[string]any) Verdict {
	was := Policies(s.Rules)
	if s.Expected == nil {
		if d := firstDifference(nil, was, got, nil); d != nil {
			return Verdict{Text: d.String()}
		}
		return Verdict{Text: "kept"}
	}
	if d := firstDifference(nil, Policies(s.Expected), got, was); d != nil {
		return Verdict{Text: "wrong: " + d.String()}
	}
	return Verdict{Right: true, Text: "right"}
}

// difference is a leaf that differs from the expected one.
type difference struct {
	path []string
	// operator is set where the leaf is the values of a requirement.
	operator       string
	want, got, was any
}

// firstDifference returns the first leaf, by name, in which got differs from want, or nil. was is the source.
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

// String describes the leaf: "podAntiAffinity still names my1".
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
	case d.hasForbiddenValues():
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

// hasForbiddenValues reports whether the operator must have no values.
func (d *difference) hasForbiddenValues() bool {
	return d.operator == string(metav1.LabelSelectorOpExists) || d.operator == string(metav1.LabelSelectorOpDoesNotExist)
}

// rule returns the kind of the rule.
func (d *difference) rule() string {
	for _, kind := range []string{"podAffinity", "podAntiAffinity", "nodeAffinity", "topologySpreadConstraints"} {
		if slices.Contains(d.path, kind) {
			return kind
		}
	}
	return strings.Join(d.path, "/")
}

// without returns the values of a that are not in b. An object is one value, the name of the leaf.
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
