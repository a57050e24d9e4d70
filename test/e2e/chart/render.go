package chart

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/rehome-operator/rehome/test/controlplane/repository"
)

// release is the name of the Helm release, ownNamespace its namespace.
const release, ownNamespace = "rehome", "rehome-system"

// kubernetes is the version that Helm renders for. A Helm that is built from its module has a default that is much older.
const kubernetes = "v1.37.2"

// render returns the objects of the chart with these values, sorted by kind and name.
func render(values map[string]any) ([]*unstructured.Unstructured, error) {
	root, err := repository.Root()
	if err != nil {
		return nil, err
	}
	chart, err := loader.LoadDir(filepath.Join(root, "charts", "rehome"))
	if err != nil {
		return nil, fmt.Errorf("load the chart: %w", err)
	}
	options := chartutil.ReleaseOptions{Name: release, Namespace: ownNamespace, Revision: 1, IsInstall: true}
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = chartutil.KubeVersion{Version: kubernetes, Major: "1", Minor: "37"}
	rendered, err := chartutil.ToRenderValues(chart, values, options, capabilities)
	if err != nil {
		return nil, fmt.Errorf("read the chart's values: %w", err)
	}
	files, err := engine.Render(chart, rendered)
	if err != nil {
		return nil, fmt.Errorf("render the chart: %w", err)
	}
	var objects []*unstructured.Unstructured
	for name, text := range files {
		if filepath.Ext(name) != ".yaml" {
			continue
		}
		decoded, err := decode(text)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		objects = append(objects, decoded...)
	}
	slices.SortFunc(objects, func(a, b *unstructured.Unstructured) int {
		return strings.Compare(a.GetKind()+a.GetNamespace()+a.GetName(), b.GetKind()+b.GetNamespace()+b.GetName())
	})
	return objects, nil
}

// decode returns the objects of a manifest.
func decode(manifest string) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	documents := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifest), 4096)
	for {
		object := &unstructured.Unstructured{}
		switch err := documents.Decode(&object.Object); {
		case errors.Is(err, io.EOF):
			return objects, nil
		case err != nil:
			return nil, err
		case len(object.Object) > 0:
			objects = append(objects, object)
		}
	}
}
