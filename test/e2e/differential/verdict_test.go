package differential

import (
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

func TestVerdict(t *testing.T) {
	for name, c := range map[string]struct{ was, want, got, words string }{
		"is right when it is as expected": {
			was:   "matchLabels: {i: my1}",
			want:  "matchLabels: {i: kiwi}",
			got:   "matchLabels: {i: kiwi}",
			words: "right",
		},
		"says that it is stale": {
			was:   "matchLabels: {i: my1}",
			want:  "matchLabels: {i: kiwi}",
			got:   "matchLabels: {i: my1}",
			words: "wrong: podAffinity still names my1",
		},
		"names what it became": {
			was:   "matchLabels: {i: web1}",
			want:  "matchLabels: {i: web1}",
			got:   "matchLabels: {i: kiwi}",
			words: "wrong: podAffinity turned from web1 to kiwi",
		},
		"names a value that is lost": {
			was:   "matchExpressions: [{key: i, operator: In, values: [my1, batch7]}]",
			want:  "matchExpressions: [{key: i, operator: In, values: [kiwi, batch7]}]",
			got:   "matchExpressions: [{key: i, operator: In, values: [kiwi]}]",
			words: "wrong: podAffinity lost batch7",
		},
		"names only the stale one of several values": {
			was:   "matchExpressions: [{key: i, operator: In, values: [my1, batch7]}]",
			want:  "matchExpressions: [{key: i, operator: In, values: [kiwi, batch7]}]",
			got:   "matchExpressions: [{key: i, operator: In, values: [my1, batch7]}]",
			words: "wrong: podAffinity still names my1",
		},
		"names an operator that turns the meaning": {
			was:   "matchExpressions: [{key: i, operator: NotIn, values: [web1]}]",
			want:  "matchExpressions: [{key: i, operator: NotIn, values: [web1]}]",
			got:   "matchExpressions: [{key: i, operator: NotIn, values: [kiwi]}]",
			words: "wrong: podAffinity NotIn turned from web1 to kiwi",
		},
		"says that values make it invalid": {
			was:   "matchExpressions: [{key: i, operator: Exists}]",
			want:  "matchExpressions: [{key: i, operator: Exists}]",
			got:   "matchExpressions: [{key: i, operator: Exists, values: [kiwi]}]",
			words: "wrong: podAffinity Exists got values kiwi, which the API server refuses in a Pod",
		},
		"names a part that is lost": {
			was:   "matchLabels: {i: my1}",
			want:  "matchLabels: {i: kiwi}",
			got:   "{}",
			words: "wrong: podAffinity lost matchLabels",
		},
		"names a part that was added": {
			was:   "matchLabels: {i: my1}",
			want:  "matchLabels: {i: kiwi}",
			got:   "matchLabels: {i: kiwi, c: mysql}",
			words: "wrong: podAffinity got mysql",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := Shape{Rules: ruled(t, c.was), Expected: ruled(t, c.want)}
			got := s.Judge(Policies(ruled(t, c.got)))
			NewWithT(t).Expect(got).To(Equal(Verdict{Right: c.words == "right", Text: c.words}))
		})
	}
}

// ruled returns a spec with one rule. The selector is YAML.
func ruled(t *testing.T, selector string) map[string]any {
	t.Helper()
	var parsed map[string]any
	NewWithT(t).Expect(yaml.Unmarshal([]byte(selector), &parsed)).To(Succeed())
	term := map[string]any{"labelSelector": parsed}
	affinity := map[string]any{"podAffinity": map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": []any{term}}}
	return map[string]any{"schedulingPolicy": map[string]any{"affinity": affinity}}
}
