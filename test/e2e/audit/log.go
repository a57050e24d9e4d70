package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Log is the requests to the API server, in the order of its answers.
type Log []Event

// Event is an answered request, with the fields that this package reads.
type Event struct {
	UserAgent string         `json:"userAgent"`
	Verb      string         `json:"verb"`
	Object    Reference      `json:"objectRef"`
	Response  ResponseStatus `json:"responseStatus"`
	// Received and Completed are the times of the request and of its answer.
	Received       metav1.MicroTime `json:"requestReceivedTimestamp"`
	Completed      metav1.MicroTime `json:"stageTimestamp"`
	ResponseObject Object           `json:"responseObject"`
}

// Reference is the object of a request. The name is empty for a creation with a generated name.
type Reference struct {
	Resource    string `json:"resource"`
	Subresource string `json:"subresource"`
	Namespace   string `json:"namespace"`
	Name        string `json:"name"`
}

// ResponseStatus is the HTTP status of the answer.
type ResponseStatus struct {
	Code int `json:"code"`
}

// Object holds the fields of Pods, Jobs and Statuses that this package reads.
type Object struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		NodeName string `json:"nodeName"`
	} `json:"spec"`
	// Details belong to a Status, the answer to a deletion without finalizers.
	Details struct {
		UID types.UID `json:"uid"`
	} `json:"details"`
}

// Read reads the log of a control plane. It ignores an incomplete last line, which the API server is still writing.
func Read(path string) (Log, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return Parse(content)
}

// Parse reads the lines of a log.
func Parse(content []byte) (Log, error) {
	content = content[:bytes.LastIndexByte(content, '\n')+1]
	var log Log
	for line := range bytes.Lines(content) {
		var event Event
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, fmt.Errorf("read line %d of the audit log: %w", len(log)+1, err)
		}
		log = append(log, event)
	}
	return log, nil
}

// Succeeded reports whether the request succeeded.
func (e Event) Succeeded() bool { return e.Response.Code >= 200 && e.Response.Code < 300 }

// uid returns the UID of a deleted object.
func (e Event) uid() types.UID {
	if e.ResponseObject.Details.UID != "" {
		return e.ResponseObject.Details.UID
	}
	return e.ResponseObject.Metadata.UID
}

func (r Reference) String() string {
	kind := r.Resource
	if r.Subresource != "" {
		kind += "/" + r.Subresource
	}
	return fmt.Sprintf("%s %s/%s", kind, r.Namespace, r.Name)
}
