package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// expectOwnRules expects that the rules of the Cluster name it as often as the snapshot names the source, and that neither they nor the
// rules of a Restore name the source. Otherwise a Cluster that lost its rules would pass.
func (c *restoredCluster) expectOwnRules(ctx context.Context) {
	GinkgoHelper()
	snapshot, err := c.fixture.Snapshot(ctx, c.backup)
	Expect(err).NotTo(HaveOccurred())
	cluster, err := c.targetEnv.Cluster(ctx, c.name)
	Expect(err).NotTo(HaveOccurred())
	inherited := countNames(snapshot.Object["spec"], c.source)
	Expect(inherited).NotTo(BeZero())
	Expect(countNames(cluster.Object["spec"], c.name)).To(Equal(inherited), "rules of Cluster "+c.name)
	Expect(countNames(cluster.Object["spec"], c.source)).To(BeZero(), "stale rules of Cluster "+c.name)

	restores, err := c.targetEnv.Restores(ctx, c.name)
	Expect(err).NotTo(HaveOccurred())
	Expect(restores).NotTo(BeEmpty())
	for i := range restores {
		Expect(countNames(restores[i].Object["spec"], c.source)).To(BeZero(), "stale rules of Restore "+restores[i].GetName())
	}
}

// countNames counts the selectors that name a cluster.
func countNames(spec any, cluster string) int {
	GinkgoHelper()
	data, err := json.Marshal(spec)
	Expect(err).NotTo(HaveOccurred())
	return strings.Count(string(data), fmt.Sprintf("%q:%q", kubeblocks.LabelInstance, cluster))
}
