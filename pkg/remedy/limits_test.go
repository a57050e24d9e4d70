package remedy

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

func TestBreakerSaysWhenItCloses(t *testing.T) {
	g := NewWithT(t)
	o := stuck()
	componentFollowed(&o)
	o.Recent.All.Outcomes = unschedulableAgain(10)

	g.Expect(Decide(o).RequeueAfter.Seconds()).To(Equal(240.0))
}

func TestHistoryOfAnotherClusterIsEmpty(t *testing.T) {
	g := NewWithT(t)
	history := History{Version: historyVersion, UID: "my1-uid"}.With(key("Restore", "r", uids("r")...), recreateRestore, now).rewritten([]rewrite.Edit{edit("mysql")})
	empty := History{Version: historyVersion, UID: "carrot67-uid"}

	g.Expect(ReadHistory(history.String(), "my1-uid")).To(HaveField("Rewrites", rewrites(1)))
	g.Expect(ReadHistory(history.String(), "carrot67-uid")).To(Equal(empty))
	g.Expect(ReadHistory("{", "carrot67-uid")).To(Equal(empty))
	g.Expect(ReadHistory("", "carrot67-uid")).To(Equal(empty))
}

func TestHistoryIsAValue(t *testing.T) {
	g := NewWithT(t)
	before := History{UID: "u"}.With(key("Restore", "r", uids("a")...), recreateRestore, ago(60)).
		rewritten([]rewrite.Edit{edit("mysql")}).withLostSpread("r", []SharedNode{{Node: "n1"}})
	text := before.String()

	before.With(key("Restore", "r", uids("b")...), recreateRestore, now).rewritten([]rewrite.Edit{edit("mysql")}).withLostSpread("r", nil)

	g.Expect(before.String()).To(Equal(text))
}

func TestHistoryIsRefusedByVersionAndSize(t *testing.T) {
	g := NewWithT(t)
	_, err := ParseHistory(`{"version":2,"uid":"u","attempts":"another form"}`, "u")
	g.Expect(err).To(MatchError(ContainSubstring("another version than 1")))
	_, err = ParseHistory(`{"version":2,"uid":"of-the-source"}`, "u")
	g.Expect(err).NotTo(HaveOccurred(), "it came with a snapshot")
	_, err = ParseHistory(`{"version":1,"uid":"u","x":"`+strings.Repeat("x", maxHistory)+`"}`, "u")
	g.Expect(err).To(MatchError(ContainSubstring("remove it")))
}

func TestHistoryIsCappedAndExpires(t *testing.T) {
	g := NewWithT(t)
	h := History{Version: historyVersion, UID: "u"}
	for i := range int64(500) {
		h.Attempts = append(h.Attempts, Attempt{Key: key("Restore", "r"), Time: ago(500 - i)})
	}
	read, err := ParseHistory(h.String(), "u")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(read.Attempts).To(HaveLen(maxAttempts))
	g.Expect(read.Attempts[0].Time.Equal(new(ago(400)))).To(BeTrue(), "the newest are kept")

	h.Attempts = []Attempt{{Key: key("Restore", "r"), Time: ago(31 * 86_400)}, {Key: key("Restore", "r"), Time: ago(29 * 86_400)}}
	g.Expect(h.With(key("Restore", "s"), "", now).Attempts).To(HaveLen(2))
}
