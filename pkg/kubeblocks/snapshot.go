package kubeblocks

import (
	"cmp"
	gojson "encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/json"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Errors of a Backup from which the inherited rules cannot be read.
var (
	// ErrNoSnapshot is the error of a Backup without a snapshot.
	ErrNoSnapshot = errors.New(textNoAnnotation + AnnotationClusterSnapshot)
	// ErrBadSnapshot is the error of a Backup whose snapshot cannot be read.
	ErrBadSnapshot = errors.New(textBadSnapshot)
)

// SourceOf returns the source cluster of a Backup: its identity and its scheduling policies at that time. It returns
// ErrNoSnapshot or ErrBadSnapshot, wrapped, if these cannot be read.
func SourceOf(b *Backup) (rewrite.Source, error) { return new(Snapshots).SourceOf(b) }

// SourceOf is as the function SourceOf, and returns ErrBadSnapshot for a snapshot that exceeds a limit together with those before.
func (s *Snapshots) SourceOf(b *Backup) (rewrite.Source, error) {
	id := b.Namespace + "/" + b.Name
	snapshot, ok := b.Annotations[AnnotationClusterSnapshot]
	if !ok {
		return rewrite.Source{}, fmt.Errorf("the Backup %s %w", id, ErrNoSnapshot)
	}
	read, err := s.read([]byte(snapshot))
	if err != nil {
		return rewrite.Source{}, fmt.Errorf("the Backup %s %w: %w", id, ErrBadSnapshot, err)
	}
	return read.of(b)
}

// of completes the source with what the labels of its Backup say.
func (read *Snapshot) of(b *Backup) (rewrite.Source, error) {
	id := b.Namespace + "/" + b.Name
	source := read.Source
	if source.Name == "" {
		source.Name = b.Labels[LabelInstance]
	}
	if source.Name == "" {
		return rewrite.Source{}, fmt.Errorf("the Backup %s %w: %s", id, ErrBadSnapshot, textAnonymous)
	}
	if source.Namespace == "" {
		source.Namespace = b.Namespace
	}
	source.UID = types.UID(b.Labels[LabelBackupClusterUID])
	source.Backup = id
	source.Origins = slices.DeleteFunc(source.Origins, func(origin string) bool { return origin == id })
	return source, nil
}

// snapshotCluster is the part of a snapshot that is decoded. Its annotations are read only for that which names Backups.
type snapshotCluster struct {
	Kind     string `json:"kind,omitempty"`
	Metadata struct {
		Namespace   string            `json:"namespace,omitempty"`
		Name        string            `json:"name,omitempty"`
		Annotations gojson.RawMessage `json:"annotations,omitempty"`
	} `json:"metadata,omitempty"`
	Spec ClusterSpec `json:"spec,omitempty"`
}

// SourceOfSnapshot returns the cluster of a snapshot: a Cluster as JSON, with or without kind, and without a UID. The error
// gives the position of a fault, or the limit that is exceeded, and quotes nothing.
func SourceOfSnapshot(snapshot []byte) (rewrite.Source, error) {
	read, err := new(Snapshots).read(snapshot)
	if err != nil {
		return rewrite.Source{}, err
	}
	return read.Source, nil
}

// Snapshot is a cluster as a snapshot holds it.
//
// +kubebuilder:object:generate=false
type Snapshot struct {
	rewrite.Source
	// Tolerations are those of each policy, by its path.
	Tolerations map[string][]corev1.Toleration
}

// SnapshotOf returns the source cluster of a Backup, with the errors of SourceOf.
func SnapshotOf(b *Backup) (*Snapshot, error) {
	id := b.Namespace + "/" + b.Name
	snapshot, ok := b.Annotations[AnnotationClusterSnapshot]
	if !ok {
		return nil, fmt.Errorf("the Backup %s %w", id, ErrNoSnapshot)
	}
	read, err := new(Snapshots).read([]byte(snapshot))
	if err != nil {
		return nil, fmt.Errorf("the Backup %s %w: %w", id, ErrBadSnapshot, err)
	}
	read.Source, err = read.of(b)
	return read, err
}

func (s *Snapshots) read(snapshot []byte) (*Snapshot, error) {
	if err := s.check(snapshot); err != nil {
		return nil, err
	}
	var decoded snapshotCluster
	strict, err := json.UnmarshalStrict(snapshot, &decoded, json.DisallowDuplicateFields)
	if err != nil {
		return nil, errors.New(describeJSONError(err))
	}
	if len(strict) > 0 {
		// An edit of one of two equal keys would be a guess.
		return nil, strict[0]
	}
	if decoded.Kind != "" && decoded.Kind != "Cluster" {
		return nil, fmt.Errorf(textNotACluster, decoded.Kind)
	}
	if err := decoded.checkNames(); err != nil {
		return nil, err
	}
	cluster := &Cluster{Spec: decoded.Spec}
	return &Snapshot{
		Source: rewrite.Source{
			Identity:   rewrite.Identity{Namespace: decoded.Metadata.Namespace, Name: decoded.Metadata.Name},
			Components: ComponentsOf(cluster),
			Policies:   ClusterPolicies(cluster),
			InTree:     inTree{},
			Origins:    decoded.origins(),
		},
		Tolerations: tolerationsOf(cluster),
	}, nil
}

// maxOrigins is how many Backups of a snapshot's cluster are named.
const maxOrigins = 3

// origins returns the Backups that the cluster was itself restored from. They only explain rules, so one that is not shown, or not
// readable, is no error.
func (c *snapshotCluster) origins() []string {
	cluster := &Cluster{Spec: c.Spec}
	cluster.Namespace = c.Metadata.Namespace
	var annotations map[string]any
	if json.UnmarshalCaseSensitivePreserveInts(c.Metadata.Annotations, &annotations) == nil {
		if restore, ok := annotations[AnnotationRestoreFromBackup].(string); ok {
			cluster.Annotations = map[string]string{AnnotationRestoreFromBackup: restore}
		}
	}
	backups, err := BackupsOf(cluster, nil)
	if err != nil {
		return nil
	}
	var origins []string
	for _, backup := range backups[:min(len(backups), maxOrigins)] {
		if len(validation.NameIsDNSSubdomain(backup.Name, false)) == 0 && len(validation.ValidateNamespaceName(backup.Namespace, false)) == 0 {
			origins = append(origins, backup.String())
		}
	}
	return origins
}

// ComponentsOf lists the names and labels that the Pods of a cluster get.
func ComponentsOf(c *Cluster) []rewrite.Component {
	components := make([]rewrite.Component, 0, len(c.Spec.ComponentSpecs)+len(c.Spec.Shardings)+len(c.Spec.ShardingSpecs))
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
	c := rewrite.Component{Name: spec.Name, Labels: []map[string]string{spec.Labels}}
	for _, instance := range spec.Instances {
		c.Templates = append(c.Templates, instance.Name)
		labels := map[string]string{}
		maps.Copy(labels, spec.Labels)
		maps.Copy(labels, instance.Labels)
		c.Labels = append(c.Labels, labels)
	}
	return c
}

// shardingOf joins the template of a sharding and its shard templates. Each of them can be the template of a shard.
func shardingOf(s *Sharding) rewrite.Component {
	joined := componentOf(&s.Template)
	joined.Name, joined.Sharding = s.Name, true
	for i := range s.ShardTemplates {
		c := componentOf(&s.ShardTemplates[i])
		joined.Templates = append(joined.Templates, c.Templates...)
		joined.Labels = append(joined.Labels, c.Labels...)
	}
	return joined
}

// describeJSONError gives the position of a fault in JSON and quotes nothing.
func describeJSONError(err error) string {
	if isSyntax, offset := json.SyntaxErrorOffset(err); isSyntax {
		return fmt.Sprintf(textNotJSON, offset)
	}
	var wrongType *gojson.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		kind, _, _ := strings.Cut(wrongType.Value, " ") // what follows is the value itself
		return fmt.Sprintf(textWrongType, cmp.Or(wrongType.Field, "it"), kind, wrongType.Offset)
	}
	return textInvalidJSON
}
