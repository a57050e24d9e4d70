package rewrite

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// selectorEdits returns the edits that give the selector at path a new home, in the order in which the leaves stand.
func (r renamer) selectorEdits(path string, s *metav1.LabelSelector) []Edit {
	if s == nil {
		return nil
	}
	var edits []Edit
	for _, key := range slices.Sorted(maps.Keys(s.MatchLabels)) {
		value := s.MatchLabels[key]
		if renamed, ok := r.rename(key, value); ok {
			edits = append(edits, Edit{Path: path + "/matchLabels/" + escape(key), From: value, To: renamed})
		}
	}
	for i, requirement := range s.MatchExpressions {
		edits = append(edits, r.valuesEdits(path+"/matchExpressions/"+strconv.Itoa(i)+"/values", requirement)...)
	}
	return edits
}

// valuesEdits returns the edits of one requirement's values: a leaf for each value, or the whole list where a leaf would
// leave it with a duplicate.
func (r renamer) valuesEdits(path string, requirement metav1.LabelSelectorRequirement) []Edit {
	var edits []Edit
	values := make([]string, 0, len(requirement.Values))
	for i, value := range requirement.Values {
		renamed, ok := r.rename(requirement.Key, value)
		if ok {
			edits = append(edits, Edit{Path: path + "/" + strconv.Itoa(i), From: value, To: renamed})
			value = renamed
		}
		if !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	if len(edits) > 0 && len(values) < len(requirement.Values) {
		return []Edit{{Path: path, From: requirement.Values, To: values}}
	}
	return edits
}

// escape makes a key one segment of a JSON Pointer (RFC 6901).
func escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}
