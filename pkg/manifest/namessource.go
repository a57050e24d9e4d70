package manifest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// namer finds fields that name the source and are no rules about Pods.
type namer struct {
	source   string
	findings []rewrite.Finding
}

// FieldsNaming reports the fields of a Cluster that name the source and are no rules about Pods, and legacy rules that tie Pods to places.
func FieldsNaming(source string, cluster map[string]any) []rewrite.Finding {
	n := &namer{source: source}
	n.walk("/spec", "", "spec", cluster["spec"])
	return n.findings
}

// skipped are the fields that others report on: rules about Pods, the reference to a Backup, and what is left out.
var skipped = []string{"podAffinity", "podAntiAffinity", "topologySpreadConstraints", "restore", "offlineInstances"}

// walk visits a value in a stable order. parent and field are the two last fields of its path; a list stands for its elements.
func (n *namer) walk(path, parent, field string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range object(value).keys() {
			isSharded := field == "systemAccounts" && key == "secretRef" && !strings.HasPrefix(path, "/spec/componentSpecs/")
			if !slices.Contains(skipped, key) && !isSharded {
				n.walk(path+"/"+rewrite.Escape(key), field, key, value[key])
			}
		}
	case []any:
		for i, element := range value {
			n.walk(path+"/"+strconv.Itoa(i), parent, field, element)
		}
	case string:
		n.leaf(path, parent, field, value)
	}
}

func (n *namer) leaf(path, parent, field, value string) {
	if parent == "nodeLabels" && rewrite.IsLocation(field) {
		n.find(path, rewrite.NodeBound, textLegacyLocation)
		n.findings[len(n.findings)-1].Required = true
	}
	if isWhole(parent, field) && value == n.source || isReference(parent, field) && mentions(value, n.source) {
		n.find(path, NamesSource, fmt.Sprintf(textNamesSource, n.source))
	}
}

func (n *namer) find(path string, class rewrite.Class, verdict string) {
	n.findings = append(n.findings, rewrite.Finding{Path: path, Class: class, Message: Describe(path) + verdict})
}

// isWhole reports whether a field holds a value of its own, which names the source only as a whole.
func isWhole(parent, field string) bool {
	switch parent {
	case "nodeSelector", "nodeLabels", "labels", "annotations":
		return true
	case "tolerations":
		return field == "value"
	case "matchExpressions": // of nodes: those of Pods are skipped
		return field == "values"
	}
	return false
}

// isReference reports whether a field names another object, whose name is often made of the source's.
func isReference(parent, field string) bool {
	switch field {
	case "serviceAccountName", "secretName", "claimName", "volumeName":
		return true
	case "cluster":
		return parent == "serviceRefs" || parent == "clusterServiceSelector"
	case "value":
		return parent == "env"
	case "name":
		switch parent {
		case "secretRef", "secretKeyRef", "secret", "configMapRef", "configMapKeyRef", "configMap", "dataSource", "dataSourceRef":
			return true
		}
	}
	return false
}

// mentions reports whether a name or a text has the source's name in it as a word of its own: db-a is in kb-db-a, and not in db-ab.
func mentions(text, name string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], name)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(name)
		if (start == 0 || !isWord(text[start-1])) && (end == len(text) || !isWord(text[end])) {
			return true
		}
		from = start + 1
	}
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}
