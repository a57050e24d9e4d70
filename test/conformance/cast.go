package conformance

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// The namespaces of every scenario. Those of the source and of a target that moved differ in their names only: a rewrite
// cannot know the labels of Namespaces, so a selector of those means the same to both.
const (
	sourceNamespace = "prod"
	movedNamespace  = "restored"
	otherNamespace  = "elsewhere"
)

var namespaceNames = []string{sourceNamespace, movedNamespace, otherNamespace}

const labelTier = "example.com/tier"

func namespaceLabels(name string) map[string]string {
	tier := "data"
	if name == otherNamespace {
		tier = "web"
	}
	return map[string]string{rewrite.LabelNamespace: name, labelTier: tier}
}

func namespaces() []*corev1.Namespace {
	all := make([]*corev1.Namespace, 0, len(namespaceNames))
	for _, name := range namespaceNames {
		all = append(all, &corev1.Namespace{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: namespaceLabels(name)},
		})
	}
	return all
}

// Label keys that the site chose: one identifies clusters, the other does not.
const (
	labelCluster = "example.com/cluster"
	labelTeam    = "example.com/team"
)

func cluster(namespace, name string) rewrite.Identity {
	return rewrite.Identity{Namespace: namespace, Name: name, UID: types.UID("uid-of-" + name)}
}

// source is the cluster that the policy of every scenario was written for.
var source = cluster(sourceNamespace, "my1")

// nowhere is the cluster that no policy names. It lives beside the source, which it stands in for.
var nowhere = cluster(sourceNamespace, "nowhere")

// strangerNames are the names of clusters that are neither source nor target, but look alike.
var strangerNames = []string{"web1", "my10", "my1-mysql"}

// sourceComponents is what the snapshot says of the source's components.
func sourceComponents() []rewrite.Component {
	return []rewrite.Component{
		{Name: "mysql", Templates: []string{"big"}},
		{Name: "proxy"},
		{Name: "shard", Sharding: true},
	}
}

// member is a Pod of a cluster, whichever: all that is left of it without the cluster's identity.
type member struct {
	component string
	template  string
	ordinal   int
	team      string
	node      string
}

// labels returns the labels of the member in one cluster.
func (m member) labels(of rewrite.Identity) map[string]string {
	labels := map[string]string{rewrite.LabelComponentName: m.component, rewrite.LabelManagedBy: "kubeblocks"}
	for _, key := range identityKeys {
		labels[key] = m.identity(of, key)
	}
	if m.team != "" {
		labels[labelTeam] = m.team
	}
	return labels
}

// identityKeys are the keys of the labels that identify clusters.
var identityKeys = []string{
	rewrite.LabelInstance, labelCluster, rewrite.LabelWorkload, rewrite.LabelPodName, rewrite.LabelInstanceName,
	rewrite.LabelStatefulSetPod, rewrite.LabelClusterUID,
}

// identity returns the value of an identifying label of the member in one cluster.
func (m member) identity(of rewrite.Identity, key string) string {
	switch key {
	case rewrite.LabelWorkload:
		return of.Name + "-" + m.component
	case rewrite.LabelPodName, rewrite.LabelInstanceName, rewrite.LabelStatefulSetPod:
		return m.podName(of)
	case rewrite.LabelClusterUID:
		return string(of.UID)
	default:
		return of.Name
	}
}

func (m member) podName(of rewrite.Identity) string {
	name := of.Name + "-" + m.component
	if m.template != "" {
		name += "-" + m.template
	}
	return name + "-" + strconv.Itoa(m.ordinal)
}

// pod returns the member's Pod in one cluster, with a policy of its own.
func (m member) pod(of rewrite.Identity, p policy) *corev1.Pod {
	return newPod(of.Namespace, m.podName(of), m.node, m.labels(of), p)
}

// newPod returns a Pod that the API server accepts, on a node or, where that is empty, on none.
func newPod(namespace, name, node string, labels map[string]string, p policy) *corev1.Pod {
	p = p.deepCopy()
	return &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels},
		Spec: corev1.PodSpec{
			NodeName:                  node,
			Containers:                []corev1.Container{{Name: "main", Image: "main"}},
			Affinity:                  p.Affinity,
			TopologySpreadConstraints: p.TopologySpreadConstraints,
		},
	}
}
