package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
)

// document is a Backup or a Cluster of KubeBlocks as JSON. JSON input is kept byte for byte.
type document struct {
	raw []byte
	// where is its position, for messages.
	where string
	// err says that it has a key twice. It is an error only where the document is used.
	err error
	head
}

// head is the part of an object that says what it is.
type head struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Spec       json.RawMessage   `json:"spec"`
	Items      []json.RawMessage `json:"items"`
	Metadata   struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
}

// documents are what an input holds for this command, and why the rest of it does not count.
type documents struct {
	backups, clusters []document
	// problems are those of documents that cannot be read, and others name the objects of other groups that have a kind of the
	// same name. They are errors only where nothing is found.
	problems []error
	others   []string
	// kubernetes are the objects of other kinds.
	kubernetes []document
	empty      bool
}

// merge adds what another input holds.
func (d *documents) merge(other documents) {
	d.backups = append(d.backups, other.backups...)
	d.clusters = append(d.clusters, other.clusters...)
	d.problems = append(d.problems, other.problems...)
	d.others = append(d.others, other.others...)
	d.kubernetes = append(d.kubernetes, other.kubernetes...)
	d.empty = d.empty && other.empty
}

// readDocuments reads the objects of a YAML or JSON stream, and expands Lists. name is that of the input.
func readDocuments(r io.Reader, name string) (documents, error) {
	found := documents{empty: true}
	reader := utilyaml.NewYAMLReader(bufio.NewReader(r))
	for n := 1; ; n++ {
		data, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return found, fmt.Errorf("%s: %w", name, err)
		}
		found.add(data, fmt.Sprintf("%s: document %d", name, n))
	}
}

// add adds a document of a stream. One that is no object of KubeBlocks is never an error by itself.
func (d *documents) add(data []byte, where string) {
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	objects, isJSON := jsonObjects(data)
	if !isJSON {
		loose, err := yaml.YAMLToJSON(data)
		if err != nil {
			d.problem(where, fmt.Errorf(problemNotYAML, oneLine(err)))
			return
		}
		if bytes.Equal(loose, []byte("null")) {
			return
		}
		objects = []json.RawMessage{loose}
	}
	var source yamlSource
	if !isJSON {
		source = sourceOf(data)
	}
	for _, raw := range objects {
		d.addObject(raw, source, where)
	}
}

// jsonObjects splits a stream of JSON objects.
func jsonObjects(data []byte) ([]json.RawMessage, bool) {
	if len(data) == 0 || data[0] != '{' {
		return nil, false
	}
	var objects []json.RawMessage
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		var object json.RawMessage
		switch err := decoder.Decode(&object); {
		case errors.Is(err, io.EOF):
			return objects, true
		case err != nil:
			return nil, false
		}
		objects = append(objects, object)
	}
}

// addObject adds an object, or the objects of a List. source is nil for JSON.
func (d *documents) addObject(raw []byte, source yamlSource, where string) {
	d.empty = false
	o := document{raw: raw, where: where}
	if err := json.Unmarshal(raw, &o.head); err != nil {
		d.problem(where, errors.New(problemNotAnObject))
		return
	}
	backup, cluster := o.isOf(kubeblocks.DataProtectionV1alpha1.Group, "Backup"), o.isOf(kubeblocks.AppsV1.Group, "Cluster")
	bare := o.APIVersion == "" && o.Kind == "" && len(o.Spec) > 0 && o.Items == nil
	switch {
	case backup:
		o.err = source.checkKeys()
		d.backups = append(d.backups, o)
	case cluster, bare:
		o.err = source.checkKeys()
		d.clusters = append(d.clusters, o)
	case o.Items != nil:
		d.addItems(o, source)
	case o.Kind == "Backup", o.Kind == "Cluster":
		group, _, _ := strings.Cut(o.APIVersion, "/")
		d.others = append(d.others, fmt.Sprintf(textOtherGroup, o.Kind, o.Metadata.Name, group))
	case o.Kind != "":
		d.kubernetes = append(d.kubernetes, o)
	}
}

// addItems adds the items of a list. One that has a key twice stops only what uses it.
func (d *documents) addItems(list document, source yamlSource) {
	sources, err := source.items(len(list.Items))
	if err != nil {
		d.problem(list.where, err)
		return
	}
	if len(list.Items) == 0 && list.Kind != "" { // there are none of this kind
		d.kubernetes = append(d.kubernetes, list)
	}
	for i, item := range list.Items {
		if kind := strings.TrimSuffix(list.Kind, "List"); kind != "" && kind != list.Kind {
			item = withType(item, list.APIVersion, kind)
		}
		d.addObject(item, sources[i], fmt.Sprintf("%s, item %d", list.where, i+1))
	}
}

// withType returns an item of a typed list with its type. API servers and clients leave it out of a BackupList, but not of a List.
func withType(item []byte, apiVersion, kind string) []byte {
	var own head
	if err := json.Unmarshal(item, &own); err != nil || own.APIVersion != "" || own.Kind != "" {
		return item
	}
	typed, err := patch.ApplyCreating(item, []patch.Operation{patch.Add("/apiVersion", apiVersion), patch.Add("/kind", kind)})
	if err != nil {
		return item // null
	}
	return typed
}

// lastOfEach drops the documents of objects that come again: files can overlap, and --nodes replaces nodes.
func lastOfEach(all []document) []document {
	last := map[string]int{}
	for i := range all {
		last[all[i].key()] = i
	}
	var kept []document
	for i := range all {
		if last[all[i].key()] == i {
			kept = append(kept, all[i])
		}
	}
	return kept
}

// key is equal for documents of the same object.
func (h head) key() string {
	return strings.Join([]string{h.APIVersion, h.Kind, h.Metadata.Namespace, h.Metadata.Name}, " ")
}

func (d *documents) problem(where string, err error) {
	d.problems = append(d.problems, fmt.Errorf("%s: %w", where, err))
}

// isOf reports whether an object is of a kind of KubeBlocks. One without apiVersion can be.
func (h head) isOf(group, kind string) bool {
	of, _, _ := strings.Cut(h.APIVersion, "/")
	return h.Kind == kind && (of == group || h.APIVersion == "")
}

// oneLine returns the first line of an error.
func oneLine(err error) string {
	line, rest, _ := strings.Cut(strings.TrimSpace(strings.ReplaceAll(err.Error(), "\r", "")), "\n")
	if next, _, _ := strings.Cut(strings.TrimSpace(rest), "\n"); strings.HasSuffix(line, ":") && next != "" {
		line += " " + next
	}
	return line
}
