package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"go.yaml.in/yaml/v3"
)

// toYAML returns JSON as YAML and keeps the order of keys and the form of numbers. Other converters sort and reformat them.
func toYAML(raw []byte) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	node, err := toNode(decoder)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(node); err != nil {
		return "", fmt.Errorf("print YAML: %w", err)
	}
	return out.String(), nil
}

// toNode turns the next value of a JSON stream into a YAML node.
func toNode(decoder *json.Decoder) (*yaml.Node, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch value := token.(type) {
	case json.Delim:
		if value == '{' {
			return toCollection(decoder, &yaml.Node{Kind: yaml.MappingNode})
		}
		return toCollection(decoder, &yaml.Node{Kind: yaml.SequenceNode})
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: value.String()}, nil
	default:
		node := &yaml.Node{}
		return node, node.Encode(value) // a string, a bool or nil, quoted if necessary
	}
}

// toCollection fills a node with the rest of a JSON array or object. The keys of an object are values of the stream too.
func toCollection(decoder *json.Decoder, node *yaml.Node) (*yaml.Node, error) {
	for decoder.More() {
		child, err := toNode(decoder)
		if err != nil {
			return nil, err
		}
		node.Content = append(node.Content, child)
	}
	if len(node.Content) == 0 {
		node.Style = yaml.FlowStyle
	}
	_, err := decoder.Token() // the closing bracket
	return node, err
}

// yamlSource returns the YAML that an object was read from. It is nil for JSON.
type yamlSource func() (*yaml.Node, error)

// sourceOf parses a document when it is asked for: the keys of most documents are not checked.
func sourceOf(data []byte) yamlSource {
	return sync.OnceValues(func() (*yaml.Node, error) {
		var parsed yaml.Node
		if err := yaml.Unmarshal(data, &parsed); err != nil {
			return nil, errors.New(oneLine(err))
		}
		for parsed.Kind == yaml.DocumentNode {
			parsed = *parsed.Content[0]
		}
		return &parsed, nil
	})
}

// checkKeys returns an error for an object that has a key twice, at any depth: readers of YAML do not agree which value counts.
func (s yamlSource) checkKeys() error {
	if s == nil {
		return nil
	}
	node, err := s()
	if err != nil {
		return err
	}
	return checkBelow(node, map[*yaml.Node]bool{})
}

// items returns the source of each of n items of a list. A list with two keys "items" is an error.
func (s yamlSource) items(n int) ([]yamlSource, error) {
	all := make([]yamlSource, n)
	if s == nil {
		return all, nil
	}
	list, err := s()
	if err != nil {
		return nil, err
	}
	if err := checkMapping(list); err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(list.Content); i += 2 {
		if items := list.Content[i+1]; list.Content[i].Value == "items" && len(items.Content) == n {
			for j, item := range items.Content {
				all[j] = func() (*yaml.Node, error) { return item, nil }
			}
		}
	}
	return all, nil
}

// checkBelow checks a node and all below it. seen are the nodes that an alias has led to.
func checkBelow(node *yaml.Node, seen map[*yaml.Node]bool) error {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
		if seen[node] {
			return nil
		}
		seen[node] = true
	}
	if err := checkMapping(node); err != nil {
		return err
	}
	for _, child := range node.Content {
		if err := checkBelow(child, seen); err != nil {
			return err
		}
	}
	return nil
}

func checkMapping(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return nil
	}
	known := map[string]bool{}
	for i := 0; i < len(node.Content); i += 2 {
		key := node.Content[i]
		if known[key.Value] && key.Value != "<<" { // several merges are no repetition
			return fmt.Errorf(problemKeyTwice, key.Line, key.Value)
		}
		known[key.Value] = true
	}
	return nil
}
