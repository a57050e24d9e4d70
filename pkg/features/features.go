// Package features lists what can be turned on and off.
package features

import (
	"fmt"

	"k8s.io/component-base/featuregate"
)

// RecreatePods lets Rehome delete database Pods that wait for a node under rules that name the source, where KubeBlocks does
// not replace them. Without it they are only reported.
//
// Beta since v0.1.0.
const RecreatePods featuregate.Feature = "RecreatePods"

// New returns the gates as a configuration sets them. The error names a gate that is not known.
func New(settings map[string]bool) (featuregate.FeatureGate, error) {
	gates := featuregate.NewFeatureGate()
	err := gates.Add(map[featuregate.Feature]featuregate.FeatureSpec{
		RecreatePods: {Default: true, PreRelease: featuregate.Beta},
	})
	if err != nil {
		return nil, fmt.Errorf("declare the feature gates: %w", err)
	}
	if err := gates.SetFromMap(settings); err != nil {
		return nil, fmt.Errorf("featureGates: %w", err)
	}
	return gates, nil
}
