package cli

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
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

// parts collects what is written, and the size of the largest part.
type parts struct {
	strings.Builder
	largest int
}

func (p *parts) Write(part []byte) (int, error) {
	p.largest = max(p.largest, len(part))
	return p.Builder.Write(part)
}

func TestTheReportIsWrittenInParts(t *testing.T) {
	for _, sources := range []int{0, 1, 3, 400} {
		g := NewWithT(t)
		a := &audited{Groups: audit.NewGroups(), hints: []string{`"sources": [`}}
		judge := audit.NewJudge(audit.Facts{})
		for i := range sources {
			name := fmt.Sprintf("my%d", i)
			b := &kubeblocks.Backup{}
			b.Namespace, b.Name, b.Labels = "shop", name+"-1", map[string]string{kubeblocks.LabelInstance: name}
			snapshot := fmt.Sprintf(`{"metadata":{"name":%q},"spec":{%s}}`, name, componentWith(policy(name)))
			b.Annotations = map[string]string{kubeblocks.AnnotationClusterSnapshot: snapshot}
			a.Add(b, judge.Backup(b))
		}
		a.sources = a.Sources()
		whole := a.report()
		for _, s := range a.sources {
			whole.Sources = append(whole.Sources, a.reportSource(s))
		}
		want, err := indented(whole)
		g.Expect(err).NotTo(HaveOccurred())
		var got parts

		g.Expect(a.writeJSON(&got)).To(Succeed())

		g.Expect(got.String()).To(Equal(string(want)))
		g.Expect(got.largest).To(BeNumerically("<=", 8<<10))
	}
}
