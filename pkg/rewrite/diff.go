package rewrite

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Edit is a change of one leaf.
type Edit struct {
	// Path is the leaf's JSON Pointer in the object whose policies were given as live.
	Path string `json:"path"`
	// From is the old value: a string, a []string where a list changes its length, or nil where there was none.
	From any `json:"from"`
	// To is the new value, of the same types, or a map or list where From is nil. It is nil where the leaf is removed.
	To any `json:"to"`
	// Component is the component the changed rule governs; empty for the cluster's own policy, which governs all.
	Component string `json:"-"`
	// Template is the instance template that the changed rule governs; empty where it governs all of the component.
	Template string `json:"-"`
}

// Texts returns both values for people: a text as it is, a list in JSON, and "(none)" for no value.
func (e Edit) Texts() (from, to string) { return valueText(e.From), valueText(e.To) }

func valueText(value any) string {
	switch value := value.(type) {
	case nil:
		return "(none)"
	case string:
		return value
	}
	data, _ := json.Marshal(value) // Values are texts, lists and maps.
	return string(data)
}

// edits collects the edits between two versions of a rule.
type edits []Edit

func (e *edits) add(path string, from, to any) {
	*e = append(*e, Edit{Path: path, From: from, To: to})
}

// selector adds the edits that turn one selector, in a field below path, into another. That has the same requirements at the
// same indexes, and can have more behind them.
func (e *edits) selector(path, field string, from, to *metav1.LabelSelector) {
	if from == to || from == nil || to == nil {
		return
	}
	e.labels(path, field, from.MatchLabels, to.MatchLabels)
	if len(to.MatchExpressions) == 0 {
		return
	}
	path += field + "/matchExpressions"
	for i := range from.MatchExpressions {
		e.requirement(path+"/"+strconv.Itoa(i), from.MatchExpressions[i], to.MatchExpressions[i])
	}
	added := to.MatchExpressions[len(from.MatchExpressions):]
	if len(from.MatchExpressions) == 0 && len(added) > 0 {
		e.add(path, nil, added)
		return
	}
	for i := range added {
		e.add(path+"/"+strconv.Itoa(len(from.MatchExpressions)+i), nil, added[i])
	}
}

// labels adds the edits of the labels of that selector.
func (e *edits) labels(path, field string, from, to map[string]string) {
	if len(from) == 0 && len(to) > 0 { // from can be an empty map, but the object to patch have none
		e.add(path+field+"/matchLabels", nil, to)
		return
	}
	first, kept := len(*e), 0
	for key, value := range from {
		renamed, stays := to[key]
		if !stays {
			e.add(path+field+"/matchLabels/"+Escape(key), value, nil)
			continue
		}
		kept++
		if renamed != value {
			e.add(path+field+"/matchLabels/"+Escape(key), value, renamed)
		}
	}
	if kept < len(to) {
		e.addedLabels(path+field, from, to)
	}
	if len(*e)-first < 2 {
		return
	}
	slices.SortFunc((*e)[first:], func(a, b Edit) int { return strings.Compare(a.Path, b.Path) })
}

func (e *edits) addedLabels(path string, from, to map[string]string) {
	for key, value := range to {
		if _, was := from[key]; !was {
			e.add(path+"/matchLabels/"+Escape(key), nil, value)
		}
	}
}

func (e *edits) requirement(path string, from, to metav1.LabelSelectorRequirement) {
	if from.Key != to.Key {
		e.add(path+"/key", from.Key, to.Key)
	}
	e.list(path+"/values", from.Values, to.Values)
}

// list adds an edit for each changed value, or one for the whole list where its length changes.
func (e *edits) list(path string, from, to []string) {
	if len(from) != len(to) {
		e.add(path, orNil(from), orNil(to))
		return
	}
	for i := range from {
		if from[i] != to[i] {
			e.add(path+"/"+strconv.Itoa(i), from[i], to[i])
		}
	}
}

// orNil returns nil for an empty list, which JSON leaves out.
func orNil(values []string) any {
	if len(values) == 0 {
		return nil
	}
	return values
}

var escaper = strings.NewReplacer("~", "~0", "/", "~1")

// Escape makes a key one segment of a JSON Pointer (RFC 6901).
func Escape(key string) string {
	if key == LabelInstance {
		return "app.kubernetes.io~1instance" // the usual key, without an allocation
	}
	return escaper.Replace(key)
}
