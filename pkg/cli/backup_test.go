package cli

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// completed returns a Backup that ended at a time.
func completed(name, phase, at string) string {
	return backupYAML(name, snapshotOf(v1Mark, `"componentSpecs":[`+mysql+`]`)) + "status: {phase: " + phase + ", completionTimestamp: " + at + "}\n"
}

func TestOneOfSeveralBackupsIsChosen(t *testing.T) {
	nightly := strings.Join([]string{
		completed("nightly-1", "Completed", `"2026-01-01T00:00:00Z"`), completed("nightly-2", "Completed", `"2026-01-02T00:00:00Z"`),
		completed("nightly-3", "Failed", `"2026-01-03T00:00:00Z"`),
	}, "---\n")
	for name, c := range map[string]struct {
		input, backup, problem string
		args                   []string
	}{
		"by name":               {nightly, "nightly-1", "", []string{"--backup", "nightly-1"}},
		"by namespace and name": {nightly, "nightly-1", "", []string{"--backup", "default/nightly-1"}},
		"the newest":            {nightly, "nightly-2", "", []string{"--latest"}},
		"none":                  {nightly, "", "several Backups (nightly-1, nightly-2, nightly-3): choose one with --backup, or --latest", nil},
		"one elsewhere":         {nightly, "", `no Backup "prod/nightly-1" in it`, []string{"--backup", "prod/nightly-1"}},
		"none that completed":   {completed("bp1", "Running", "null"), "", "no Backup is Completed: choose one with --backup", []string{"--latest"}},
		"two of one time":       {completed("a", "Completed", "null") + "---\n" + completed("b", "Completed", "null"), "", "a and b have the same time", []string{"--latest"}},
		"of two clusters": {
			completed("a", "Completed", "null") + "---\n" + strings.ReplaceAll(nightly, "instance: my1", "instance: my2"), "",
			"there are Backups of 2 clusters: choose one with --backup", []string{"--latest"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)

			out, err := run(c.input, c.args...)

			if c.problem != "" {
				g.Expect(ExitStatus(err)).To(Equal(2))
				g.Expect(err).To(MatchError(ContainSubstring(c.problem)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(out).To(ContainSubstring(`"name":"` + c.backup + `"`))
		})
	}
}

func TestBackupThatIsNotCompletedIsReported(t *testing.T) {
	g := NewWithT(t)

	r := runIn(noCluster(), completed("bp1", "Failed", "null"), "-f", "-", "--to", "carrot67", "--strict")

	g.Expect(ExitStatus(r.err)).To(Equal(3))
	g.Expect(r.stderr).To(ContainSubstring("RH014 the Backup is Failed, and KubeBlocks restores only what is Completed\n"))
}

func TestComponentOfABackup(t *testing.T) {
	two := snapshotOf(v1Mark, `"componentSpecs":[`+mysql+`,{"name":"proxy"}],"shardings":[{"name":"shard"}]`)
	for name, c := range map[string]struct {
		input, component string
		args             []string
	}{
		"by its label":      {strings.Replace(backupYAML("bp1", two), "labels:", "labels:\n    apps.kubeblocks.io/component-name: proxy", 1), "proxy", nil},
		"of a sharding":     {strings.Replace(backupYAML("bp1", two), "labels:", "labels:\n    apps.kubeblocks.io/component-name: shard-abc\n    apps.kubeblocks.io/sharding-name: shard", 1), "shard", nil},
		"by its target":     {backupYAML("bp1", two) + "status: {target: {podSelector: {matchLabels: {apps.kubeblocks.io/component-name: proxy}}}}\n", "proxy", nil},
		"by its policy":     {backupYAML("bp1", two) + "spec: {backupPolicyName: my1-mysql-backup-policy}\n", "mysql", nil},
		"that is not known": {backupYAML("bp1", two), "", nil},
		"that is given":     {backupYAML("bp1", two), "proxy", []string{"--component", "proxy"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)

			out, err := run(c.input, c.args...)

			if c.component == "" {
				g.Expect(ExitStatus(err)).To(Equal(2))
				g.Expect(err).To(MatchError(ContainSubstring("cannot tell which of the components (mysql, proxy, shard) the Backup holds: give --component")))
				g.Expect(out).To(BeEmpty())
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(out).To(ContainSubstring(`restore-from-backup: '{"` + c.component + `":{"name":"bp1"`))
		})
	}
}
