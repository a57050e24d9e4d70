package main

import (
	"debug/buildinfo"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/prometheus/procfs"

	"github.com/rehome-operator/rehome/test/controlplane/assets"
)

// describeMachine describes the machine and the versions of a run. It omits facts that it cannot read.
func describeMachine(rehome string) string {
	facts := []string{fmt.Sprintf("%d cores", runtime.NumCPU())}
	if proc, err := procfs.NewDefaultFS(); err == nil {
		if cpus, err := proc.CPUInfo(); err == nil && len(cpus) > 0 {
			facts = append(facts, cpus[0].ModelName)
		}
		if load, err := proc.LoadAvg(); err == nil {
			facts = append(facts, fmt.Sprintf("load before %.2f", load.Load1))
		}
	}
	facts = append(facts, runtime.Version())
	if dir, err := assets.Dir(); err == nil {
		facts = append(facts, filepath.Base(dir)) // It names the versions of the control plane's programs.
	}
	if info, err := buildinfo.ReadFile(rehome); err == nil {
		facts = append(facts, "Rehome "+info.Main.Version)
	}
	return strings.Join(facts, ", ")
}
