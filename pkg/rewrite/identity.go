package rewrite

import "k8s.io/apimachinery/pkg/types"

// Label keys that identify the cluster of a Pod.
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
	// LabelNamespace holds the name of a Namespace.
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

// Identity identifies a cluster.
type Identity struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// UID is empty where it is not known: a snapshot does not hold it, and a new cluster has none.
	UID types.UID `json:"uid,omitempty"`
}

// Component is one component of a cluster, or one sharding, whose components have generated names.
type Component struct {
	Name     string
	Sharding bool
	// Templates are the names of its instance templates, which are part of its Pods' names.
	Templates []string
	// Labels are the owner's labels of its Pods: one set for each instance template and one for the rest. A restored cluster
	// has the same.
	Labels []map[string]string
}

// Source is a cluster whose rules were inherited, as its Backup's snapshot describes it.
type Source struct {
	Identity
	// Backup is the Backup that holds the snapshot, as "namespace/name"; empty for a bare snapshot.
	Backup string
	// Origins are the Backups that the source was itself restored from, as "namespace/name", as far as the snapshot shows them.
	Origins    []string
	Components []Component
	Policies   []Policy
	// InTree is KubeBlocks' own rewrite, which can precede this one; nil where there is none.
	InTree InTree
	// Private says that the owner of the target may not read the snapshot. What InTree overwrote in it is neither shown nor put back.
	Private bool
}

// sameCluster reports whether two identities have the same name and namespace. A re-created cluster keeps both.
func sameCluster(a, b Identity) bool { return a.Name == b.Name && a.Namespace == b.Namespace }
