package rewrite

import "k8s.io/apimachinery/pkg/types"

// Label keys by which Pods show which cluster they belong to.
const (
	// LabelInstance holds the cluster's name.
	LabelInstance = "app.kubernetes.io/instance"
	// LabelWorkload holds the name of the component's workload: cluster-component.
	LabelWorkload = "workloads.kubeblocks.io/instance"
	// LabelPodName, LabelInstanceName and LabelStatefulSetPod hold the Pod's name: cluster-component-ordinal or
	// cluster-component-template-ordinal.
	LabelPodName        = "apps.kubeblocks.io/pod-name"
	LabelInstanceName   = "apps.kubeblocks.io/instance-name"
	LabelStatefulSetPod = "statefulset.kubernetes.io/pod-name"
	// LabelClusterUID holds the cluster's UID.
	LabelClusterUID = "apps.kubeblocks.io/cluster-uid"
	// LabelNamespace holds, on Namespaces, their name.
	LabelNamespace = "kubernetes.io/metadata.name"
)

// Label keys that Pods of different clusters share.
const (
	// LabelComponentName holds the name of the component; of a shard, that is the sharding's name and a random suffix.
	LabelComponentName = "apps.kubeblocks.io/component-name"
	// LabelShardingName holds the name of the sharding.
	LabelShardingName = "apps.kubeblocks.io/sharding-name"
	// LabelManagedBy is the same on all database Pods.
	LabelManagedBy = "app.kubernetes.io/managed-by"
)

// Identity is what tells one cluster from another.
type Identity struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// UID is empty where it is not known: a snapshot does not hold it, and a cluster yet to be created has none.
	UID types.UID `json:"uid,omitempty"`
}

// Component is one component of a cluster, or one sharding, whose components have generated names.
type Component struct {
	Name     string
	Sharding bool
	// Templates are the names of its instance templates, which are a part of its Pods' names.
	Templates []string
	// Labels are the sets of labels that the owner gave to its Pods, one for each instance template and one for the rest.
	// They are copied into a restored cluster.
	Labels []map[string]string
}

// Source is a cluster whose rules were inherited: its identity and components, and the policies its Backup's snapshot
// holds.
type Source struct {
	Identity
	// Backup is the Backup that holds the snapshot, as "namespace/name"; empty for a bare snapshot.
	Backup     string
	Components []Component
	Policies   []Policy
}

// sameCluster reports whether two identities are of one cluster, or of one that took the other's place.
func sameCluster(a, b Identity) bool { return a.Name == b.Name && a.Namespace == b.Namespace }
