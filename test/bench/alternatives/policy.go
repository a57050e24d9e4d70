package alternatives

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/test/e2e/differential"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// policyLabel and policyLabelValue label the Namespaces that the policy applies to.
const policyLabel, policyLabelValue = "own-instance", "enabled"

const (
	// activeTimeout limits the wait until the API server applies a policy, which it reads through caches.
	activeTimeout  = time.Minute
	activeInterval = 50 * time.Millisecond
)

// probeNamespace is for dry-run creates.
const probeNamespace = "probe"

//go:embed policy.yaml
var manifest []byte

// installPolicy creates the policy, and waits until it applies.
func (e *serverEnv) installPolicy(ctx context.Context, shape differential.Shape) error {
	if err := createNamespace(ctx, e.client, probeNamespace, policyLabels()); err != nil {
		return err
	}
	objects, err := fixture.Decode(bytes.NewReader(manifest))
	if err != nil {
		return fmt.Errorf("read the policy: %w", err)
	}
	for _, object := range objects {
		if err := e.client.Create(ctx, object); err != nil {
			return fmt.Errorf("create %s: %w", object.GetKind(), err)
		}
	}
	return e.awaitPolicy(ctx, shape, true)
}

// awaitPolicy waits until the policy changes a Cluster of a shape with stale rules, created with dry run, or until it does not.
func (e *serverEnv) awaitPolicy(ctx context.Context, shape differential.Shape, applies bool) error {
	c, err := caseOf(shape)
	if err != nil {
		return err
	}
	probe, err := restoredCluster(c, probeNamespace, "probe")
	if err != nil {
		return err
	}
	// A policy rejects all Clusters until the API server discovers their kind, which it does periodically.
	var rejected error
	err = wait.PollUntilContextTimeout(ctx, activeInterval, activeTimeout, true, func(ctx context.Context) (bool, error) {
		admitted := probe.DeepCopy()
		rejected = e.client.Create(ctx, admitted, client.DryRunAll)
		return rejected == nil && equality.Semantic.DeepEqual(admitted.Object["spec"], probe.Object["spec"]) != applies, nil
	})
	if err != nil {
		return fmt.Errorf("wait until the policy applies or ends: %w", errors.Join(err, rejected))
	}
	return nil
}
