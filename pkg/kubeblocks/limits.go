package kubeblocks

import (
	"errors"
	"fmt"
	"slices"
)

// The limits of a snapshot. Decoded, a value of two bytes can take two hundred.
const (
	// MaxSnapshot is the limit in bytes. An object's annotations have at most 256 KiB together.
	MaxSnapshot = 256 << 10
	maxDepth    = 64
	// maxRules counts affinity terms, topology spread constraints and node selector terms.
	maxRules = 1000
	// maxParts counts components, shardings, shard templates and instance templates.
	maxParts = 1000
	// maxValues counts all JSON values.
	maxValues = 10_000
	// maxLabels counts the labels of all instance templates, each with those of its component.
	maxLabels = 10_000
	// maxName is the limit of the name of anything, in bytes.
	maxName = 253
)

// The limits of all snapshots of one Cluster together.
const (
	allRules  = 4 * maxRules
	allValues = 4 * maxValues
	allBytes  = 4 * MaxSnapshot
)

// ErrExhausted is the error of a snapshot that exceeds a limit together with those before it. No more should be read.
var ErrExhausted = errors.New(textAllTooMany)

// Snapshots reads the snapshots of one Cluster, and limits what they hold together.
//
// +kubebuilder:object:generate=false
type Snapshots struct{ rules, values, bytes int }

// check scans a snapshot without decoding it. JSON that is invalid is left to the decoder, which says where.
func (s *Snapshots) check(snapshot []byte) error {
	if s.bytes += len(snapshot); s.bytes > allBytes {
		return ErrExhausted
	}
	c, err := scan(snapshot)
	if err != nil {
		return err
	}
	if s.rules+c.rules > allRules || s.values+c.values > allValues {
		return ErrExhausted
	}
	s.rules, s.values = s.rules+c.rules, s.values+c.values
	return nil
}

// checkNames limits the names in a snapshot, because messages repeat them for each rule, and the labels that ComponentsOf copies.
func (c *snapshotCluster) checkNames() error {
	names, labels := []string{c.Metadata.Namespace, c.Metadata.Name}, 0
	add := func(spec *ComponentSpec) {
		names = append(names, spec.Name)
		for i := range spec.Instances {
			names = append(names, spec.Instances[i].Name)
			labels += len(spec.Labels) + len(spec.Instances[i].Labels)
		}
	}
	for i := range c.Spec.ComponentSpecs {
		add(&c.Spec.ComponentSpecs[i])
	}
	for _, shardings := range [][]Sharding{c.Spec.Shardings, c.Spec.ShardingSpecs} {
		for i := range shardings {
			names = append(names, shardings[i].Name)
			add(&shardings[i].Template)
			for j := range shardings[i].ShardTemplates {
				add(&shardings[i].ShardTemplates[j])
			}
		}
	}
	if labels > maxLabels {
		return fmt.Errorf(textTooManyOrMore, maxLabels, "labels of instances")
	}
	if slices.ContainsFunc(names, func(name string) bool { return len(name) > maxName }) {
		return fmt.Errorf(textLongName, maxName)
	}
	return nil
}
