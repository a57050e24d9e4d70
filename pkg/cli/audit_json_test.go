package cli

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestTheSchemaOfTheReportIsDocumented compares the fields of `rehome audit -o json` with the tables of the pages.
func TestTheSchemaOfTheReportIsDocumented(t *testing.T) {
	for _, page := range []string{"../../docs/audit.md", "../../docs/zh-CN/audit.md"} {
		NewWithT(t).Expect(documentedFields(t, page)).To(ConsistOf(fieldsOf(reflect.TypeFor[auditReport](), "")), page)
	}
}

// fieldsOf lists the fields of a struct as the pages name them. Those of a small struct follow its name in braces.
func fieldsOf(of reflect.Type, prefix string) (list []string) {
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		field := of.Field(i).Type
		for field.Kind() == reflect.Pointer || field.Kind() == reflect.Slice {
			field = field.Elem()
		}
		switch field {
		case reflect.TypeFor[auditSource]():
			list = append(list, fieldsOf(field, "sources[].")...)
			continue
		case reflect.TypeFor[auditFinding]():
			list = append(list, fieldsOf(field, "findings[].")...)
		default:
			if field.Kind() == reflect.Struct && field != reflect.TypeFor[metav1.Time]() {
				name += "{" + strings.Join(fieldsOf(field, ""), ", ") + "}"
			}
		}
		list = append(list, prefix+name)
	}
	return list
}

// documentedFields lists the fields in the rows of a page, which follow `version`. A row can name several: `a.b`, `.c`.
func documentedFields(t *testing.T, page string) (list []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	_, table, _ := strings.Cut(string(text), "\n| `version` |")
	table, _, _ = strings.Cut("| `version` |"+table, "\n\n")
	for row := range strings.Lines(table) {
		cells := strings.Split(row, " | ")
		braces := regexp.MustCompile(`\{.*?\}`).FindString(cells[1])
		var prefix string
		for _, span := range regexp.MustCompile("`[^`]+`").FindAllString(cells[0], -1) {
			field := strings.TrimSuffix(strings.Trim(span, "`"), "[]")
			if strings.HasPrefix(field, ".") {
				field = prefix + field
			}
			prefix = field[:max(0, strings.LastIndex(field, "."))]
			list = append(list, field+braces)
		}
	}
	return list
}
