package audit

import (
	"bytes"
	"fmt"
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

// Writes counts Rehome's requests in the log of a control plane, without reading them: whoever waits for the next one has no
// time to lose.
func Writes(path string) (int, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("read the audit log: %w", err)
	}
	return bytes.Count(content, []byte(`"userAgent":"`+rehome)), nil
}

func (l Log) history() *history {
	var h history
	for _, event := range l {
		h.add(event)
	}
	return &h
}
