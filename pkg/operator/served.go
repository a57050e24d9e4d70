package operator

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// served is which of the kinds that matter the API server serves.
type served struct {
	// apps is the version through which Clusters are read and written.
	apps schema.GroupVersion
}

// errNoRehoming says that the API server answers, and does not serve Rehome's own kind.
var errNoRehoming = errors.New("the CustomResourceDefinition rehomings.rehome.kubeblocks.io is not installed")

// discover asks the API server what it serves. The error says which kind is missing: errNoRehoming, or kubeblocks.ErrNotInstalled.
func discover(cfg *rest.Config) (served, error) {
	httpClient, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return served{}, fmt.Errorf("connect to the API server: %w", err)
	}
	mapper, err := apiutil.NewDynamicRESTMapper(cfg, httpClient)
	if err != nil {
		return served{}, fmt.Errorf("discover the API server's kinds: %w", err)
	}
	_, err = mapper.RESTMapping(v1alpha1.GroupVersion.WithKind("Rehoming").GroupKind(), v1alpha1.GroupVersion.Version)
	if meta.IsNoMatchError(err) {
		return served{}, errNoRehoming
	}
	if err != nil {
		return served{}, fmt.Errorf("find Rehome's own kind in the API server: %w", err)
	}
	apps, err := kubeblocks.Discover(mapper)
	return served{apps: apps}, err
}
