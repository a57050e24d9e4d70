package audit

import (
	"fmt"
	"net/http"
	"strings"
)

// rehome is how the user agent of Rehome begins: with the name of its binary.
const rehome = "rehome/"

// Deletions is what Check found.
type Deletions struct {
	// Checked is the number of Rehome's deletions, Refused that of the attempts which the API server refused.
	Checked, Refused int
	// Violations tells of each deletion of something that had started or may never be deleted.
	Violations []string
}

// Check replays a log, and looks at every deletion by Rehome.
func Check(log Log) Deletions {
	var found Deletions
	var before history
	for _, event := range log {
		before.add(event)
		if !isDeletion(event) || !ByRehome(event) {
			continue
		}
		if !event.Succeeded() {
			found.Refused++
			continue
		}
		found.Checked++
		if violation := before.judge(event); violation != "" {
			found.Violations = append(found.Violations, fmt.Sprintf("%s %s: %s", event.Verb, event.Object, violation))
		}
	}
	return found
}

// Forbidden lists what Rehome asked for and had no right to.
func (l Log) Forbidden() []string {
	var refused []string
	for _, event := range l {
		if ByRehome(event) && event.Response.Code == http.StatusForbidden {
			refused = append(refused, event.Verb+" "+event.Object.String())
		}
	}
	return refused
}

// ByRehome says whether the request is one of Rehome's.
func ByRehome(event Event) bool { return strings.HasPrefix(event.UserAgent, rehome) }

func isDeletion(event Event) bool { return strings.HasPrefix(event.Verb, "delete") }

// judge says what is wrong with a deletion, or returns an empty string.
func (h *history) judge(event Event) string {
	if event.Verb != "delete" {
		return "deletes what nobody looked at"
	}
	uid := event.uid()
	if uid == "" {
		return "the log does not tell the UID"
	}
	switch event.Object.Resource {
	case "pods":
		return judgePod(h.pod(uid), event)
	case "jobs":
		return started(h.boundPod(func(pod *Pod) bool { return pod.JobUID == uid }), event)
	case "restores":
		return started(h.boundPod(ofRestore(event.Object.Namespace, event.Object.Name, uid)), event)
	default:
		return "Rehome has no business deleting this"
	}
}

func judgePod(pod *Pod, event Event) string {
	switch {
	case pod == nil:
		return "the log does not tell of its creation"
	case pod.Restore != "":
		return "it is a Pod of Restore " + pod.Restore
	case pod.Bound:
		return started(pod, event)
	default:
		return ""
	}
}

// started tells of a Pod that was bound before the answer to a deletion. That this was after the deletion had come in makes it
// no better: its containers may have run all the same. But it tells where to look.
func started(pod *Pod, event Event) string {
	if pod == nil {
		return ""
	}
	text := "Pod " + pod.Name + " had been bound to a node"
	if late := pod.BoundAt.Sub(event.Came.Time); late > 0 {
		text += fmt.Sprintf(", %s after the request to delete had come in", late)
	}
	return text
}
