package rewrite

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// pod is the part of a Pod that a term can depend on.
type pod struct {
	namespace string
	labels    map[string]string
}

// nowhere is the identity of a cluster that no rule names.
func nowhere(namespace string) Identity {
	return Identity{Namespace: namespace, Name: "nowhere", UID: "uid-nowhere"}
}

// identityKeys are the labels that identify a Pod's cluster.
var identityKeys = []string{LabelInstance, LabelWorkload, LabelPodName, LabelClusterUID}

// podShape is a Pod without its cluster: the identity labels that it has, and the labels that Pods of other clusters share.
type podShape struct {
	component, team string
	keys            []string
}

// of returns the Pod of a cluster.
func (k podShape) of(id Identity) pod {
	p := pod{namespace: id.Namespace, labels: map[string]string{LabelComponentName: k.component, "team": k.team}}
	all := map[string]string{
		LabelInstance:   id.Name,
		LabelWorkload:   id.Name + "-" + k.component,
		LabelPodName:    id.Name + "-" + k.component + "-0",
		LabelClusterUID: string(id.UID),
	}
	for _, key := range k.keys {
		p.labels[key] = all[key]
	}
	return p
}

// hasNameAndUID reports whether a Pod has both labels. Where the target's UID is not known, one replaces the other.
func (k podShape) hasNameAndUID() bool {
	return slices.Contains(k.keys, LabelInstance) && slices.Contains(k.keys, LabelClusterUID)
}

// podShapes returns all shapes.
var podShapes = sync.OnceValue(func() []podShape {
	var all []podShape
	for _, component := range []string{"mysql", "proxy"} {
		for _, team := range []string{"blue", "red"} {
			for subset := range 1 << len(identityKeys) {
				var keys []string
				for i, key := range identityKeys {
					if subset&(1<<i) != 0 {
						keys = append(keys, key)
					}
				}
				all = append(all, podShape{component, team, keys})
			}
		}
	}
	return all
})

// strangers returns Pods of neither cluster, in each namespace. Each identity label is absent or has another cluster's value.
var strangers = sync.OnceValue(func() []pod {
	var all []pod
	clusters := []Identity{{Name: "web1", UID: "uid-web1"}, {Name: "batch7", UID: "uid-batch7"}, {Name: "my10"}, {Name: "my1-mysql"}}
	for _, namespace := range []string{sourceNamespace, otherNamespace, thirdNamespace} {
		for _, cluster := range clusters {
			cluster.Namespace = namespace
			if cluster.UID == "" {
				cluster.UID = types.UID("uid-" + cluster.Name)
			}
			for _, k := range podShapes() {
				all = append(all, k.of(cluster))
			}
		}
		all = append(all, pod{namespace: namespace, labels: map[string]string{"team": "blue"}})
	}
	return all
})

// selectsPod reports whether a term of a Pod in namespace own selects a Pod, by apimachinery's own selectors.
func selectsPod(t term, own string, p pod) bool {
	return matches(t.selector, p.labels) && appliesTo(t, own, p.namespace)
}

func appliesTo(t term, own, namespace string) bool {
	if t.implicitNamespace() {
		return namespace == own
	}
	return slices.Contains(t.pods.Namespaces, namespace) ||
		matches(t.pods.NamespaceSelector, map[string]string{LabelNamespace: namespace})
}

func matches(s *metav1.LabelSelector, set map[string]string) bool {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		panic(err) // the generator makes valid selectors
	}
	return selector.Matches(labels.Set(set))
}

func (p pod) String() string {
	var text []string
	for _, key := range slices.Sorted(maps.Keys(p.labels)) {
		text = append(text, key+"="+p.labels[key])
	}
	return fmt.Sprintf("Pod in %s with %v", p.namespace, text)
}
