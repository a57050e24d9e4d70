package manifest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// object is a JSON object. A nil object is empty.
type object map[string]any

// Decode decodes a Cluster. With an error, it returns what it could decode.
func Decode(raw []byte) (map[string]any, error) {
	var decoded map[string]any
	if err := json.Unmarshal(raw, &decoded); err != nil {
		return decoded, fmt.Errorf("decode the Cluster: %w", err)
	}
	return decoded, nil
}

// at returns the object below fields, or nil.
func (o object) at(fields ...string) object {
	for _, field := range fields {
		next, _ := o[field].(map[string]any)
		o = next
	}
	return o
}

// text returns a string, or an empty one.
func (o object) text(field string) string {
	text, _ := o[field].(string)
	return text
}

// keys lists the keys in a stable order.
func (o object) keys() []string { return slices.Sorted(maps.Keys(o)) }

// located is an object with its JSON Pointer.
type located struct {
	object
	path string
}

// elements lists the objects of a list.
func (l located) elements(field string) []located {
	list, _ := l.object[field].([]any)
	all := make([]located, 0, len(list))
	for i, element := range list {
		if o, ok := element.(map[string]any); ok {
			all = append(all, located{o, l.path + "/" + rewrite.Escape(field) + "/" + strconv.Itoa(i)})
		}
	}
	return all
}

// member returns an object with its path. It can be nil.
func (l located) member(field string) located {
	return located{l.at(field), l.path + "/" + rewrite.Escape(field)}
}

// components lists the components of a Cluster, then the templates of its shardings, in the places of every version.
func components(cluster object) (plain, shards []located) {
	spec := located{cluster.at("spec"), "/spec"}
	plain = spec.elements("componentSpecs")
	for _, field := range []string{"shardings", "shardingSpecs"} {
		for _, sharding := range spec.elements(field) {
			shards = append(shards, sharding.member("template"))
			shards = append(shards, sharding.elements("shardTemplates")...)
		}
	}
	return plain, shards
}

// isEmpty reports whether a value holds nothing: null, "", 0, {} or [].
func isEmpty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case string:
		return value == ""
	case float64:
		return value == 0
	case map[string]any:
		return len(value) == 0
	case []any:
		return len(value) == 0
	}
	return false
}
