package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/onsi/ginkgo/v2/types"

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// policy logs no body. Administrators need no right.
const policy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  userGroups: ["system:masters"]
- level: Metadata
`

// used runs the suite with all rights. It returns those that the requests of an audited suite need, and the specs during which each was
// needed.
func (s *suite) used(ctx context.Context) (map[string][]string, error) {
	if !s.audited {
		return nil, s.pass(ctx, rehometesting.WithoutVariable, "")
	}
	dir, err := os.MkdirTemp("", "rehome-rights-audit-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.WriteFile(filepath.Join(dir, rehometesting.AuditPolicy), []byte(policy), 0o600); err != nil {
		return nil, err
	}
	report := filepath.Join(dir, "report.json")
	if err := s.pass(ctx, rehometesting.AuditVariable, dir, "-ginkgo.json-report="+report); err != nil {
		return nil, err
	}
	specs, err := readSpecs(report)
	if err != nil {
		return nil, fmt.Errorf("read the report of the suite %s: %w", s.name, err)
	}
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		return nil, err
	}
	if len(logs) == 0 {
		return nil, fmt.Errorf("the suite %s wrote no audit log", s.name)
	}
	used := map[string][]string{}
	for _, log := range logs {
		content, err := os.ReadFile(log)
		if err != nil {
			return nil, err
		}
		if err := addUsed(used, content, specs); err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
	}
	return used, nil
}

func readSpecs(file string) (types.SpecReports, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var reports []types.Report
	if err := json.Unmarshal(content, &reports); err != nil {
		return nil, err
	}
	var specs types.SpecReports
	for _, report := range reports {
		specs = append(specs, report.SpecReports.WithLeafNodeType(types.NodeTypeIt)...)
	}
	return specs, nil
}

// addUsed adds the rights that the requests of an audit log need, with the spec that ran meanwhile.
func addUsed(used map[string][]string, log []byte, specs types.SpecReports) error {
	for line := range bytes.Lines(log) {
		var event struct {
			Verb   string    `json:"verb"`
			Time   time.Time `json:"requestReceivedTimestamp"`
			Object *struct {
				Group       string `json:"apiGroup"`
				Resource    string `json:"resource"`
				Subresource string `json:"subresource"`
			} `json:"objectRef"`
		}
		if err := json.Unmarshal(line, &event); err != nil {
			return err
		}
		if event.Object == nil {
			continue
		}
		resource := event.Object.Resource
		if event.Object.Subresource != "" {
			resource += "/" + event.Object.Subresource
		}
		right := rehometesting.Right{Verb: event.Verb, Group: event.Object.Group, Resource: resource}.String()
		names := used[right]
		during := func(spec types.SpecReport) bool {
			return !event.Time.Before(spec.StartTime) && !event.Time.After(spec.EndTime)
		}
		if i := slices.IndexFunc(specs, during); i >= 0 && !slices.Contains(names, specs[i].FullText()) {
			names = append(names, specs[i].FullText())
		}
		used[right] = names // also without a spec
	}
	return nil
}
