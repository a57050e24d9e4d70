package cli

import (
	"bytes"
	"encoding/json"
	"fmt"

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
