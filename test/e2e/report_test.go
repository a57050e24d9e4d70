package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"

	"github.com/rehome-operator/rehome/test/controlplane"
)

// logTail is the number of lines that a report quotes from each log.
const logTail = 20

// report adds to the report of a failed spec: the state of the objects, the last lines of KubeBlocks' logs, and the folder of all logs.
func (e *testEnv) report(ctx context.Context) {
	if e.fixture != nil {
		var objects bytes.Buffer
		if err := e.fixture.Describe(ctx, &objects); err != nil {
			fmt.Fprintln(&objects, err)
		}
		AddReportEntry("Objects", objects.String(), ReportEntryVisibilityFailureOrVerbose)
	}
	if e.kubeBlocks != nil {
		reportLog(e.kubeBlocks.Manager)
		reportLog(e.kubeBlocks.DataProtection)
	}
	if e.controlPlane != nil {
		AddReportEntry("All logs are in "+e.controlPlane.LogDir(), ReportEntryVisibilityFailureOrVerbose)
	}
}

func reportLog(p *controlplane.Process) {
	content, err := os.ReadFile(p.Log())
	if err != nil {
		content = []byte(err.Error())
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	last := lines[max(0, len(lines)-logTail):]
	AddReportEntry("The end of "+p.Log(), strings.Join(last, "\n"), ReportEntryVisibilityFailureOrVerbose)
}
