package hack

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// script runs a script of .ci with other functions step and run_steps, and returns the output. It reads what the script sources, because
// `go test` would otherwise use a cached result when that has changed.
func script(t *testing.T, name, functions string, env ...string) string {
	t.Helper()
	sourced := strings.NewReplacer(". hack/steps.sh", functions, ". hack/inputs.sh", read(t, "inputs.sh"))
	cmd := exec.CommandContext(t.Context(), "bash", "-c", sourced.Replace(read(t, filepath.Join("..", ".ci", name))), ".ci/"+name)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return string(out)
}

// steps returns the words of each step that a script of .ci declares, by its name.
func steps(t *testing.T, name string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for line := range strings.Lines(script(t, name, `step() { printf '%s\t' "$@"; echo; }; run_steps() { :; }`)) {
		words := strings.Split(strings.TrimSuffix(line, "\t\n"), "\t")
		all[words[0]] = words
	}
	return all
}

// inputs returns the files that a step depends on.
func inputs(t *testing.T, words []string) []string {
	t.Helper()
	from, to := slices.Index(words, "hack/once.sh")+2, slices.Index(words, "--")
	if from < 2 || to < from {
		t.Fatalf("it is no step that can be skipped: %q", words)
	}
	args := append([]string{"ls-files", "--cached", "--others", "--exclude-standard", "--"}, words[from:to]...)
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = ".."
	out, err := cmd.Output()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return strings.Split(string(out), "\n")
}

// TestAStepRunsWhenAFileChangesThatItsTestsRead has files that are read, but not as Go source.
func TestAStepRunsWhenAFileChangesThatItsTestsRead(t *testing.T) {
	gate, night := steps(t, "run"), steps(t, "nightly")
	pages := []string{"README.md", "README.zh-CN.md", "docs/install.md", "docs/runbooks/RehomeDown.md", "docs/zh-CN/restore.md", "charts/rehome/README.md"}
	for step, files := range map[string][]string{
		"verify":           {"hack/shared-versions.sh", "hack/boilerplate.go.txt", "charts/rehome/README.md.gotmpl"},
		"test-pages":       append(pages, "docs/pictures/recording.json"),
		"test-placement":   {"docs/explain.md", "docs/preflight.md"},
		"test-controllers": {"docs/metrics.md"},
		"test-e2e":         {"docs/differential.md"},
	} {
		NewWithT(t).Expect(inputs(t, gate[step])).To(ContainElements(files), step)
		NewWithT(t).Expect(inputs(t, night[step])).To(ContainElements(files), step+" at night")
	}
	NewWithT(t).Expect(inputs(t, night["test-rights"])).To(ContainElement("docs/metrics.md"), "it runs test-controllers")
	NewWithT(t).Expect(inputs(t, night["test-e2e"])).To(ContainElements(pages), "only the night runs the commands of the documentation")
	NewWithT(t).Expect(inputs(t, gate["test-e2e"])).NotTo(ContainElement("README.md"))
}

// TestNoVariableLetsAStepTestLess has the variables that `make nightly FOCUS=x` exports.
func TestNoVariableLetsAStepTestLess(t *testing.T) {
	for _, name := range []string{"run", "nightly"} {
		env := script(t, name, `step() { :; }; run_steps() { env; }`,
			"FOCUS=x", "MAKEFLAGS= -- FOCUS=x", "MFLAGS=", "MAKEOVERRIDES=FOCUS=x", "FAULT_SEED=1", "RAPID_FAILFILE=x", "KUBEBLOCKS=v0.9.3",
			"KUBEBUILDER_ASSETS=/x", "TEST_ASSET_ETCD=/x", "REHOME_TEST_WITHOUT_RIGHT=x", "GOMEGA_DEFAULT_EVENTUALLY_TIMEOUT=1h", "BROWSER=firefox")
		NewWithT(t).Expect(env).NotTo(MatchRegexp(`(?m)^(FOCUS|MAKE|MFLAGS|FAULT|RAPID|KUBEBLOCKS=|KUBEBUILDER|TEST_ASSET|REHOME|GOMEGA|BROWSER)`), name)
	}
}

func TestMakeTestRunsTheTestsOfTheGate(t *testing.T) {
	g := NewWithT(t)
	_, line, found := strings.Cut(read(t, "../Makefile"), "\ntest: ")
	g.Expect(found).To(BeTrue())
	line, _, _ = strings.Cut(line, " ##")
	var tests []string
	for name := range steps(t, "run") {
		if strings.HasPrefix(name, "test-") {
			tests = append(tests, name)
		}
	}
	g.Expect(strings.Fields(line)).To(ConsistOf(tests))
}

func TestTheNightRunsWhatTheGateDoesNot(t *testing.T) {
	g := NewWithT(t)
	night := steps(t, "nightly")
	for name := range steps(t, "run") {
		g.Expect(night).To(HaveKey(name))
	}
	targets := regexp.MustCompile(`(?m)^(test-[a-z0-9-]+):`).FindAllStringSubmatch(read(t, "../Makefile")+read(t, "release/release.mk"), -1)
	for _, target := range targets {
		if target[1] != "test-image" { // test-release tests the image, too.
			g.Expect(night).To(HaveKey(target[1]))
		}
	}
	g.Expect(night).To(HaveKey("test-release"))
	g.Expect(strings.Join(night["test-faults"], " ")).To(ContainSubstring("FIRST=now"), "each night tries other seeds")
	g.Expect(strings.Join(night["demo"], " ")).To(HaveSuffix("-- make demo"))
	g.Expect(strings.Join(night["demo-prevent"], " ")).To(HaveSuffix("-- make demo PREVENT=1"))
}

// TestTheNightSkipsWhatPassedInTheGate has both scripts share a stamp where they run the same command, and only there.
func TestTheNightSkipsWhatPassedInTheGate(t *testing.T) {
	gate, night := steps(t, "run"), steps(t, "nightly")
	shared := 0
	for name, words := range gate {
		once := slices.Index(words, "hack/once.sh")
		if once < 0 {
			continue
		}
		// The stamp, and then the inputs and the command.
		atNight := night[name][slices.Index(night[name], "hack/once.sh"):]
		sameCommand := slices.Equal(words[slices.Index(words, "--"):], atNight[slices.Index(atNight, "--"):])
		sameStamp := atNight[1] == words[once+1]
		NewWithT(t).Expect(sameStamp).To(Equal(sameCommand), name)
		if sameCommand {
			NewWithT(t).Expect(atNight).To(Equal(words[once:]), name)
			shared++
		}
	}
	NewWithT(t).Expect(shared).To(BeNumerically(">", 0))
}

// TestTheImageIsTestedAsItIsCommitted runs in a clone, because the image's test clones the last commit.
func TestTheImageIsTestedAsItIsCommitted(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	run := func(name string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	_, err := run("git", "init", "--quiet")
	g.Expect(err).NotTo(HaveOccurred())
	for _, file := range []string{"Makefile", "hack/tools.mk", "hack/release/release.mk"} {
		path := filepath.Join(dir, file)
		g.Expect(os.MkdirAll(filepath.Dir(path), 0o700)).To(Succeed())
		g.Expect(os.WriteFile(path, []byte(read(t, filepath.Join("..", file))), 0o600)).To(Succeed())
	}

	out, err := run("make", "test-image")

	g.Expect(err).To(HaveOccurred())
	g.Expect(out).To(ContainSubstring("commit first, because these tests use the last commit:"))
	g.Expect(out).To(ContainSubstring("Makefile"))
}
