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

// machine says where a run takes place, and of what: nobody can read figures without. What cannot be found out is left out.
func machine(rehome string) string {
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
		facts = append(facts, filepath.Base(dir)) // names the versions of all that is in it
	}
	if info, err := buildinfo.ReadFile(rehome); err == nil {
		facts = append(facts, "Rehome "+info.Main.Version)
	}
	return strings.Join(facts, ", ")
}
