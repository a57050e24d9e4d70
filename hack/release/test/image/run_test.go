package image

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/hack/release/test"
)

// testRun runs the program as a container runtime does: as the image's user, with the image's files only.
func testRun(t *testing.T, unpacked string, config *v1.ConfigFile) {
	g := NewWithT(t)
	g.Expect(os.ReadFile(filepath.Join(unpacked, "etc/passwd"))).To(ContainSubstring("\nnonroot:x:65532:65532:"))
	cmd := exec.CommandContext(t.Context(), config.Config.Entrypoint[0], "version", "--client")
	confine(cmd, unpacked)
	out, err := cmd.CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), "%s", out)
	g.Expect(strings.Fields(string(out))).To(Equal([]string{"rehome", test.Version, runtime.Version(), "linux/" + runtime.GOARCH}))
}

// testExplain asks why a Pod has no node: rehome finds and runs the other program, which needs no files of a system.
func testExplain(t *testing.T, unpacked string, config *v1.ConfigFile) {
	g := NewWithT(t)
	cmd := exec.CommandContext(t.Context(), config.Config.Entrypoint[0], "explain", "pod/waits", "-n", "default", "-f", "-")
	confine(cmd, unpacked)
	// Without /proc, the program does not know its own folder.
	cmd.Env = []string{"PATH=/"}
	cmd.Stdin = strings.NewReader(waitingPod)
	out, err := cmd.CombinedOutput()
	g.Expect(cmd.ProcessState.ExitCode()).To(Equal(1), "%v: %s", err, out)
	g.Expect(string(out)).To(ContainSubstring("taint dedicated=gpu:NoSchedule"))
}

// waitingPod is a Pod that the taint of the only node refuses.
const waitingPod = `
apiVersion: v1
kind: Node
metadata: {name: node-a}
spec: {taints: [{key: dedicated, value: gpu, effect: NoSchedule}]}
status: {allocatable: {cpu: "8", memory: 32Gi, pods: "110"}}
---
apiVersion: v1
kind: Pod
metadata: {name: waits, namespace: default}
spec: {schedulerName: default-scheduler, containers: [{name: main, image: main}]}
status: {phase: Pending}
`

// confine changes the root folder and the user if the tests run as root. Otherwise the program runs in the folder it is unpacked to.
func confine(cmd *exec.Cmd, root string) {
	cmd.Env = []string{}
	if os.Geteuid() != 0 {
		cmd.Path = filepath.Join(root, cmd.Path)
		return
	}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
}

// unpack writes the files of an image to a folder. All must belong to root, and none may be writable by others.
func unpack(t *testing.T, image v1.Image) string {
	t.Helper()
	g := NewWithT(t)
	folder := t.TempDir()
	files := mutate.Extract(image)
	defer files.Close()
	for r := tar.NewReader(files); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return folder
		}
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect([]int{header.Uid, header.Gid}).To(Equal([]int{0, 0}), header.Name)
		g.Expect(header.FileInfo().Mode()&(os.ModeSetuid|0o022)).To(BeZero(), header.Name)
		g.Expect(filepath.IsLocal(header.Name)).To(BeTrue(), header.Name)
		path := filepath.Join(folder, header.Name)
		if header.Typeflag == tar.TypeDir {
			g.Expect(os.MkdirAll(path, header.FileInfo().Mode().Perm())).To(Succeed())
			continue
		}
		content, err := io.ReadAll(r)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(os.WriteFile(path, content, header.FileInfo().Mode().Perm())).To(Succeed())
	}
}
