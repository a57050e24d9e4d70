package feasibility_test

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime returns the time of a processor that the process took so far: on a busy machine a clock says little.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
