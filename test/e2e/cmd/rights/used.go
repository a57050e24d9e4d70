package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

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

// used runs the suite with all rights, and returns those that its requests need. It fails if a test fails, because that would fail without
// any right.
func (s *suite) used(ctx context.Context) (map[string]bool, error) {
	dir, err := os.MkdirTemp("", "rehome-rights-audit-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.WriteFile(filepath.Join(dir, rehometesting.AuditPolicy), []byte(policy), 0o600); err != nil {
		return nil, err
	}
	failure, err := s.failure(ctx, rehometesting.AuditVariable, dir)
	if err != nil {
		return nil, err
	}
	if failure != "" {
		return nil, fmt.Errorf("the suite %s fails with all rights: %s", s.name, failure)
	}
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		return nil, err
	}
	if s.audited && len(logs) == 0 {
		return nil, fmt.Errorf("the suite %s wrote no audit log", s.name)
	}
	used := map[string]bool{}
	for _, log := range logs {
		content, err := os.ReadFile(log)
		if err != nil {
			return nil, err
		}
		if err := addUsed(used, content); err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
	}
	return used, nil
}

// addUsed adds the rights that the requests of an audit log need.
func addUsed(used map[string]bool, log []byte) error {
	for line := range bytes.Lines(log) {
		var event struct {
			Verb   string `json:"verb"`
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
		used[rehometesting.Right{Verb: event.Verb, Group: event.Object.Group, Resource: resource}.String()] = true
	}
	return nil
}
