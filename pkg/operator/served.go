package operator

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// errNoRehoming says that the API server answers, and does not serve Rehome's own kind.
var errNoRehoming = errors.New(noRehomings)

// discover asks the API server what it serves. The error says which kind is missing: errNoRehoming, or kubeblocks.ErrNotInstalled.
func discover(cfg *rest.Config) (kubeblocks.Served, error) {
	httpClient, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return kubeblocks.Served{}, fmt.Errorf("connect to the API server: %w", err)
	}
	mapper, err := apiutil.NewDynamicRESTMapper(cfg, httpClient)
	if err != nil {
		return kubeblocks.Served{}, fmt.Errorf("discover the API server's kinds: %w", err)
	}
	_, err = mapper.RESTMapping(v1alpha1.GroupVersion.WithKind("Rehoming").GroupKind(), v1alpha1.GroupVersion.Version)
	if meta.IsNoMatchError(err) {
		return kubeblocks.Served{}, errNoRehoming
	}
	if err != nil {
		return kubeblocks.Served{}, fmt.Errorf("find Rehome's own kind in the API server: %w", err)
	}
	return kubeblocks.Discover(mapper)
}
