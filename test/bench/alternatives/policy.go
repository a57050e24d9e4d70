package alternatives

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// policyLabel and policyLabelValue label the Namespaces that the policy applies to.
const policyLabel, policyLabelValue = "own-instance", "enabled"

const (
	// activeTimeout limits the wait until the API server applies a policy, which it reads through caches.
	activeTimeout  = time.Minute
	activeInterval = 50 * time.Millisecond
)

//go:embed policy.yaml
var manifest []byte

// install creates the policy, and waits until it changes a probe. The probe is a Cluster with stale rules, created with dry run.
func install(ctx context.Context, c client.Client, probe *unstructured.Unstructured) error {
	objects, err := decode(manifest)
	if err != nil {
		return fmt.Errorf("read the policy: %w", err)
	}
	for _, object := range objects {
		if err := c.Create(ctx, object); err != nil {
			return fmt.Errorf("create %s: %w", object.GetKind(), err)
		}
	}
	// A policy rejects all Clusters until the API server discovers their kind, which it does periodically.
	var rejected error
	err = wait.PollUntilContextTimeout(ctx, activeInterval, activeTimeout, true, func(ctx context.Context) (bool, error) {
		admitted := probe.DeepCopy()
		rejected = c.Create(ctx, admitted, client.DryRunAll)
		return rejected == nil && !sameSpec(admitted, probe), nil
	})
	if err != nil {
		return fmt.Errorf("wait until the policy applies: %w", errors.Join(err, rejected))
	}
	return nil
}

func decode(manifest []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := documents.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
}
