package sources

import (
	"fmt"

	"sigs.k8s.io/json"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Rewritten returns which of a Cluster's rules were rewritten already. The mark of another Cluster, which came with a snapshot, says
// nothing.
func Rewritten(cluster *kubeblocks.Cluster) rewrite.Rewritten {
	return rewrite.ReadMark(cluster.Annotations[v1alpha1.AnnotationRewrittenRules], identityOf(cluster))
}

func identityOf(cluster *kubeblocks.Cluster) rewrite.Identity {
	return rewrite.Identity{Namespace: cluster.Namespace, Name: cluster.Name}
}

// Mark returns the annotation of a Cluster that says which rules were rewritten, before and by these edits, and false where it
// does not fit. Edited is the Cluster in JSON, with the edits applied.
func Mark(cluster *kubeblocks.Cluster, edited []byte, before rewrite.Rewritten, edits []rewrite.Edit) (string, bool, error) {
	after := &kubeblocks.Cluster{}
	if err := json.UnmarshalCaseSensitivePreserveInts(edited, after); err != nil {
		return "", false, fmt.Errorf("decode the rewritten Cluster: %w", err)
	}
	rules := rewrite.RewrittenRules(kubeblocks.ClusterPolicies(cluster), edits, kubeblocks.ClusterPolicies(after))
	mark := rewrite.NewMark(identityOf(cluster), before.And(rules)).String()
	return mark, patch.Fits(cluster, v1alpha1.AnnotationRewrittenRules, mark), nil
}
