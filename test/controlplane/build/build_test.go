package build_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"

	"github.com/rehome-operator/rehome/test/controlplane/build"
	"github.com/rehome-operator/rehome/test/controlplane/progress"
)

// quiet returns a reporter for tests that ignore the reports.
func quiet() *progress.Reporter { return progress.New(io.Discard) }

// target returns a program in a module of its own.
func target(t *testing.T, source string) build.Target {
	t.Helper()
	g := NewWithT(t)
	module := t.TempDir()
	g.Expect(os.WriteFile(filepath.Join(module, "go.mod"), []byte("module example.com/tiny\n\ngo 1.26\n"), 0o644)).To(Succeed())
	g.Expect(os.WriteFile(filepath.Join(module, "main.go"), []byte(source), 0o644)).To(Succeed())
	return build.Target{
		Name:    "tiny v1",
		Dir:     module,
		Package: ".",
		Output:  filepath.Join(t.TempDir(), "cache", "tiny"),
		LDFlags: "-X main.greeting=hello",
	}
}

const sound = `package main

var greeting string

func main() { println(greeting) }
`

// fakeGo replaces the go command with a shell script. $6 is the output of `go build`.
func fakeGo(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	NewWithT(t).Expect(os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\n"+script+"\n"), 0o755)).To(Succeed())
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// files returns the names in the cache folder.
func files(g Gomega, t build.Target) []string {
	entries, err := os.ReadDir(filepath.Dir(t.Output))
	g.Expect(err).NotTo(HaveOccurred())
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names
}

func TestRunBuildsATargetOnce(t *testing.T) {
	g := NewWithT(t)
	tiny := target(t, sound)
	var reports strings.Builder
	g.Expect(build.Run(t.Context(), tiny, progress.New(&reports))).To(Succeed())
	g.Expect(exec.Command(tiny.Output).CombinedOutput()).To(BeEquivalentTo("hello\n"))
	g.Expect(reports.String()).To(MatchRegexp(`^tiny v1: started\ntiny v1: done in \d+s\n$`))
	g.Expect(files(g, tiny)).To(ConsistOf(".lock", "tiny"))

	reports.Reset()
	fakeGo(t, "echo the go command must not run; exit 1")
	g.Expect(build.Run(t.Context(), tiny, progress.New(&reports))).To(Succeed())
	g.Expect(reports.String()).To(BeEmpty())
}

func TestRunReturnsAnErrorOfOneLineWithThePathOfTheLog(t *testing.T) {
	for name, test := range map[string]struct{ goCommand, want string }{
		"compiler": {`echo "# x"; echo "./main.go:3:1: syntax error"; exit 1`,
			"exit status 1: ./main.go:3:1: syntax error"},
		"full disk": {`echo "write /x: no space left on device"; echo more; exit 1`,
			"no space left on device: free some space and build again, which continues where it stopped"},
		"network": {`echo 'go: example.com@v1: Get "https://proxy": dial tcp: no such host'; echo more; exit 1`,
			`a module could not be downloaded: go: example.com@v1: Get "https://proxy": dial tcp: no such host`},
		"offline": {`echo "main.go:1: module lookup disabled by GOPROXY=off"; exit 1`,
			"a module could not be downloaded: main.go:1: module lookup disabled by GOPROXY=off"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			tiny := target(t, sound)
			fakeGo(t, test.goCommand)
			g.Expect(build.Run(t.Context(), tiny, quiet())).To(MatchError(
				fmt.Sprintf("building tiny v1: %s (full log: %s.log)", test.want, tiny.Output)))
			g.Expect(files(g, tiny)).To(ConsistOf(".lock", "tiny.log"))
		})
	}
}

func TestASuccessfulBuildRemovesTheLogOfAFailure(t *testing.T) {
	g := NewWithT(t)
	tiny := target(t, "package main")
	g.Expect(build.Run(t.Context(), tiny, quiet())).To(MatchError(ContainSubstring("function main is undeclared")))
	g.Expect(os.WriteFile(filepath.Join(tiny.Dir, "main.go"), []byte(sound), 0o644)).To(Succeed())
	g.Expect(build.Run(t.Context(), tiny, quiet())).To(Succeed())
	g.Expect(files(g, tiny)).To(ConsistOf(".lock", "tiny"))
}

func TestAnInterruptedBuildLeavesNoOutput(t *testing.T) {
	g := NewWithT(t)
	tiny := target(t, sound)
	started := pipe(t)
	fakeGo(t, `printf half > "$8"; echo > `+started+`; exec sleep 1000`)
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		_, _ = os.ReadFile(started)
		cancel(errors.New("interrupted"))
	}()
	g.Expect(build.Run(ctx, tiny, quiet())).To(MatchError("building tiny v1: interrupted"))
	g.Expect(files(g, tiny)).To(ConsistOf(".lock"))
}

func TestRunReplacesTheRestOfAKilledBuild(t *testing.T) {
	g := NewWithT(t)
	tiny := target(t, sound)
	g.Expect(os.MkdirAll(filepath.Dir(tiny.Output), 0o755)).To(Succeed())
	g.Expect(os.WriteFile(tiny.Output+".partial", []byte("half"), 0o644)).To(Succeed())
	g.Expect(build.Run(t.Context(), tiny, quiet())).To(Succeed())
	g.Expect(exec.Command(tiny.Output).CombinedOutput()).To(BeEquivalentTo("hello\n"))
	g.Expect(files(g, tiny)).To(ConsistOf(".lock", "tiny"))
}

func TestConcurrentRunsBuildATargetOnce(t *testing.T) {
	g := NewWithT(t)
	tiny := target(t, sound)
	calls := filepath.Join(t.TempDir(), "calls")
	fakeGo(t, `echo called >> `+calls+`; echo whole > "$8"`)
	var builds errgroup.Group
	for range 4 {
		builds.Go(func() error { return build.Run(t.Context(), tiny, quiet()) })
	}
	g.Expect(builds.Wait()).To(Succeed())
	g.Expect(os.ReadFile(calls)).To(BeEquivalentTo("called\n"))
	g.Expect(os.ReadFile(tiny.Output)).To(BeEquivalentTo("whole\n"))
}

// pipe makes a named pipe. A script writes to it when it has reached a point.
func pipe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	NewWithT(t).Expect(exec.Command("mkfifo", path).Run()).To(Succeed())
	return path
}
