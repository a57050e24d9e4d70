package main

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// TestAFailureShowsThatARightIsNeeded has programs that fail as Ginkgo's do.
func TestAFailureShowsThatARightIsNeeded(t *testing.T) {
	const fails = `echo "[FAIL] one"; exit 1`
	const withoutRight = `[ -z "$` + rehometesting.WithoutVariable + `" ] || `
	for name, c := range map[string]struct {
		script string
		left   []string
		err    string
	}{
		"where only its absence fails":    {withoutRight + `{ ` + fails + `; }`, nil, ""},
		"but not where nothing fails":     {"exit 0", []string{"get nodes"}, ""},
		"but not where all rights fail":   {fails, nil, "the suite fake fails with all rights: one"},
		"but not where no test has begun": {"exit 1", nil, "but no test of it"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			binary := filepath.Join(t.TempDir(), "fake")
			g.Expect(os.WriteFile(binary, []byte("#!/bin/sh\n"+c.script+"\n"), 0o700)).To(Succeed())
			s := &suite{name: "fake", pkg: t.TempDir(), atOnce: 1, binary: binary, first: []string{"one"}}

			left, err := s.unmissed(t.Context(), []string{"get nodes"})

			if c.err != "" {
				g.Expect(err).To(MatchError(ContainSubstring(c.err)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(left).To(Equal(c.left))
		})
	}
}

func TestAnInterruptedSuiteCanCleanUp(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	binary := filepath.Join(dir, "fake")
	// A FIFO: the suite writes to it when it has set its trap, and waits until the test reads it.
	started := filepath.Join(dir, "started")
	g.Expect(syscall.Mkfifo(started, 0o600)).To(Succeed())
	g.Expect(os.WriteFile(binary, []byte("#!/bin/sh\ntrap '>cleaned; exit 1' INT\n>started\nwhile :; do sleep 0.1; done\n"), 0o700)).To(Succeed())
	s := &suite{name: "fake", pkg: dir, binary: binary}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = os.ReadFile(started)
		cancel()
	}()

	_, err := s.failure(ctx, rehometesting.WithoutVariable, "get nodes")

	g.Expect(err).To(MatchError(context.Canceled))
	g.Expect(filepath.Join(dir, "cleaned")).To(BeARegularFile())
}
