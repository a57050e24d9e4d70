package progress

import (
	"fmt"
	"runtime"
	"slices"
	"time"
)

// Estimate is a step to come and how long it takes on two idle cores.
type Estimate struct {
	Name     string
	Duration time.Duration
}

// estimates are the steps to come.
type estimates []Estimate

// Expect adds steps to come. From then on, the line of such a step also shows how long all of them take.
func (r *Reporter) Expect(steps ...Estimate) { r.estimates = append(r.estimates, steps...) }

// Left returns how long all steps to come take, such as "about 12 min", or an empty string where there are none.
func (r *Reporter) Left() string { return r.left("", 0) }

// leftAfter returns the end of the line of a step that has run for some time. It is empty for a step that was not expected.
func (e estimates) leftAfter(name string, elapsed time.Duration) string {
	if !slices.ContainsFunc(e, func(step Estimate) bool { return step.Name == name }) {
		return ""
	}
	return ", " + e.left(name, elapsed) + " left"
}

func (e estimates) left(name string, elapsed time.Duration) string {
	if len(e) == 0 {
		return ""
	}
	var left time.Duration
	for _, step := range e {
		duration := onCores(step.Duration, runtime.NumCPU())
		if step.Name == name {
			duration = max(0, duration-elapsed)
		}
		left += duration
	}
	if left < time.Minute {
		return "less than a minute"
	}
	return fmt.Sprintf("about %d min", (left+time.Minute-1)/time.Minute)
}

// onCores scales an estimate. Beyond eight cores a build hardly becomes faster, because the linker uses one.
func onCores(duration time.Duration, cores int) time.Duration {
	return duration * 2 / time.Duration(min(max(1, cores), 8))
}

// done removes a step.
func (e *estimates) done(name string) {
	*e = slices.DeleteFunc(*e, func(step Estimate) bool { return step.Name == name })
}
