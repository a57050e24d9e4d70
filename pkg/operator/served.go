package operator

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// served is what of the kinds that matter the API server serves.
type served struct {
	// apps is the version through which Clusters are read and written.
	apps schema.GroupVersion
	// rehomings says that Rehome's own kind is there. The cure does not hang on it.
	rehomings bool
}

// discover asks the API server, anew each time. The error says which kind is missing.
func discover(cfg *rest.Config) (served, error) {
	httpClient, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return served{}, fmt.Errorf("connect to the API server: %w", err)
	}
	mapper, err := apiutil.NewDynamicRESTMapper(cfg, httpClient)
	if err != nil {
		return served{}, fmt.Errorf("discover the API server's kinds: %w", err)
	}
	apps, err := kubeblocks.Discover(mapper)
	if err != nil {
		return served{}, err
	}
	_, err = mapper.RESTMapping(v1alpha1.GroupVersion.WithKind("Rehoming").GroupKind(), v1alpha1.GroupVersion.Version)
	if err != nil && !meta.IsNoMatchError(err) {
		return served{}, fmt.Errorf("find Rehome's own kind in the API server: %w", err)
	}
	return served{apps: apps, rehomings: err == nil}, nil
}
