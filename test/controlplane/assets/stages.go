package assets

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Stages is the file in the cache folder with the usual stages of kwok: what its Nodes and Pods do. kwok has none without configuration.
// It is written last, so if it exists, the folder is complete.
const Stages = "kwok-stages.yaml"

// stageFiles are the stages in the module of kwok. Nodes renew leases, so they need few heartbeats.
var stageFiles = []string{"node/fast/node-*.yaml", "node/heartbeat-with-lease/node-*.yaml", "pod/fast/pod-*.yaml"}

// writeStages writes Stages unless it exists.
func (p pins) writeStages(ctx context.Context) error {
	output := filepath.Join(p.dir(), Stages)
	if _, err := os.Stat(output); err == nil {
		return nil
	}
	stages, err := p.stages(ctx)
	if err != nil {
		return fmt.Errorf("reading the stages of kwok %s: %w", p.kwok, err)
	}
	partial := output + ".partial"
	if err := os.WriteFile(partial, stages, 0o644); err != nil {
		return err
	}
	return os.Rename(partial, output)
}

// stages returns the YAML documents of stageFiles.
func (p pins) stages(ctx context.Context) ([]byte, error) {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", kwokModule)
	list.Dir = p.moduleDir("kwok")
	list.Env = append(os.Environ(), "GOWORK=off")
	module, err := list.Output()
	if err != nil {
		return nil, err
	}
	var documents [][]byte
	for _, pattern := range stageFiles {
		files, err := filepath.Glob(filepath.Join(string(bytes.TrimSpace(module)), "kustomize/stage", pattern))
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("no file is like %s", pattern)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			documents = append(documents, content)
		}
	}
	return bytes.Join(documents, []byte("---\n")), nil
}
