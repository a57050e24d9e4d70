package audit

import (
	"fmt"
	"net/http"
	"strings"
)

// rehome is the prefix of Rehome's user agent: the name of its binary.
const rehome = "rehome/"

// Deletions is the result of Check.
type Deletions struct {
	// Checked counts the deletions by Rehome, Refused those that the API server refused.
	Checked, Refused int
	// Violations describes each deletion of an object that had started or that Rehome must never delete.
	Violations []string
}

// Check replays a log and checks every deletion by Rehome.
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

// Forbidden lists Rehome's requests that were answered with 403.
func (l Log) Forbidden() []string {
	var refused []string
	for _, event := range l {
		if ByRehome(event) && event.Response.Code == http.StatusForbidden {
			refused = append(refused, event.Verb+" "+event.Object.String())
		}
	}
	return refused
}

// ByRehome reports whether Rehome sent the request.
func ByRehome(event Event) bool { return strings.HasPrefix(event.UserAgent, rehome) }

func isDeletion(event Event) bool { return strings.HasPrefix(event.Verb, "delete") }

// judge describes what is wrong with a deletion, or returns an empty string.
func (h *history) judge(event Event) string {
	if event.Verb != "delete" {
		return "deletes objects that Rehome did not read"
	}
	uid := event.uid()
	if uid == "" {
		return "the log has no UID"
	}
	switch event.Object.Resource {
	case "pods":
		return judgePod(h.pod(uid), event)
	case "jobs":
		return started(h.boundPod(func(pod *Pod) bool { return pod.JobUID == uid }), event)
	case "restores":
		return started(h.boundPod(ofRestore(event.Object.Namespace, event.Object.Name, uid)), event)
	default:
		return "Rehome must not delete this kind"
	}
}

func judgePod(pod *Pod, event Event) string {
	switch {
	case pod == nil:
		return "the log has no creation of it"
	case pod.Restore != "":
		return "it is a Pod of Restore " + pod.Restore
	case pod.Bound:
		return started(pod, event)
	default:
		return ""
	}
}

// started describes a Pod that was bound before the deletion was answered. A binding after the request to delete came in is a violation
// too, because the containers may have run; the description then says so.
func started(pod *Pod, event Event) string {
	if pod == nil {
		return ""
	}
	text := "Pod " + pod.Name + " had been bound to a node"
	if late := pod.BoundAt.Sub(event.Received.Time); late > 0 {
		text += fmt.Sprintf(", %s after the request to delete came in", late)
	}
	return text
}
