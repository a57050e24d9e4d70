package cli

import (
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func TestBackupIsReadFromTheAPIServer(t *testing.T) {
	backup := &unstructured.Unstructured{}
	g := NewWithT(t)
	g.Expect(yaml.Unmarshal([]byte(backupYAML("bp1", stored)), &backup.Object)).To(Succeed())
	for name, c := range map[string]struct {
		args    []string
		problem string
	}{
		"TYPE/NAME":             {[]string{"backup/bp1"}, ""},
		"TYPE NAME":             {[]string{"backups", "bp1"}, ""},
		"a full type":           {[]string{"backups.dataprotection.kubeblocks.io/bp1"}, ""},
		"a type with a version": {[]string{"backup.v1alpha1.dataprotection.kubeblocks.io/bp1"}, ""},
		"all, and a choice":     {[]string{"backup", "--backup", "bp1"}, ""},
		"Velero's":              {[]string{"backups.velero.io/bp1"}, `"backups.velero.io/bp1" is no Backup of KubeBlocks: write backup/NAME`},
		"a name alone":          {[]string{"bp1"}, `"bp1" is no Backup of KubeBlocks: write backup/NAME`},
		"another":               {[]string{"backup/bp2"}, `"bp2" not found`},
		"two words too many":    {[]string{"backup/bp1", "bp2"}, `"bp2" is no Backup`},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			fakes := fakeCluster(backup)

			r := runIn(fakes, "", append(c.args, "-n", "default", "--to", "carrot67", "-q")...)

			if c.problem != "" {
				g.Expect(ExitStatus(r.err)).To(Equal(2))
				g.Expect(r.err).To(MatchError(ContainSubstring(c.problem)))
				return
			}
			g.Expect(r.err).NotTo(HaveOccurred())
			g.Expect(r.out).To(ContainSubstring(`'{"mysql":{"name":"bp1","namespace":"default"`))
		})
	}
}

func TestABackupOfTheAPIServerIsForItsKubeBlocks(t *testing.T) {
	backup := &unstructured.Unstructured{}
	g := NewWithT(t)
	g.Expect(yaml.Unmarshal([]byte(backupYAML("bp1", stored)), &backup.Object)).To(Succeed())

	r := runIn(serving(fakeCluster(backup), "v1"), "", "backup/bp1", "-n", "default", "--to", "carrot67")

	g.Expect(r.err).NotTo(HaveOccurred())
	g.Expect(r.stderr).NotTo(ContainSubstring("kubeconfig"), "the Backup and the version are of one Kubernetes cluster")
}
