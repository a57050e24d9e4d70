package assets

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// The pinned modules. Their versions are in components/*/go.mod and nowhere else.
const (
	etcdModule       = "go.etcd.io/etcd/server/v3"
	kubernetesModule = "k8s.io/kubernetes"
	kwokModule       = "sigs.k8s.io/kwok"
)

// pins are the versions that the modules below folder components require.
type pins struct {
	components             string
	etcd, kubernetes, kwok string
	// sum is a short hash of all that the programs are built from.
	sum string
}

// readPins fails if a staging module does not match Kubernetes.
func readPins(components string) (pins, error) {
	p := pins{components: components}
	for _, pin := range []struct {
		name, module string
		version      *string
	}{
		{"etcd", etcdModule, &p.etcd},
		{"kubernetes", kubernetesModule, &p.kubernetes},
		{"kwok", kwokModule, &p.kwok},
	} {
		file, err := readModule(p.moduleDir(pin.name))
		if err != nil {
			return pins{}, err
		}
		if *pin.version, err = requiredVersion(file, pin.module); err != nil {
			return pins{}, err
		}
		if pin.module == kubernetesModule {
			if err := checkStaging(file, p.kubernetes); err != nil {
				return pins{}, err
			}
		}
	}
	var err error
	p.sum, err = p.sumUp()
	return p, err
}

// sumUp hashes the modules of the components, and how their programs are built.
func (p pins) sumUp() (string, error) {
	hash := sha256.New()
	for _, target := range append(p.targets(), p.kubectl()) {
		for _, name := range []string{"go.mod", "go.sum"} {
			content, err := os.ReadFile(filepath.Join(target.Dir, name))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", err
			}
			fmt.Fprintf(hash, "%s %q\n", name, content)
		}
		fmt.Fprintf(hash, "%s %q\n", target.Package, target.LDFlags)
	}
	return fmt.Sprintf("%x", hash.Sum(nil))[:8], nil
}

// moduleDir returns the folder of the module that builds a component.
func (p pins) moduleDir(name string) string { return filepath.Join(p.components, name) }

// key returns the name of the folder for programs of these pins.
func (p pins) key() string {
	return fmt.Sprintf("kubernetes-%s-etcd-%s-kwok-%s-%s", p.kubernetes, p.etcd, p.kwok, p.sum)
}

func readModule(dir string) (*modfile.File, error) {
	path := filepath.Join(dir, "go.mod")
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return modfile.Parse(path, content, nil)
}

func requiredVersion(file *modfile.File, module string) (string, error) {
	for _, r := range file.Require {
		if r.Mod.Path == module {
			return r.Mod.Version, nil
		}
	}
	return "", fmt.Errorf("%s does not require %s", file.Syntax.Name, module)
}

// checkStaging checks that every staging module, such as k8s.io/api, is replaced by the version published with
// Kubernetes: v0.37.2 for v1.37.2.
func checkStaging(file *modfile.File, kubernetes string) error {
	want := "v0" + strings.TrimPrefix(kubernetes, semver.Major(kubernetes))
	var others []string
	for _, r := range file.Replace {
		if r.New.Version != want {
			others = append(others, r.Old.Path+" "+r.New.Version)
		}
	}
	if len(others) > 0 {
		return fmt.Errorf("%s requires %s %s, so every replacement must be %s, but %d of %d are not: %s",
			file.Syntax.Name, kubernetesModule, kubernetes, want, len(others), len(file.Replace), strings.Join(others, ", "))
	}
	return nil
}
