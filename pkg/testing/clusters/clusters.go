// Package clusters generates Clusters in the shapes of public manifests: addons of one to three components, shardings, instance templates,
// and scheduling rules of all kinds in all places. The same seed yields the same Cluster.
package clusters

import (
	"encoding/json"
	"math/rand/v2"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// Options say for which KubeBlocks a Cluster is, and where.
type Options struct {
	Version         kubeblocks.Version
	Namespace, Name string
	// Definition and StorageClass are those of all components. Without them, each component has those of its addon, or none.
	Definition, StorageClass string
	// Small leaves out what an API server refuses, what names a node, and domains that no node has. A component has up to three replicas.
	Small bool
}

// generator draws one Cluster.
type generator struct {
	*rand.Rand
	Options
}

// Generate returns the Cluster of a seed, as KubeBlocks stores it in a snapshot.
func Generate(seed uint64, o Options) map[string]any {
	g := &generator{rand.New(rand.NewPCG(seed, 0)), o} //nolint:gosec // it must be repeatable, not secret
	cluster := map[string]any{
		"metadata": map[string]any{"name": o.Name, "namespace": o.Namespace, "annotations": g.annotations()},
		"spec":     g.spec(),
	}
	if o.Small || g.oneIn(2) {
		cluster["apiVersion"], cluster["kind"] = o.Version.Apps().String(), "Cluster"
	}
	return cluster
}

// Snapshot returns the Cluster of a seed as JSON.
func Snapshot(seed uint64, o Options) []byte {
	data, err := json.Marshal(Generate(seed, o))
	if err != nil {
		panic(err) // it holds nothing that JSON lacks
	}
	return data
}

func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

// one draws an element of a list.
func one[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

func (g *generator) annotations() map[string]any {
	annotations := map[string]any{}
	switch g.Version {
	case kubeblocks.V09, kubeblocks.V10, kubeblocks.V11:
		annotations[kubeblocks.AnnotationCRDAPIVersion] = g.Version.Apps().String()
	case kubeblocks.V12:
		annotations["parameters.kubeblocks.io/legacy-config-manager-required"] = "false"
	}
	return annotations
}

// addons are components that stand together in public manifests. The first one is backed up.
var addons = [][]string{
	{"mysql"}, {"mysql", "proxy"}, {"postgresql"}, {"redis", "redis-sentinel"}, {"mongodb"}, {"kafka-controller", "kafka-broker"},
	{"master", "data"}, {"clickhouse", "ch-keeper"}, {"etcd"}, {"milvus", "etcd", "minio"}, {"qdrant"}, {"pd", "tikv", "tidb"}, {"zookeeper"},
}

// sharded are shardings, and the components that stand beside each.
var sharded = [][]string{{"shard"}, {"shard", "mongos", "config-server"}, {"shard", "ch-keeper"}}

func (g *generator) spec() map[string]any {
	spec := map[string]any{"terminationPolicy": "Delete"}
	if !g.Small && g.oneIn(2) {
		spec["terminationPolicy"] = "WipeOut" // which deletes the Backups, too
	}
	if g.oneIn(3) {
		spec["schedulingPolicy"] = g.policy("")
	}
	components, sharding := one(g, addons...), ""
	if g.oneIn(4) && !g.withoutShardings() {
		set := one(g, sharded...)
		sharding, components = set[0], set[1:]
	}
	if g.Small && sharding != "" {
		components = []string{"mysql"} // which is backed up
	}
	list := make([]any, 0, len(components))
	for _, name := range components {
		c := g.component(name)
		c["name"] = name
		list = append(list, c)
	}
	if len(list) > 0 || g.oneIn(2) {
		spec["componentSpecs"] = list
	}
	if sharding != "" {
		spec[g.shardings()] = []any{g.sharding(sharding)}
	}
	g.addFieldsOfVersion(spec, components)
	return spec
}

// withoutShardings reports whether shardings are left out: KubeBlocks 0.9 leaves those of generated Clusters Creating, and so unrestored.
func (g *generator) withoutShardings() bool { return g.Small && g.Version == kubeblocks.V09 }

// shardings is the name of the list of shardings.
func (g *generator) shardings() string {
	if g.Version == kubeblocks.V09 {
		return "shardingSpecs"
	}
	return "shardings"
}

// addFieldsOfVersion adds what only one version has.
func (g *generator) addFieldsOfVersion(spec map[string]any, components []string) {
	switch {
	case g.Version == kubeblocks.V09 && g.oneIn(3):
		spec["affinity"] = g.legacyAffinity()
		if g.oneIn(2) {
			spec["tolerations"] = g.tolerations()
		}
	case g.Small:
	case g.Version == kubeblocks.V09 && len(components) > 0 && g.oneIn(4):
		spec["clusterDefinitionRef"], spec["clusterVersionRef"] = components[0], components[0]+"-8.0"
	case g.Version == kubeblocks.V12 && g.oneIn(4):
		spec["restore"] = map[string]any{"source": map[string]any{
			"apiGroup": "dataprotection.kubeblocks.io", "kind": "Backup", "name": "bp0", "namespace": g.Namespace,
		}}
	}
}

func (g *generator) legacyAffinity() map[string]any {
	a := map[string]any{
		"podAntiAffinity": one(g, "Preferred", "Required"), "topologyKeys": []any{one(g, host, zone)}, "tenancy": "SharedNode",
	}
	if g.oneIn(4) {
		a["nodeLabels"] = map[string]any{zone: one[any](g, "zone-a", "zone-a,zone-b")}
	}
	return a
}

func (g *generator) sharding(name string) map[string]any {
	s := map[string]any{"name": name, "shards": int64(2), "template": g.component(name)}
	if (g.Version == kubeblocks.V11 || g.Version == kubeblocks.V12) && g.oneIn(2) {
		special := map[string]any{"name": "big", "shards": int64(1)}
		if g.oneIn(2) {
			special["schedulingPolicy"] = g.policy(name)
		}
		if g.oneIn(2) {
			special["instances"] = g.instances(name)
		}
		s["shardTemplates"] = []any{special}
	}
	return s
}

func (g *generator) replicas() int64 {
	if g.Small {
		return one[int64](g, 1, 2, 3, 3)
	}
	return one[int64](g, 1, 2, 3, 3, 5)
}

// component draws a component, or the template of a sharding, without its name.
func (g *generator) component(name string) map[string]any {
	c := map[string]any{
		"replicas": g.replicas(), "componentDef": name, "disableExporter": true,
		"resources":            map[string]any{"limits": g.resources(), "requests": g.resources()},
		"volumeClaimTemplates": []any{g.claim()},
	}
	if g.Definition != "" {
		c["componentDef"] = g.Definition
	} else {
		c["serviceVersion"] = one(g, "8.0.36", "7.2.4")
	}
	if g.oneIn(3) {
		c["labels"] = map[string]any{userLabel: "red"}
	}
	if !g.oneIn(4) {
		c["schedulingPolicy"] = g.policy(name)
	} else if g.Version == kubeblocks.V09 && g.oneIn(2) {
		c["affinity"] = g.legacyAffinity()
	}
	if g.oneIn(4) {
		c["instances"], c["replicas"] = g.instances(name), max(c["replicas"].(int64), 2)
	}
	if !g.Small && g.oneIn(6) {
		c["serviceAccountName"] = one(g, "kb-"+g.Name, "databases")
	}
	return c
}

func (g *generator) resources() map[string]any {
	if g.Small {
		return map[string]any{"cpu": "1m", "memory": "1Mi"}
	}
	return map[string]any{"cpu": "100m", "memory": "128Mi"}
}

func (g *generator) claim() map[string]any {
	spec := map[string]any{
		"accessModes": []any{"ReadWriteOnce"}, "resources": map[string]any{"requests": map[string]any{"storage": "1Gi"}},
	}
	if g.StorageClass != "" {
		spec["storageClassName"] = g.StorageClass
	}
	return map[string]any{"name": "data", "spec": spec}
}

// instances draws an instance template for one replica.
func (g *generator) instances(component string) []any {
	template := map[string]any{"name": "hot", "replicas": int64(1)}
	if !g.oneIn(3) {
		template["schedulingPolicy"] = g.policy(component)
	}
	if g.oneIn(3) {
		template["labels"] = map[string]any{userLabel: "blue"}
	}
	return []any{template}
}
