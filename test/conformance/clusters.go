package conformance

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// The namespaces of every scenario. The source's and the moved target's differ only in name: a rewrite does not know the labels of a
// namespace, so a namespaceSelector by other labels must select both or neither.
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

// Label keys that a site chose. labelCluster is one of its identityLabels, labelTeam is not.
const (
	labelCluster = "example.com/cluster"
	labelTeam    = "example.com/team"
)

func identity(namespace, name string) rewrite.Identity {
	return rewrite.Identity{Namespace: namespace, Name: name, UID: types.UID("uid-of-" + name)}
}

var (
	source = identity(sourceNamespace, "my1")
	// unnamed is a cluster that no policy names. It replaces the source in a comparison, so it has the same namespace.
	unnamed = identity(sourceNamespace, "nowhere")
	// strangerNames are names of other clusters, chosen to resemble the source's.
	strangerNames = []string{"web1", "my10", "my1-mysql"}
)

// sourceComponents are the source's components, as in the snapshot.
func sourceComponents() []rewrite.Component {
	return []rewrite.Component{
		{Name: "mysql", Templates: []string{"big"}},
		{Name: "proxy"},
		{Name: "shard", Sharding: true},
	}
}

// member is a Pod without the identity of its cluster, so that it can be created for any cluster.
type member struct {
	component string
	template  string
	ordinal   int
	team      string
	node      string
}

// shard is the component name of one of the source's shards. KubeBlocks generates the suffix.
const shard = "shard-x7k"

var (
	// predictableMembers are Pods whose names follow from the cluster's name.
	predictableMembers = []member{
		{component: "mysql"},
		{component: "mysql", ordinal: 1},
		{component: "proxy"},
		{component: "mysql", template: "big", ordinal: 2},
	}
	allMembers = append(slices.Clone(predictableMembers), member{component: shard})
)

// labels returns the labels of the member in a cluster.
func (m member) labels(of rewrite.Identity) map[string]string {
	labels := map[string]string{rewrite.LabelComponentName: m.component, rewrite.LabelManagedBy: "kubeblocks"}
	for _, key := range identityKeys {
		labels[key] = m.labelValue(of, key)
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

// labelValue returns the value of an identifying label of the member in a cluster.
func (m member) labelValue(of rewrite.Identity, key string) string {
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

func (m member) pod(of rewrite.Identity, p policy) *corev1.Pod {
	return newPod(of.Namespace, m.podName(of), m.node, m.labels(of), p)
}

// newPod returns a Pod that the API server accepts. An empty node leaves it unscheduled.
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
