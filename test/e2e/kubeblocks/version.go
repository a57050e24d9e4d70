package kubeblocks

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/rehome-operator/rehome/test/controlplane/module"
)

const modulePath = "github.com/apecloud/kubeblocks"

// Version is a release of KubeBlocks and its API.
type Version struct {
	// Name is the module version, such as "v1.0.2".
	Name string
	// Sum is the hash of the module, as in go.sum.
	Sum string
	// Apps serves Cluster and ComponentDefinition, in the version that KubeBlocks stores.
	Apps schema.GroupVersion
	// Operations serves OpsRequest.
	Operations schema.GroupVersion
	// OnDelete says that a Cluster can have this update strategy.
	OnDelete bool
	// TemplateRestores says that the restore Pods of an instance template have the rules of the template. Otherwise they have those of
	// the component.
	TemplateRestores bool
	// RewritesOpsRequest says that KubeBlocks rewrites the rules of components when it restores by OpsRequest.
	RewritesOpsRequest bool
}

// Versions returns the releases under test, newest first. The hashes are here, because the Go checksum database does not have v0.9.3.
func Versions() []Version {
	const (
		appsGroup       = "apps.kubeblocks.io"
		operationsGroup = "operations.kubeblocks.io"
	)
	var (
		appsV1             = schema.GroupVersion{Group: appsGroup, Version: "v1"}
		appsV1alpha1       = schema.GroupVersion{Group: appsGroup, Version: "v1alpha1"}
		operationsV1alpha1 = schema.GroupVersion{Group: operationsGroup, Version: "v1alpha1"}
	)
	return []Version{
		{
			Name:       "v1.0.2",
			Sum:        "h1:qrnG5Ob+sRQVyD5cJeMeb20ptcGfwx2EBOvHWy8ndAk=",
			Apps:       appsV1,
			Operations: operationsV1alpha1,
			OnDelete:   true,

			TemplateRestores:   true,
			RewritesOpsRequest: true,
		},
		{
			Name:       "v1.0.0",
			Sum:        "h1:ditcH7RNZyDiWiHP1V7IuXWHdcBJv3/X5N89Qlz+xew=",
			Apps:       appsV1,
			Operations: operationsV1alpha1,
			OnDelete:   true,

			RewritesOpsRequest: true,
		},
		{
			Name:       "v0.9.3",
			Sum:        "h1:06hUB4oVZdHfkFg/wez6LJahiJCE+vp5DDyrcXHqCZc=",
			Apps:       appsV1alpha1,
			Operations: appsV1alpha1, // OpsRequest moved to its own group in 1.0
		},
	}
}

// Names returns the names of Versions.
func Names() []string {
	versions := Versions()
	names := make([]string, len(versions))
	for i, v := range versions {
		names[i] = v.Name
	}
	return names
}

// Find returns the version called name. The error lists all names.
func Find(name string) (Version, error) {
	for _, v := range Versions() {
		if v.Name == name {
			return v, nil
		}
	}
	return Version{}, fmt.Errorf("no KubeBlocks %q, only %s", name, strings.Join(Names(), ", "))
}

func (v Version) String() string { return v.Name }

func (v Version) module() module.Module {
	return module.Module{Path: modulePath, Version: v.Name, Sum: v.Sum}
}
