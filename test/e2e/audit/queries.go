package audit

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"

	"k8s.io/apimachinery/pkg/types"
)

// Jobs returns all Jobs that ever had this name.
func (l Log) Jobs(namespace, name string) []Job {
	var jobs []Job
	for _, job := range l.history().jobs {
		if job.Namespace == namespace && job.Name == name {
			jobs = append(jobs, job)
		}
	}
	return jobs
}

// JobsOf returns all Jobs that Restores of this name ever had.
func (l Log) JobsOf(namespace, restore string) []Job {
	var jobs []Job
	for _, job := range l.history().jobs {
		if job.Namespace == namespace && job.Restore == restore {
			jobs = append(jobs, job)
		}
	}
	return jobs
}

// PodsOf returns all Pods that a Job ever had.
func (l Log) PodsOf(job types.UID) []Pod {
	var pods []Pod
	for _, pod := range l.history().pods {
		if pod.JobUID == job {
			pods = append(pods, *pod)
		}
	}
	return pods
}

// CountWrites returns a function that counts the requests of Rehome that the log at path has had since. It reads only what was added
// and parses nothing, so that a caller can poll it every few milliseconds.
func CountWrites(path string) (func() (int, error), error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return func() (int, error) {
		file, err := os.Open(path)
		if err != nil {
			return 0, fmt.Errorf("read the audit log: %w", err)
		}
		defer func() { _ = file.Close() }()
		added, err := io.ReadAll(io.NewSectionReader(file, info.Size(), math.MaxInt64-info.Size()))
		return bytes.Count(added, []byte(`"userAgent":"`+rehome)), err
	}, nil
}

func (l Log) history() *history {
	var h history
	for _, event := range l {
		h.add(event)
	}
	return &h
}
