package peer

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

// forced is the label of the Namespaces in which the policy holds, and its value.
const forcedLabel, forcedValue = "own-instance", "forced"

const (
	// activeTimeout bounds the time until the API server acts on a policy, which it reads through caches.
	activeTimeout  = time.Minute
	activeInterval = 50 * time.Millisecond
)

//go:embed policy.yaml
var manifest []byte

// install creates the policy, and returns when it acts on a probe: a Cluster that it would change, which is never stored.
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
	// A policy refuses all Clusters until it has learnt of their kind, which it does now and then.
	var refused error
	err = wait.PollUntilContextTimeout(ctx, activeInterval, activeTimeout, true, func(ctx context.Context) (bool, error) {
		admitted := probe.DeepCopy()
		refused = c.Create(ctx, admitted, client.DryRunAll)
		return refused == nil && !sameSpec(admitted, probe), nil
	})
	if err != nil {
		return fmt.Errorf("wait until the policy acts: %w", errors.Join(err, refused))
	}
	return nil
}

// decode reads the documents of a manifest.
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
