package controlplane_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/assets"
)

func TestStartReturnsTheReasonWhenAComponentExits(t *testing.T) {
	g := NewWithT(t)
	programs, logs, temp := assetsWithFake(t, "kube-apiserver", "echo the reason; exit 1"), t.TempDir(), isolateTemp(t)
	_, err := controlplane.Start(t.Context(), controlplane.Options{Assets: programs, LogDir: logs})
	g.Expect(err).To(MatchError("kube-apiserver exited: exit status 1; log " +
		filepath.Join(logs, "kube-apiserver.log") + " ends: the reason"))
	g.Expect(os.ReadDir(temp)).To(BeEmpty())
}

func TestStartReturnsTheReasonWhenAComponentIsNotReady(t *testing.T) {
	g := NewWithT(t)
	running := filepath.Join(t.TempDir(), "running")
	g.Expect(syscall.Mkfifo(running, 0o600)).To(Succeed())
	programs, temp := assetsWithFake(t, "kube-apiserver", "echo thinking; echo > "+running+"; exec sleep 1000"), isolateTemp(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = os.ReadFile(running) // until the fake writes
		cancel()
	}()
	_, err := controlplane.Start(ctx, controlplane.Options{Assets: programs})
	g.Expect(err).To(MatchError(And(
		HavePrefix("kube-apiserver is not ready: "),
		Or(ContainSubstring("connection refused; "), ContainSubstring("context canceled; ")), // by whether a probe was quick enough
		HaveSuffix("; its log ends: thinking"),
	)))
	g.Expect(os.ReadDir(temp)).To(BeEmpty())
}

// isolateTemp sets a new folder for temporary files, so a test can see the files that the control plane leaves. Its path is shorter
// than t.TempDir's, because etcd's socket is in it.
func isolateTemp(t *testing.T) string {
	dir, err := os.MkdirTemp("", "test")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv("TMPDIR", dir)
	return dir
}

// assetsWithFake returns a folder with the built programs, except that name is a shell script.
func assetsWithFake(t *testing.T, name, script string) string {
	g := NewWithT(t)
	built, err := assets.Dir()
	g.Expect(err).NotTo(HaveOccurred())
	dir := t.TempDir()
	for _, file := range []string{"etcd", "kube-controller-manager", "kube-scheduler", "kwok", assets.Stages} {
		g.Expect(os.Symlink(filepath.Join(built, file), filepath.Join(dir, file))).To(Succeed())
	}
	g.Expect(os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755)).To(Succeed())
	return dir
}
