package manifest

import (
	"slices"
	"testing"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

func TestReferencesThatNameTheSourceAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		component string
		path      string
	}{
		"a service account":             {`"serviceAccountName":"kb-my1"`, "/serviceAccountName"},
		"a volume's Secret":             {`"volumes":[{"secret":{"secretName":"my1-tls"}}]`, "/volumes/0/secret/secretName"},
		"a volume's claim":              {`"volumes":[{"persistentVolumeClaim":{"claimName":"data-my1-0"}}]`, "/volumes/0/persistentVolumeClaim/claimName"},
		"a claim's volume":              {`"volumeClaimTemplates":[{"spec":{"volumeName":"pv-my1"}}]`, "/volumeClaimTemplates/0/spec/volumeName"},
		"a service of another":          {`"serviceRefs":[{"cluster":"my1"}]`, "/serviceRefs/0/cluster"},
		"a selector of a service":       {`"serviceRefs":[{"clusterServiceSelector":{"cluster":"my1"}}]`, "/serviceRefs/0/clusterServiceSelector/cluster"},
		"a variable":                    {`"env":[{"name":"H","value":"my1-mysql.db.svc"}]`, "/env/0/value"},
		"an account's Secret":           {`"systemAccounts":[{"secretRef":{"name":"my1-root"}}]`, "/systemAccounts/0/secretRef/name"},
		"a key of a Secret":             {`"env":[{"valueFrom":{"secretKeyRef":{"name":"my1-root"}}}]`, "/env/0/valueFrom/secretKeyRef/name"},
		"a projected Secret":            {`"volumes":[{"projected":{"sources":[{"secret":{"name":"my1-tls"}}]}}]`, "/volumes/0/projected/sources/0/secret/name"},
		"a ConfigMap of variables":      {`"envFrom":[{"configMapRef":{"name":"my1-env"}}]`, "/envFrom/0/configMapRef/name"},
		"a key of a ConfigMap":          {`"env":[{"valueFrom":{"configMapKeyRef":{"name":"my1-env"}}}]`, "/env/0/valueFrom/configMapKeyRef/name"},
		"a volume's ConfigMap":          {`"configs":[{"configMap":{"name":"my1-config"}}]`, "/configs/0/configMap/name"},
		"a claim's data source":         {`"volumeClaimTemplates":[{"spec":{"dataSource":{"name":"my1-snap"}}}]`, "/volumeClaimTemplates/0/spec/dataSource/name"},
		"a claim's data source by ref.": {`"volumeClaimTemplates":[{"spec":{"dataSourceRef":{"name":"my1-snap"}}}]`, "/volumeClaimTemplates/0/spec/dataSourceRef/name"},
		"a name of its own":             {`"name":"my1","volumeClaimTemplates":[{"name":"my1"}],"serviceRefs":[{"name":"my1"}]`, ""},
		"a key, which names no object":  {`"env":[{"name":"my1","valueFrom":{"secretKeyRef":{"name":"root","key":"my1"}}}]`, ""},
		"a longer name":                 {`"serviceAccountName":"kb-my10","env":[{"value":"xmy1"}]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, err := Decode([]byte(`{"spec":{"componentSpecs":[{` + c.component + `}]}}`))
			if err != nil {
				t.Fatal(err)
			}

			findings := FieldsNaming("my1", cluster)

			var want []string
			if c.path != "" {
				want = []string{"/spec/componentSpecs/0" + c.path}
			}
			if got := pathsOf(findings); !slices.Equal(got, want) {
				t.Errorf("found %q, not %q", got, want)
			}
		})
	}
}

func pathsOf(findings []rewrite.Finding) []string {
	var paths []string
	for _, f := range findings {
		paths = append(paths, f.Path)
	}
	return paths
}
