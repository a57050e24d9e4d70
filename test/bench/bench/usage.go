package bench

import (
	"context"
	"fmt"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/procfs"
)

// Usage is what a program took so far.
type Usage struct {
	// CPU is user and system time, in seconds.
	CPU float64
	// RSS is the memory resident now, PeakRSS the most there ever was, in bytes.
	RSS, PeakRSS uint64
}

// Usage reads what the program took so far.
func (p *Program) Usage() (Usage, error) { return UsageOf(p.cmd.Process.Pid) }

// UsageOf reads what a process took so far.
func UsageOf(pid int) (Usage, error) {
	process, err := procfs.NewProc(pid)
	if err != nil {
		return Usage{}, fmt.Errorf("find the process: %w", err)
	}
	stat, err := process.Stat()
	if err != nil {
		return Usage{}, fmt.Errorf("read the CPU time of the process: %w", err)
	}
	status, err := process.NewStatus()
	if err != nil {
		return Usage{}, fmt.Errorf("read the memory of the process: %w", err)
	}
	return Usage{CPU: stat.CPUTime(), RSS: status.VmRSS, PeakRSS: status.VmHWM}, nil
}

// Requests returns how many requests the program sent to the API server so far, by HTTP method. A watch is one.
func (p *Program) Requests(ctx context.Context) (map[string]float64, error) {
	response, err := get(ctx, "http://"+p.metrics+"/metrics")
	if err != nil {
		return nil, fmt.Errorf("get the metrics: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read the metrics: %w", err)
	}
	requests := map[string]float64{}
	for _, metric := range families["rest_client_requests_total"].GetMetric() {
		for _, label := range metric.GetLabel() {
			if label.GetName() == "method" {
				requests[label.GetValue()] += metric.GetCounter().GetValue()
			}
		}
	}
	return requests, nil
}
