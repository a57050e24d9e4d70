package kubeblocks

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// backup returns a Backup of my1 with a snapshot.
func backup(snapshot string) *Backup {
	return &Backup{ObjectMeta: metav1.ObjectMeta{
		Namespace: "backups", Name: "bp1",
		Annotations: map[string]string{AnnotationClusterSnapshot: snapshot},
		Labels:      map[string]string{LabelInstance: "my1", LabelBackupClusterUID: "uid-1"},
	}}
}

func TestSourceOfReadsTheIdentityAndEveryPolicy(t *testing.T) {
	const policy = `"schedulingPolicy":{"affinity":{},"unknown":1}`
	for name, c := range map[string]struct {
		spec   string
		places map[string]string // by path
	}{
		"the cluster's own":             {policy, map[string]string{"/spec/schedulingPolicy": ""}},
		"a component's":                 {`"componentSpecs":[{"name":"a"},{"name":"mysql",` + policy + `}]`, map[string]string{"/spec/componentSpecs/1/schedulingPolicy": "componentSpecs/mysql"}},
		"an instance template's":        {`"componentSpecs":[{"name":"mysql","instances":[{"name":"big",` + policy + `}]}]`, map[string]string{"/spec/componentSpecs/0/instances/0/schedulingPolicy": "componentSpecs/mysql/instances/big"}},
		"a sharding's, 1.0":             {`"shardings":[{"name":"s","template":{` + policy + `}}]`, map[string]string{"/spec/shardings/0/template/schedulingPolicy": "shardings/s/template"}},
		"a sharding's, 0.9":             {`"shardingSpecs":[{"name":"s","template":{` + policy + `}}]`, map[string]string{"/spec/shardingSpecs/0/template/schedulingPolicy": "shardings/s/template"}},
		"a sharding instance's":         {`"shardings":[{"name":"s","template":{"instances":[{"name":"big",` + policy + `}]}}]`, map[string]string{"/spec/shardings/0/template/instances/0/schedulingPolicy": "shardings/s/template/instances/big"}},
		"a shard template's, 1.1":       {`"shardings":[{"name":"s","shardTemplates":[{"name":"hot",` + policy + `}]}]`, map[string]string{"/spec/shardings/0/shardTemplates/0/schedulingPolicy": "shardings/s/shardTemplates/hot"}},
		"a shard template's instance's": {`"shardings":[{"name":"s","shardTemplates":[{"name":"hot","instances":[{"name":"big",` + policy + `}]}]}]`, map[string]string{"/spec/shardings/0/shardTemplates/0/instances/0/schedulingPolicy": "shardings/s/shardTemplates/hot/instances/big"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)

			source, err := SourceOf(backup(`{"metadata":{"name":"my1","namespace":"default"},"spec":{` + c.spec + `}}`))

			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(source.Identity).To(Equal(rewrite.Identity{Namespace: "default", Name: "my1", UID: "uid-1"}))
			g.Expect(source.Backup).To(Equal("backups/bp1"))
			places := map[string]string{}
			for _, p := range source.Policies {
				places[p.Path] = p.Place
			}
			g.Expect(places).To(Equal(c.places))
		})
	}
}

func TestSourceOfReadsWhatTheSourceWasItselfRestoredFrom(t *testing.T) {
	annotated := func(value string) string {
		return `{"metadata":{"name":"papaya","namespace":"prod","annotations":{"a":1,"` + AnnotationRestoreFromBackup + `":` + value + `}},
			"spec":{"componentSpecs":[{"name":"mysql"},{"name":"proxy"}]}}`
	}
	for name, c := range map[string]struct {
		snapshot string
		origins  []string
	}{
		"nothing":                        {`{"metadata":{"name":"papaya","namespace":"prod"}}`, nil},
		"one Backup, in the annotation":  {annotated(`"{\"mysql\":{\"name\":\"bp0\"},\"other\":{\"name\":\"bp9\"}}"`), []string{"prod/bp0"}},
		"two Backups, in the annotation": {annotated(`"{\"mysql\":{\"name\":\"bp0\"},\"proxy\":{\"name\":\"bp9\",\"namespace\":\"b\"}}"`), []string{"prod/bp0", "b/bp9"}},
		"one Backup, in the spec, 1.2":   {`{"metadata":{"name":"papaya","namespace":"prod"},"spec":{"restore":{"source":{"kind":"Backup","name":"bp0"}}}}`, []string{"prod/bp0"}},
		"an annotation that is no text":  {annotated(`{}`), nil},
		"an annotation of another form":  {annotated(`"secret"`), nil},
		"a name that no Backup can have": {annotated(`"{\"mysql\":{\"name\":\"a b\"}}"`), nil},
		"the Backup itself":              {annotated(`"{\"mysql\":{\"name\":\"bp1\",\"namespace\":\"backups\"}}"`), nil},
		"annotations that are no object": {`{"metadata":{"name":"papaya","annotations":[]}}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			source, err := SourceOf(backup(c.snapshot))

			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(source.Origins).To(HaveLen(len(c.origins)))
			g.Expect(source.Origins).To(ContainElements(c.origins))
		})
	}
}

func TestSourceOfReadsComponentsAndLabels(t *testing.T) {
	g := NewWithT(t)

	source, err := SourceOfSnapshot([]byte(`{"spec":{
		"componentSpecs":[{"name":"mysql","labels":{"team":"blue"},"instances":[{"name":"big","labels":{"disk":"ssd"}}]}],
		"shardings":[{"name":"s","template":{"labels":{"team":"red"},"instances":[{"name":"east"}]},
			"shardTemplates":[{"name":"hot","labels":{"disk":"ssd"},"instances":[{"name":"west"}]}]}]}}`))

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(source.Components).To(Equal([]rewrite.Component{
		{Name: "mysql", Templates: []string{"big"}, Labels: []map[string]string{{"team": "blue"}, {"team": "blue", "disk": "ssd"}}},
		{Name: "s", Sharding: true, Templates: []string{"east", "west"}, Labels: []map[string]string{
			{"team": "red"}, {"team": "red"}, {"disk": "ssd"}, {"disk": "ssd"},
		}},
	}))
}

func TestSourceOfFallsBackToTheBackupsLabelsAndNamespace(t *testing.T) {
	g := NewWithT(t)

	source, err := SourceOf(backup(`{"spec":{}}`))

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(source.Identity).To(Equal(rewrite.Identity{Namespace: "backups", Name: "my1", UID: "uid-1"}))
}

func TestSourceOfReturnsAnErrorWithTheFault(t *testing.T) {
	noAnnotation, anonymous := backup(""), backup(`{"spec":{}}`)
	noAnnotation.Annotations, anonymous.Labels = nil, nil
	for name, c := range map[string]struct {
		backup  *Backup
		is      error
		message string
	}{
		"no annotation":  {noAnnotation, ErrNoSnapshot, "Backup backups/bp1 has no annotation kubeblocks.io/cluster-snapshot"},
		"not JSON":       {backup(`{"spec":{]`), ErrBadSnapshot, "not JSON at byte 10"},
		"wrong type":     {backup(`{"spec":{"schedulingPolicy":{"affinity":"none"}}}`), ErrBadSnapshot, "spec.schedulingPolicy.affinity is of type string"},
		"no name at all": {anonymous, ErrBadSnapshot, "names the cluster"},
		"empty":          {backup(""), ErrBadSnapshot, "not JSON at byte 0"},
		"not a Cluster":  {backup(`[]`), ErrBadSnapshot, "array"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)

			_, err := SourceOf(c.backup)

			g.Expect(err).To(MatchError(c.is))
			g.Expect(err).To(MatchError(ContainSubstring(c.message)))
		})
	}
}
