package placement

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// maxPods is how many Pods of one Cluster are placed. The number is a field that anybody can set.
const maxPods = 1000

// Restored is a Cluster that KubeBlocks creates from a Backup.
type Restored struct {
	// Cluster has its new name and namespace.
	Cluster *kubeblocks.Blueprint
	Version kubeblocks.Version
	// Source is the cluster that the Backup is of. What the snapshot does not hold is taken from its running Pods.
	Source rewrite.Identity
	// Components are the components and shardings that the Backup holds.
	Components []string
	// Volumes are the volumes that the Backup holds. They are nil where that is not known, and then all count.
	Volumes []string
	// Unprepared says that no Pod writes the volumes before the database Pods exist, whatever the version, as for a volume snapshot.
	Unprepared bool
}

// WouldBe are the Pods and volume claims of a Cluster that does not exist yet, in the order in which KubeBlocks creates them.
type WouldBe struct {
	// Restore are the Pods that write the volumes. KubeBlocks creates the database Pods when they have ended.
	Restore  []corev1.Pod
	Database []corev1.Pod
	Claims   []corev1.PersistentVolumeClaim
	// Sidecars says that the requests of all containers are known, from running Pods of the source.
	Sidecars bool
}

// Refused names a Pod that the API server would refuse although each policy is valid, and says why; both are empty where there is none.
// KubeBlocks 0.9 adds the rules of an instance template to those of its component.
func (w *WouldBe) Refused() (pod, reason string) {
	type constraint struct {
		topologyKey string
		when        corev1.UnsatisfiableConstraintAction
	}
	for _, pods := range [][]corev1.Pod{w.Restore, w.Database} {
		for i := range pods {
			seen := map[constraint]bool{}
			for _, c := range pods[i].Spec.TopologySpreadConstraints {
				key := constraint{c.TopologyKey, c.WhenUnsatisfiable}
				if seen[key] {
					return pods[i].Name, fmt.Sprintf(textTwoConstraints, c.TopologyKey, c.WhenUnsatisfiable)
				}
				seen[key] = true
			}
		}
	}
	return "", ""
}

// part is what is the same for all Pods of a component or of one shard.
type part struct {
	restored *Restored
	spec     *kubeblocks.BlueprintComponent
	// name is that of the component, or the generated one of a shard; sharding is empty for a component.
	name, sharding string
	// like is a running Pod of the source's component, or nil.
	like *corev1.Pod
	// defaultClass is the class of claims that name none; nil if there is no default.
	defaultClass *string
}

// PodsOf returns the Pods and claims of a restored Cluster. Their nodes are not known.
func PodsOf(r *Restored, w *World) (WouldBe, error) {
	would := WouldBe{Sidecars: true}
	parts := r.parts(w)
	if len(parts) > maxPods {
		return WouldBe{}, fmt.Errorf(problemTooManyPods, maxPods)
	}
	for _, p := range parts {
		if p.spec.Stop {
			continue
		}
		would.Sidecars = would.Sidecars && p.like != nil
		for _, i := range p.instances() {
			if len(would.Database) == maxPods {
				return WouldBe{}, fmt.Errorf(problemTooManyPods, maxPods)
			}
			database, claims := i.database()
			would.Database = append(would.Database, database)
			would.Claims = append(would.Claims, claims...)
			if pod, ok := i.restore(claims); ok {
				would.Restore = append(would.Restore, pod)
			}
		}
	}
	return would, nil
}

// parts lists the components of a Cluster and the shards of its shardings.
func (r *Restored) parts(w *World) []part {
	like, class := r.running(w), defaultClass(w)
	var parts []part
	for i := range r.Cluster.Spec.ComponentSpecs {
		c := &r.Cluster.Spec.ComponentSpecs[i]
		parts = append(parts, part{restored: r, spec: c, name: c.Name, like: like[c.Name], defaultClass: class})
	}
	for _, sharding := range slices.Concat(r.Cluster.Spec.Shardings, r.Cluster.Spec.ShardingSpecs) {
		if len(parts) > maxPods {
			break
		}
		for n, spec := range shardsOf(&sharding) {
			name := fmt.Sprintf("%s-%03d", sharding.Name, n)
			parts = append(parts, part{
				restored: r, spec: spec, name: name, sharding: sharding.Name, like: like[sharding.Name], defaultClass: class,
			})
		}
	}
	return parts
}

// shardsOf returns the component of each shard: those of the shard templates first, then those of the template. At most one more than
// maxPods is returned.
func shardsOf(s *kubeblocks.BlueprintSharding) []*kubeblocks.BlueprintComponent {
	var shards []*kubeblocks.BlueprintComponent
	add := func(spec *kubeblocks.BlueprintComponent, count int32) {
		for range count {
			if len(shards) > maxPods {
				return
			}
			shards = append(shards, spec)
		}
	}
	for i := range s.ShardTemplates {
		spec := overridden(&s.Template, &s.ShardTemplates[i])
		count := int32(1)
		if s.ShardTemplates[i].Shards != nil {
			count = *s.ShardTemplates[i].Shards
		}
		add(spec, count)
	}
	add(&s.Template, s.Shards-int32(len(shards)))
	return shards
}

// overridden returns the component of a shard template: what it does not set is that of the sharding's template.
func overridden(template, own *kubeblocks.BlueprintComponent) *kubeblocks.BlueprintComponent {
	spec := *template
	spec.SchedulingPolicy = cmp.Or(own.SchedulingPolicy, template.SchedulingPolicy)
	spec.Replicas = cmp.Or(own.Replicas, template.Replicas)
	if len(own.Instances) > 0 {
		spec.Instances = own.Instances
	}
	if own.Labels != nil {
		spec.Labels = own.Labels
	}
	if own.Resources.Requests != nil || own.Resources.Limits != nil {
		spec.Resources = own.Resources
	}
	if len(own.VolumeClaimTemplates) > 0 {
		spec.VolumeClaimTemplates = own.VolumeClaimTemplates
	}
	return &spec
}

// running returns a running database Pod of the source for each of its components and shardings.
func (r *Restored) running(w *World) map[string]*corev1.Pod {
	like := map[string]*corev1.Pod{}
	for i := range w.Pods {
		pod := &w.Pods[i]
		if pod.Namespace() != r.Source.Namespace || pod.Get(kubeblocks.LabelInstance) != r.Source.Name || !kubeblocks.OfWorkload(pod.object) {
			continue
		}
		object := pod.Object()
		name := kubeblocks.ShortName(object.Labels)
		if like[name] == nil || object.Name < like[name].Name {
			like[name] = object
		}
	}
	return like
}

// backedUp reports whether KubeBlocks restores the component from the Backup.
func (p *part) backedUp() bool {
	return slices.Contains(p.restored.Components, cmp.Or(p.sharding, p.name))
}
