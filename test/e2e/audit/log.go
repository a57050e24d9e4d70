package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Log is what was asked of the API server, in the order in which it answered.
type Log []Event

// Event is a request that ended, as far as anybody here looks at it.
type Event struct {
	UserAgent string         `json:"userAgent"`
	Verb      string         `json:"verb"`
	Object    Reference      `json:"objectRef"`
	Response  ResponseStatus `json:"responseStatus"`
	// Came and Ended are when the request arrived and when it was answered.
	Came  metav1.MicroTime `json:"requestReceivedTimestamp"`
	Ended metav1.MicroTime `json:"stageTimestamp"`
	// Answered is the object in the response.
	Answered Object `json:"responseObject"`
}

// Reference says what a request was about. A creation with a generated name has none.
type Reference struct {
	Resource    string `json:"resource"`
	Subresource string `json:"subresource"`
	Namespace   string `json:"namespace"`
	Name        string `json:"name"`
}

// ResponseStatus says how a request ended.
type ResponseStatus struct {
	Code int `json:"code"`
}

// Object is what Pods, Jobs and Statuses have that matters here.
type Object struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		NodeName string `json:"nodeName"`
	} `json:"spec"`
	// Details are those of a Status, the answer to a deletion that was done at once.
	Details struct {
		UID types.UID `json:"uid"`
	} `json:"details"`
}

// Read reads the log of a control plane. The API server may still be writing it: a last line without its end is left out.
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

// Succeeded says whether the request changed anything.
func (e Event) Succeeded() bool { return e.Response.Code >= 200 && e.Response.Code < 300 }

// uid is that of the object which a deletion hit.
func (e Event) uid() types.UID {
	if e.Answered.Details.UID != "" {
		return e.Answered.Details.UID
	}
	return e.Answered.Metadata.UID
}

func (r Reference) String() string {
	kind := r.Resource
	if r.Subresource != "" {
		kind += "/" + r.Subresource
	}
	return fmt.Sprintf("%s %s/%s", kind, r.Namespace, r.Name)
}
