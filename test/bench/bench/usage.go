package bench

import (
	"context"
	"fmt"
	"net/http"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/procfs"
)

// Usage is what a process used since its start.
type Usage struct {
	// CPU is user and system time, in seconds.
	CPU float64
	// RSS is the resident memory now, PeakRSS its maximum, in bytes.
	RSS, PeakRSS uint64
}

// Usage returns what the program used since its start.
func (p *Program) Usage() (Usage, error) { return UsageOf(p.PID()) }

// UsageOf returns what a process used since its start.
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

// Requests counts the program's requests to the API server by HTTP method. A watch counts once.
func (p *Program) Requests(ctx context.Context) (map[string]float64, error) {
	families, err := p.families(ctx)
	if err != nil {
		return nil, err
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

// Reconciles counts the program's reconciles, and those that took longer than a bound of the histogram, in seconds.
func (p *Program) Reconciles(ctx context.Context, bound float64) (all, longer float64, err error) {
	families, err := p.families(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, metric := range families["controller_runtime_reconcile_time_seconds"].GetMetric() {
		count := metric.GetHistogram().GetSampleCount()
		all += float64(count)
		for _, bucket := range metric.GetHistogram().GetBucket() {
			if bucket.GetUpperBound() == bound {
				longer += float64(count - bucket.GetCumulativeCount())
			}
		}
	}
	return all, longer, nil
}

// families returns the program's metrics by name.
func (p *Program) families(ctx context.Context) (map[string]*dto.MetricFamily, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.metrics+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("get the metrics: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read the metrics: %w", err)
	}
	return families, nil
}
