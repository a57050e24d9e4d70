package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"os/exec"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/pkg/placement"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// The Pods of a restored cluster, as `rehome explain` calls them.
const (
	restorePods  = "restore Pod"
	databasePods = "database Pod"
)

// explainedCause is why Pods have no node, as `rehome explain` says.
type explainedCause struct {
	Kind  placement.CauseKind
	Class rewrite.Class
}

var (
	// staleRule is the cause that most scenarios are built with.
	staleRule = explainedCause{placement.CauseStaleRule, rewrite.SourceIdentity}
	// cordon is the cause where Pods wait for the nodes of their volumes.
	cordon = explainedCause{Kind: placement.CauseTaints}
)

// expectExplained expects that `rehome explain` names the source, and this cause of all Pods of a kind that have no node.
func (c *restoredCluster) expectExplained(ctx context.Context, kind string, cause explainedCause) {
	GinkgoHelper()
	report := c.explain(ctx)
	Expect(report.Source).To(Equal(c.source))
	var found []explainedCause
	for _, waiting := range report.Waiting {
		if onNodes := len(waiting.Nodes) == 0; waiting.Kind == kind && !onNodes {
			found = append(found, explainedCause{waiting.Cause.Kind, waiting.Cause.Class})
		}
	}
	Expect(found).To(And(Not(BeEmpty()), HaveEach(cause)))
}

// explain runs `rehome explain`, which starts rehome-placement.
func (c *restoredCluster) explain(ctx context.Context) placement.Report {
	GinkgoHelper()
	cmd := exec.CommandContext(ctx, rehomeBinary, "explain", c.name, "-n", c.targetEnv.Namespace, "-o", "json", "--kubeconfig", c.controlPlane.Kubeconfig())
	cmd.Stderr = GinkgoWriter
	out, err := cmd.Output()
	var exit *exec.ExitError
	Expect(errors.As(err, &exit)).To(BeTrue(), "%v: %s", err, out)
	Expect(exit.ExitCode()).To(Equal(1), "%s", out)
	GinkgoWriter.Printf("%s", out)
	var reports placement.Reports
	Expect(json.Unmarshal(out, &reports)).To(Succeed())
	Expect(reports.Unread).To(BeEmpty())
	Expect(reports.Items).To(HaveLen(1))
	return reports.Items[0]
}
