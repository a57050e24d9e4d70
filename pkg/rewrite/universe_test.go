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

// pod is what a term can see of a Pod.
type pod struct {
	namespace string
	labels    map[string]string
}

// nowhere is the identity of a cluster that no rule names.
func nowhere(namespace string) Identity {
	return Identity{Namespace: namespace, Name: "nowhere", UID: "uid-nowhere"}
}

// identityKeys are the keys by which a Pod shows its identity.
var identityKeys = []string{LabelInstance, LabelWorkload, LabelPodName, LabelClusterUID}

// kin is a Pod without its identity: the keys by which it shows one, and what it shares with the Pods of other clusters.
type kin struct {
	component, team string
	keys            []string
}

// of returns the Pod with an identity.
func (k kin) of(id Identity) pod {
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

// showsBoth reports whether a Pod shows name and UID both. Where the target's UID is not known, one stands for the other.
func (k kin) showsBoth() bool {
	return slices.Contains(k.keys, LabelInstance) && slices.Contains(k.keys, LabelClusterUID)
}

// everyKin returns all Pods without identity.
var everyKin = sync.OnceValue(func() []kin {
	var all []kin
	for _, component := range []string{"mysql", "proxy"} {
		for _, team := range []string{"blue", "red"} {
			for subset := range 1 << len(identityKeys) {
				var keys []string
				for i, key := range identityKeys {
					if subset&(1<<i) != 0 {
						keys = append(keys, key)
					}
				}
				all = append(all, kin{component, team, keys})
			}
		}
	}
	return all
})

// strangers returns Pods of neither cluster: each identity key absent, or with another cluster's value, in each namespace.
var strangers = sync.OnceValue(func() []pod {
	var all []pod
	clusters := []Identity{{Name: "web1", UID: "uid-web1"}, {Name: "batch7", UID: "uid-batch7"}, {Name: "my10"}, {Name: "my1-mysql"}}
	for _, namespace := range []string{sourceNamespace, otherNamespace, thirdNamespace} {
		for _, cluster := range clusters {
			cluster.Namespace = namespace
			if cluster.UID == "" {
				cluster.UID = types.UID("uid-" + cluster.Name)
			}
			for _, k := range everyKin() {
				all = append(all, k.of(cluster))
			}
		}
		all = append(all, pod{namespace: namespace, labels: map[string]string{"team": "blue"}})
	}
	return all
})

// takesPod says whether a term of a Pod in namespace own takes a Pod, by apimachinery's own selectors.
func takesPod(t term, own string, p pod) bool {
	return matches(t.selector, p.labels) && rangesOver(t, own, p.namespace)
}

func rangesOver(t term, own, namespace string) bool {
	if t.implicitNamespace() {
		return namespace == own
	}
	return slices.Contains(t.pods.Namespaces, namespace) ||
		matches(t.pods.NamespaceSelector, map[string]string{LabelNamespace: namespace})
}

func matches(s *metav1.LabelSelector, set map[string]string) bool {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		panic(err) // the generator makes no such selector
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
