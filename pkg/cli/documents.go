package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// document is one object of an input as JSON. JSON input is kept byte for byte.
type document struct {
	raw []byte
	// where is its position, for messages.
	where string

	Kind     string                     `json:"kind"`
	Spec     map[string]json.RawMessage `json:"spec"`
	Items    []json.RawMessage          `json:"items"`
	Metadata struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
}

// readDocuments reads the objects of a YAML or JSON stream, and expands Lists.
func readDocuments(r io.Reader) ([]document, error) {
	var all []document
	reader := utilyaml.NewYAMLReader(bufio.NewReader(r))
	for n := 1; ; n++ {
		data, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		where := fmt.Sprintf("document %d", n)
		raw, err := toJSON(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		if raw == nil {
			continue
		}
		if all, err = appendDocuments(all, raw, where); err != nil {
			return nil, err
		}
	}
}

// toJSON returns a document as JSON, or nil for an empty one.
func toJSON(data []byte) ([]byte, error) {
	data = bytes.TrimSpace(data)
	if len(data) > 0 && data[0] == '{' && json.Valid(data) {
		return data, nil
	}
	raw, err := yaml.YAMLToJSONStrict(data)
	if err != nil {
		return nil, fmt.Errorf(problemNotYAML, err)
	}
	if bytes.Equal(raw, []byte("null")) {
		return nil, nil
	}
	return raw, nil
}

func appendDocuments(all []document, raw []byte, where string) ([]document, error) {
	d := document{raw: raw, where: where}
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, fmt.Errorf(problemNotAnObject, where)
	}
	if d.Items == nil {
		return append(all, d), nil
	}
	var err error
	for i, item := range d.Items {
		if all, err = appendDocuments(all, item, fmt.Sprintf("%s, item %d", where, i+1)); err != nil {
			return nil, err
		}
	}
	return all, nil
}
