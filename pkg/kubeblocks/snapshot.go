package kubeblocks

import (
	"encoding/json"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Errors of a Backup that does not tell which rules were inherited from whom.
var (
	// ErrNoSnapshot says that a Backup carries no snapshot of its cluster.
	ErrNoSnapshot = errors.New("has no annotation " + AnnotationClusterSnapshot)
	// ErrBadSnapshot says that a Backup's snapshot cannot be read.
	ErrBadSnapshot = errors.New("holds a cluster snapshot that cannot be read")
)

// SourceOf reads the cluster that a Backup was taken of: its identity and its scheduling policies at that time. It
// returns ErrNoSnapshot or ErrBadSnapshot, wrapped, when the Backup does not tell.
func SourceOf(b *Backup) (rewrite.Source, error) {
	id := b.Namespace + "/" + b.Name
	snapshot, ok := b.Annotations[AnnotationClusterSnapshot]
	if !ok {
		return rewrite.Source{}, fmt.Errorf("the Backup %s %w", id, ErrNoSnapshot)
	}
	var cluster Cluster
	if err := json.Unmarshal([]byte(snapshot), &cluster); err != nil {
		return rewrite.Source{}, fmt.Errorf("the Backup %s %w: %s", id, ErrBadSnapshot, describeJSONError(err))
	}
	if cluster.Name == "" {
		cluster.Name = b.Labels[LabelInstance]
	}
	if cluster.Name == "" {
		return rewrite.Source{}, fmt.Errorf("the Backup %s %w: neither it nor the label %s names the cluster",
			id, ErrBadSnapshot, LabelInstance)
	}
	if cluster.Namespace == "" {
		cluster.Namespace = b.Namespace
	}
	return rewrite.Source{
		Identity: rewrite.Identity{
			Namespace: cluster.Namespace,
			Name:      cluster.Name,
			UID:       types.UID(b.Labels[LabelClusterUID]),
		},
		Backup:     id,
		Components: componentsOf(&cluster),
		Policies:   ClusterPolicies(&cluster),
	}, nil
}

// componentsOf lists what the Pods of a cluster are named and labelled after.
func componentsOf(c *Cluster) []rewrite.Component {
	var components []rewrite.Component
	for i := range c.Spec.ComponentSpecs {
		components = append(components, componentOf(&c.Spec.ComponentSpecs[i]))
	}
	for _, shardings := range [][]Sharding{c.Spec.Shardings, c.Spec.ShardingSpecs} {
		for i := range shardings {
			components = append(components, shardingOf(&shardings[i]))
		}
	}
	return components
}

func componentOf(spec *ComponentSpec) rewrite.Component {
	c := rewrite.Component{Name: spec.Name, Labels: spec.Labels}
	for _, instance := range spec.Instances {
		c.Templates = append(c.Templates, instance.Name)
	}
	return c
}

func shardingOf(s *Sharding) rewrite.Component {
	c := componentOf(&s.Template)
	c.Name, c.Sharding = s.Name, true
	for i := range s.ShardTemplates {
		c.Templates = append(c.Templates, componentOf(&s.ShardTemplates[i]).Templates...)
	}
	return c
}

// describeJSONError says where the JSON is wrong, and quotes none of it.
func describeJSONError(err error) string {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Sprintf("not JSON at byte %d", syntax.Offset)
	}
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return fmt.Sprintf("%s holds a %s at byte %d", wrongType.Field, wrongType.Value, wrongType.Offset)
	}
	return err.Error()
}
