package admission

import "fmt"

// All text of this package that people read is in this file.
const (
	textRewrote      = "Rehome rewrote %s inherited from %s to %s"
	textWouldRewrite = "Rehome would rewrite %s inherited from %s to %s, but its mode is Observe"
	textHeld         = "Rehome kept %s of %s: the manifest has the rules from before the restore"
	textWouldHold    = "Rehome would keep %s of %s that the manifest replaces by those from before the restore, but its mode is Observe"
	textLater        = "Rehome leaves the rules of %s for later: %s"
	textUnchecked    = "Rehome could not check the rules of %s: %s. If the manifest has those from before the restore, KubeBlocks can restart the database"
	textUnjudged     = "Rehome did not judge the rules of %s: %s"
)

// Why rules are left to the operator.
const (
	textNoName     = "the name is generated after admission"
	textTooLarge   = "the object is too large"
	textBadObject  = "the object cannot be decoded"
	textUnread     = "a Backup that it names cannot be read"
	textClaims     = "volume claims of this name exist already"
	textElsewhere  = "its Backup is in another Namespace, and a volume claim has to show whether the reference to it is kept"
	textStale      = "its Cluster has stale rules, too, and may have to keep them"
	textSerial     = "its volumes are restored one after another"
	textUnselected = "a required rule does not select the Pods that restore its volumes"
	textInvalid    = "a scheduling rule is invalid"
	textUnreadable = "a read from the API server failed, see the log of Rehome"
	textBusy       = "too many requests at once"
	textPanic      = "Rehome failed, see its log"
	textUnapplied  = "the edits do not apply"
)

// rules formats a number of rules.
func rules(n int) string {
	if n == 1 {
		return "1 scheduling rule"
	}
	return fmt.Sprintf("%d scheduling rules", n)
}

// maxWarning is the length at which the API server truncates a warning.
const maxWarning = 256

func warning(format string, args ...any) string {
	text := []rune(fmt.Sprintf(format, args...))
	if len(text) > maxWarning {
		text = append(text[:maxWarning-1], '…')
	}
	return string(text)
}
