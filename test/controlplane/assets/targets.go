package assets

import (
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/rehome-operator/rehome/test/controlplane/build"
)

// stripped omits the symbol table and debug information, which are half of a program.
const stripped = "-s -w"

// targets returns the binaries of a control plane, the quick ones first.
func (p pins) targets() []build.Target {
	kubernetes := stripped + kubernetesVersionFlags(p.kubernetes)
	return []build.Target{
		p.target("etcd", "etcd", p.etcd, etcdModule, stripped),
		p.target("kwok", "kwok", p.kwok, kwokModule+"/cmd/kwok", stripped+" -X sigs.k8s.io/kwok/pkg/consts.Version="+p.kwok),
		p.target("kubernetes", "kube-apiserver", p.kubernetes, kubernetesModule+"/cmd/kube-apiserver", kubernetes),
		p.target("kubernetes", "kube-scheduler", p.kubernetes, kubernetesModule+"/cmd/kube-scheduler", kubernetes),
		p.target("kubernetes", "kube-controller-manager", p.kubernetes, kubernetesModule+"/cmd/kube-controller-manager", kubernetes),
	}
}

// kubectl is no part of a control plane. Tests of commands use it.
func (p pins) kubectl() build.Target {
	return p.target("kubernetes", "kubectl", p.kubernetes, kubernetesModule+"/cmd/kubectl", stripped+kubernetesVersionFlags(p.kubernetes))
}

func (p pins) target(module, binary, version, mainPackage, ldFlags string) build.Target {
	return build.Target{
		Name:    binary + " " + version,
		Dir:     p.moduleDir(module),
		Package: mainPackage,
		Output:  filepath.Join(p.dir(), binary),
		LDFlags: ldFlags,
	}
}

// kubernetesVersionFlags returns the flags with which Kubernetes' own build sets the version. The default is v0.0.0.
func kubernetesVersionFlags(version string) string {
	const pkg = "k8s.io/component-base/version"
	major, minor, _ := strings.Cut(strings.TrimPrefix(semver.MajorMinor(version), "v"), ".")
	return fmt.Sprintf(" -X %[1]s.gitVersion=%[2]s -X %[1]s.gitMajor=%[3]s -X %[1]s.gitMinor=%[4]s", pkg, version, major, minor)
}
