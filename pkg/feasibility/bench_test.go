package feasibility_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/feasibility"
)

// manyNodes returns nodes a1, b1, c1, a2, ... in three zones.
func manyNodes(n int) []corev1.Node {
	all := make([]corev1.Node, 0, n)
	for i := range n {
		all = append(all, node(fmt.Sprintf("%c%d", 'a'+i%3, i/3+1)))
	}
	return all
}

// manyPlaces returns places for n Pods: nodes or zones, one after another.
func manyPlaces(n int, zonal bool) []string {
	all := make([]string, 0, n)
	for i := range n {
		place := string(rune('a' + i%3))
		if !zonal {
			place = fmt.Sprintf("%s%d", place, i/3+1)
		}
		all = append(all, place)
	}
	return all
}

// shards returns 100 components of three Pods each.
func shards(p func(of string) written, zonal bool) []feasibility.Pod {
	places := manyPlaces(300, zonal)
	var all []feasibility.Pod
	for i := range 100 {
		of := fmt.Sprintf("shard-%03d", i)
		shard := pods(of, p(of), places[3*i:3*i+3]...)
		for j := range shard {
			shard[j].Policy = "shard"
		}
		all = append(all, shard...)
	}
	return all
}

func perNodeAndZone(of string) written { return together(apart(host, of), even(zone, of)) }

// sizes are the worlds that have to be decided fast. All are admitted.
var sizes = map[string]func() feasibility.World{
	"7 replicas, 1000 nodes, bound to nodes": func() feasibility.World {
		return world(manyNodes(1000), pods("mysql", perNodeAndZone("mysql"), manyPlaces(7, false)...))
	},
	"7 replicas, 1000 nodes, bound to zones": func() feasibility.World {
		return world(manyNodes(1000), pods("mysql", perNodeAndZone("mysql"), manyPlaces(7, true)...))
	},
	"3 replicas, 1000 nodes, one per zone": func() feasibility.World {
		return world(manyNodes(1000), pods("mysql", together(apart(host, "mysql"), apart(zone, "mysql")), "a", "b7", "c"))
	},
	"100 shards of 3, 1000 nodes, bound to nodes": func() feasibility.World {
		return world(manyNodes(1000), shards(perNodeAndZone, false))
	},
	"100 shards of 3, 1000 nodes, bound to zones": func() feasibility.World {
		return world(manyNodes(1000), shards(perNodeAndZone, true))
	},
	"100 shards of 3 in one group, 1000 nodes, bound to nodes": func() feasibility.World {
		return world(manyNodes(1000), shards(func(string) written { return apart(host, "") }, false))
	},
	"100 shards of 3 in one group, 1000 nodes, bound to zones": func() feasibility.World {
		return world(manyNodes(1000), shards(func(string) written { return together(apart(host, ""), even(zone, "")) }, true))
	},
	"sister components, 1000 nodes": func() feasibility.World {
		return world(manyNodes(1000), pods("mysql", perNodeAndZone("mysql"), "a1", "b", "c"), pods("proxy", together(near(zone, "mysql"), apart(host, "proxy")), "", "", ""))
	},
}

func TestCommonShapesAreAdmitted(t *testing.T) {
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			if refusals := feasibility.Decide(size()); len(refusals) > 0 {
				t.Errorf("refused: %+v", refusals)
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	for name, size := range sizes {
		w := size()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				feasibility.Decide(w)
			}
		})
	}
}
