package assets

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// PodStages is the file in the cache folder with kwok's built-in Pod stages, which kwok drops if its configuration has a Pod stage.
// It is written last, so if it exists, the folder is complete.
const PodStages = "kwok-pod-stages.yaml"

// writePodStages writes PodStages unless it exists.
func (p pins) writePodStages(ctx context.Context) error {
	output := filepath.Join(p.dir(), PodStages)
	if _, err := os.Stat(output); err == nil {
		return nil
	}
	stages, err := p.podStages(ctx)
	if err != nil {
		return fmt.Errorf("reading the Pod stages of kwok %s: %w", p.kwok, err)
	}
	partial := output + ".partial"
	if err := os.WriteFile(partial, stages, 0o644); err != nil {
		return err
	}
	return os.Rename(partial, output)
}

// podStages returns the YAML documents that kwok embeds.
func (p pins) podStages(ctx context.Context) ([]byte, error) {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", kwokModule)
	list.Dir = p.moduleDir("kwok")
	list.Env = append(os.Environ(), "GOWORK=off")
	module, err := list.Output()
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(string(bytes.TrimSpace(module)), "kustomize/stage/pod/fast/pod-*.yaml"))
	if err != nil {
		return nil, err
	}
	var documents [][]byte
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		documents = append(documents, content)
	}
	return bytes.Join(documents, []byte("---\n")), nil
}
