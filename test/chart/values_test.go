package chart

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
)

func TestInvalidValuesAreRefused(t *testing.T) {
	for values, message := range map[string]string{
		"replicas: 3":                              "at '': additional properties 'replicas' not allowed",
		"replicaCount: two":                        "at '/replicaCount'",
		"image: {pullPolicy: Sometimes}":           "at '/image/pullPolicy'",
		"image: {digest: latest}":                  "at '/image/digest'",
		"image: {imagePullSecrets: [registry]}":    "at '/image/imagePullSecrets/0'",
		"managedNamespaces: [shop, bank]":          "at '/managedNamespaces'",
		"config: {mode: Enforced}":                 "at '/config/mode'",
		"config: {watchNamespaces: [shop]}":        "at '/config': additional properties 'watchNamespaces' not allowed",
		"config: {limits: {attemptSpacing: 30}}":   "at '/config/limits/attemptSpacing'",
		"config: {limits: {remediationBurst: -1}}": "at '/config/limits/remediationBurst'",
		`config: {health: {bindAddress: "0"}}`:     "at '/config/health/bindAddress'",
		"config: {databasePods: Delete}":           "at '/config/databasePods'",
		"config: {featureGates: {}}":               "at '/config': additional properties 'featureGates' not allowed",
		"podLabels: {team: two words}":             "at '/podLabels/team'",
		"metrics: {readers: [{name: prometheus}]}": "at '/metrics/readers/0'",
		"extraArgs: [manager]":                     "at '/extraArgs/0'",
		"extraEnv: [{value: a}]":                   "at '/extraEnv/0'",
		"enabled: 'yes'":                           "at '/enabled'",
		"global: {imagePullSecrets: [{}]}":         "at '/global/imagePullSecrets/0'",
		"networkPolicy: {metricsFrom: monitoring}": "at '/networkPolicy/metricsFrom'",
		"webhook: {failurePolicy: Sometimes}":      "at '/webhook/failurePolicy'",
		"webhook: {certificates: Mine}":            "at '/webhook/certificates'",
		"webhook: {certificates: Existing}":        "webhook.existingSecret is required if webhook.certificates is Existing",
		"audit: {failOn: some}":                    "at '/audit/failOn'",
		"audit: {output: html}":                    "at '/audit/output'",
		"serviceAccount: {create: false}":          "serviceAccount.name is required if serviceAccount.create is false",
	} {
		t.Run(values, func(t *testing.T) {
			_, err := template(t, values)
			NewWithT(t).Expect(err).To(MatchError(ContainSubstring(message)))
		})
	}
}

// TestOffIsRefusedWithTheModeToWrite has the spellings that YAML 1.1 reads as false, and strings.
func TestOffIsRefusedWithTheModeToWrite(t *testing.T) {
	for _, mode := range []string{"off", "Off", "OFF", "oFf", "'off'", `"OFF"`, "false", "False", "'false'", "no"} {
		t.Run(mode, func(t *testing.T) {
			_, err := template(t, "config:\n  mode: "+mode+"\n")
			NewWithT(t).Expect(err).To(MatchError(And(
				ContainSubstring("config.mode must be Enforce, Observe or Disabled"), ContainSubstring("write Disabled"))))
		})
	}
}

func TestEveryValueIsDocumented(t *testing.T) {
	g := NewWithT(t)
	described := map[string]string{}
	for _, line := range strings.Split(read(t, inRepository(t, "charts", "rehome", "README.md")), "\n") {
		if cells := strings.Split(line, " | "); len(cells) == 4 {
			described[strings.TrimPrefix(cells[0], "| ")] = strings.TrimSuffix(cells[3], " |")
		}
	}
	for path := range leaves(t) {
		g.Expect(described[row(described, path)]).NotTo(BeEmpty(), path)
	}
}

// row returns the path of a value in the table, or of the object that contains it.
func row(described map[string]string, path string) string {
	for path != "" && described[path] == "" {
		path = path[:max(0, strings.LastIndexByte(path, '.'))]
	}
	return path
}

// TestEveryValueChangesTheManifests changes one value at a time, with all options enabled.
func TestEveryValueChangesTheManifests(t *testing.T) {
	base := read(t, "testdata/values/everything.yaml")
	before := rendered(t, base)
	others := valuesIn(t, "testdata/other-values.yaml")
	for path := range leaves(t) {
		t.Run(path, func(t *testing.T) {
			g := NewWithT(t)
			other, found, err := unstructured.NestedFieldCopy(others, strings.Split(path, ".")...)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(found).To(BeTrue(), "testdata/other-values.yaml has no value")
			g.Expect(rendered(t, with(t, base, path, other))).NotTo(Equal(before))
		})
	}
}

// with returns values with another value at a path. For the tag it removes the digest, which would override it.
func with(t *testing.T, base, path string, value any) string {
	t.Helper()
	g := NewWithT(t)
	var values map[string]any
	g.Expect(yaml.Unmarshal([]byte(base), &values)).To(Succeed())
	if path == "image.tag" {
		unstructured.RemoveNestedField(values, "image", "digest")
	}
	g.Expect(unstructured.SetNestedField(values, value, strings.Split(path, ".")...)).To(Succeed())
	text, err := yaml.Marshal(values)
	g.Expect(err).NotTo(HaveOccurred())
	return string(text)
}

// opaque are the values that templates copy as a whole.
var opaque = []string{"nodeSelector", "podSecurityContext", "securityContext", "resources", "updateStrategy.rollingUpdate", "dashboard.labels",
	"audit.resources", "audit.report.volume"}

// leaves returns the chart's values by path.
func leaves(t *testing.T) map[string]any {
	t.Helper()
	found := map[string]any{}
	collect(found, "", valuesIn(t, inRepository(t, "charts", "rehome", "values.yaml")))
	return found
}

func valuesIn(t *testing.T, file string) map[string]any {
	t.Helper()
	var values map[string]any
	NewWithT(t).Expect(yaml.Unmarshal([]byte(read(t, file)), &values)).To(Succeed())
	return values
}

func collect(found map[string]any, path string, value any) {
	fields, isObject := value.(map[string]any)
	if !isObject || len(fields) == 0 || slices.Contains(opaque, path) {
		found[path] = value
		return
	}
	for key, field := range fields {
		collect(found, strings.TrimPrefix(path+"."+key, "."), field)
	}
}

func TestTheDefaultsAreThoseOfTheOperator(t *testing.T) {
	g := NewWithT(t)
	got, err := configv1alpha1.Load([]byte(parse(t, rendered(t, "")).configuration(t)))
	g.Expect(err).NotTo(HaveOccurred())

	want := configv1alpha1.Defaults()
	want.LeaderElection = configv1alpha1.LeaderElection{Enabled: true, Namespace: ownNamespace}
	want.Webhook.BindAddress = ":9443"
	want.IdentityLabels = []string{}
	g.Expect(got).To(Equal(want))
}

// setByChart are the fields of the configuration that the chart sets from other values.
var setByChart = []string{"apiVersion", "kind", "leaderElection.enabled", "leaderElection.namespace", "watchNamespaces",
	"webhook.bindAddress", "webhook.certificates", "webhook.certificateDirectory", "webhook.configuration"}

func TestTheSchemaHasAllFieldsOfTheConfiguration(t *testing.T) {
	g := NewWithT(t)
	var schema node
	g.Expect(json.Unmarshal([]byte(read(t, inRepository(t, "charts", "rehome", "values.schema.json"))), &schema)).To(Succeed())
	inSchema := schema.Properties["config"].paths("")

	fields := pathsOf(reflect.TypeFor[configv1alpha1.Configuration](), "")
	fields = slices.DeleteFunc(fields, func(path string) bool { return slices.Contains(setByChart, path) })
	g.Expect(inSchema).To(ConsistOf(fields))
}

// node is a part of a JSON Schema.
type node struct {
	Properties map[string]node `json:"properties"`
}

func (n node) paths(path string) []string {
	if len(n.Properties) == 0 {
		return []string{path}
	}
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(n.Properties)) {
		paths = append(paths, n.Properties[name].paths(strings.TrimPrefix(path+"."+name, "."))...)
	}
	return paths
}

// pathsOf returns the JSON paths of the fields of a type.
func pathsOf(of reflect.Type, path string) []string {
	if of.Kind() != reflect.Struct || of == reflect.TypeFor[metav1.Duration]() {
		return []string{path}
	}
	var paths []string
	for _, field := range reflect.VisibleFields(of) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if options == "inline" || len(field.Index) > 1 && name == "" {
			continue
		}
		paths = append(paths, pathsOf(field.Type, strings.TrimPrefix(path+"."+name, "."))...)
	}
	return paths
}
