package assets

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
)

func TestReadPinsFailsUnlessStagingModulesMatchKubernetes(t *testing.T) {
	const (
		etcd       = "module x\nrequire go.etcd.io/etcd/server/v3 v3.6.5\n"
		kwok       = "module x\nrequire sigs.k8s.io/kwok v0.7.0\n"
		kubernetes = "module x\nrequire k8s.io/kubernetes v1.37.2\nreplace k8s.io/api => k8s.io/api v0.37.2\n"
		otherAPI   = "module x\nrequire k8s.io/kubernetes v1.37.3\nreplace k8s.io/api => k8s.io/api v0.37.2\n"
	)
	for name, test := range map[string]struct {
		etcd, kubernetes, kwok string
		wantKey, wantErr       string
	}{
		"pinned": {etcd: etcd, kubernetes: kubernetes, kwok: kwok, wantKey: "^kubernetes-v1.37.2-etcd-v3.6.5-kwok-v0.7.0-[0-9a-f]{8}$"},
		"staging module of another version": {etcd: etcd, kubernetes: otherAPI, kwok: kwok,
			wantErr: "requires k8s.io/kubernetes v1.37.3, so every replacement must be v0.37.3, but 1 of 1 are not: k8s.io/api v0.37.2"},
		"not required": {etcd: "module x\n", wantErr: "go.mod does not require go.etcd.io/etcd/server/v3"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			dir := t.TempDir()
			for component, content := range map[string]string{"etcd": test.etcd, "kubernetes": test.kubernetes, "kwok": test.kwok} {
				g.Expect(os.Mkdir(filepath.Join(dir, component), 0o755)).To(Succeed())
				g.Expect(os.WriteFile(filepath.Join(dir, component, "go.mod"), []byte(content), 0o644)).To(Succeed())
			}
			p, err := readPins(dir)
			if test.wantErr != "" {
				g.Expect(err).To(MatchError(ContainSubstring(test.wantErr)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(p.key()).To(MatchRegexp(test.wantKey))
		})
	}
}

func TestAnotherLibraryMakesAnotherFolder(t *testing.T) {
	g := NewWithT(t)
	key := func() string {
		p, err := readPins("components")
		g.Expect(err).NotTo(HaveOccurred())
		return p.key()
	}
	dir := t.TempDir()
	g.Expect(os.CopyFS(filepath.Join(dir, "components"), os.DirFS("../components"))).To(Succeed())
	t.Chdir(dir)
	before := key()
	g.Expect(key()).To(Equal(before))
	for _, name := range []string{"etcd/go.mod", "kubernetes/go.sum"} {
		file, err := os.OpenFile(filepath.Join("components", name), os.O_APPEND|os.O_WRONLY, 0)
		g.Expect(err).NotTo(HaveOccurred())
		_, err = file.WriteString("// changed\n")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(file.Close()).To(Succeed())

		g.Expect(key()).NotTo(Equal(before), name)
		before = key()
	}
}

// Otherwise the libraries of Kubernetes, OpenTelemetry and gRPC are compiled once for each program.
func TestTheProgramsAreBuiltFromTheSameLibraries(t *testing.T) {
	g := NewWithT(t)
	kubernetes := libraries(g, "kubernetes")
	for _, name := range []string{"etcd", "kwok"} {
		for library, version := range libraries(g, name) {
			if shared, ok := kubernetes[library]; ok && !slices.Contains([]string{"github.com/creack/pty", "github.com/go-errors/errors"}, library) {
				g.Expect(version).To(Equal(shared), "%s of %s; few packages import the two exceptions", library, name)
			}
		}
	}
}

func libraries(g Gomega, component string) map[string]string {
	file, err := readModule(filepath.Join("../components", component))
	g.Expect(err).NotTo(HaveOccurred())
	versions := map[string]string{}
	for _, r := range file.Require {
		versions[r.Mod.Path] = r.Mod.Version
	}
	for _, r := range file.Replace {
		versions[r.Old.Path] = r.New.Version
	}
	return versions
}

func TestDirIsTheSameInAnyFolderOfTheRepository(t *testing.T) {
	g := NewWithT(t)
	here, err := Dir()
	g.Expect(err).NotTo(HaveOccurred())
	t.Chdir("../components/kwok")
	g.Expect(Dir()).To(Equal(here))
	t.Chdir(t.TempDir())
	_, err = Dir()
	g.Expect(err).To(MatchError(HaveSuffix("has test/controlplane/components")))
}
