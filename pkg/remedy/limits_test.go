package remedy

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

func TestBreakerSaysWhenItCloses(t *testing.T) {
	g := NewWithT(t)
	o := stuck()
	componentFollowed(&o)
	o.Recent.Outcomes = unschedulableAgain(10, 60)

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
