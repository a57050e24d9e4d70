package remedy

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/rehome-operator/rehome/pkg/attempts"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// jobs returns the key of an attempt on Jobs of a Restore.
func jobs(restore string, attempt, count int) attempts.Key {
	k := key("Restore", restore)
	for i := range count {
		k.UIDs = append(k.UIDs, types.UID(fmt.Sprintf("%08x-0000-4000-8000-%012x", attempt, i)))
	}
	return k
}

// read reads a history as the next reconcile does.
func read(g Gomega, h History) History {
	again, err := ParseHistory(h.String(), h.UID)
	g.Expect(err).NotTo(HaveOccurred())
	return again
}

func TestALongHistoryIsRead(t *testing.T) {
	for name, c := range map[string]struct{ restores, jobs int }{
		"of a hundred Restores":      {100, 10},
		"of as many as attempts":     {400, 5},
		"of Restores with many Jobs": {400, 20},
		"of one Restore":             {1, 5},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			h := History{Version: historyVersion, UID: "u"}
			for i := range maxAttempts {
				h = h.With(jobs(fmt.Sprintf("carrot67-shard-%03d-c4731545-preparedata", i%c.restores), i, c.jobs), recreateRestore, now)
			}

			again := read(g, h)

			g.Expect(again.Attempts).To(HaveLen(maxAttempts))
			g.Expect(again.Attempts[maxAttempts-1].Key).To(Equal(h.Attempts[maxAttempts-1].Key))
		})
	}
}

// Without its UIDs, an attempt that was recorded and not made would be counted again. With fewer attempts, a Restore would get more than
// its share.
func TestALongHistoryKeepsWhatIsUnderwayAndHowOftenItWasTried(t *testing.T) {
	g := NewWithT(t)
	const restores = 100
	h := History{Version: historyVersion, UID: "u"}
	var last []attempts.Key
	for i := range 4 * restores {
		last = append(last, jobs(fmt.Sprintf("restore-%03d", i%restores), i, 20))
		h = h.With(last[i], recreateRestore, now)
	}

	h = read(g, h)

	for _, key := range last[3*restores:] {
		g.Expect(h.underway(key)).To(BeTrue(), key.Name)
		g.Expect(h.of(key)).To(HaveLen(4), key.Name)
	}
}

// Where even that is too long, the oldest attempts on objects that were tried again are dropped before any that can be underway.
func TestATooLongHistoryKeepsTheLastAttemptOnEachObject(t *testing.T) {
	g := NewWithT(t)
	h := History{Version: historyVersion, UID: "u"}
	long := strings.Repeat("r", 240)
	first := jobs(long, 0, 5)
	h = h.With(first, recreateRestore, now)
	for i := range 100 {
		h = h.With(jobs(fmt.Sprintf("restore-%03d", i), 1+i, 20), recreateRestore, now)
	}
	again := jobs(long+"-again", 0, 5)
	for i := range 299 {
		again = jobs(long+"-again", 1000+i, 5)
		h = h.With(again, recreateRestore, now)
	}

	h = read(g, h)

	g.Expect(h.underway(first)).To(BeTrue(), "it is the oldest")
	g.Expect(h.underway(again)).To(BeTrue())
	g.Expect(len(h.of(again))).To(And(BeNumerically("<", 299), BeNumerically(">", 100)))
}

func TestLostSpreadIsBounded(t *testing.T) {
	g := NewWithT(t)
	var pods []Pod
	for i := range 100 {
		pods = append(pods, Pod{Node: "n1", Claims: []string{fmt.Sprintf("data-%d", i), fmt.Sprintf("log-%d", i)}})
	}
	shared := Restore{Stale: []rewrite.Edit{edit("mysql")}, Pods: pods}.sharedNodes()
	g.Expect(shared).To(Equal([]SharedNode{{Node: "n1", Pods: 100, Claims: []string{"data-0", "log-0", "data-1", "log-1", "data-2"}, MoreClaims: 195}}))
	g.Expect(describe(shared)).To(Equal("100 of them are on node n1, with the volume claims data-0, log-0, data-1, log-1, data-2 and 195 more"))

	h := History{Version: historyVersion, UID: "u"}
	for i := range 1000 {
		h = h.withLostSpread(fmt.Sprintf("restore-%04d", i), shared)
	}
	g.Expect(len(h.String())).To(And(BeNumerically("<", maxLostSpread+1<<10), BeNumerically(">", maxLostSpread/2)))
	g.Expect(h.LostSpread).To(HaveKey("restore-0000"))
}

// An action whose record the history has no room for would be due in every reconcile.
func TestLostSpreadThatDoesNotFitIsNotRecorded(t *testing.T) {
	g := NewWithT(t)
	o := stuck()
	allStarted(&o)
	o.Restores[0].Pods[1].Node = "n4"
	for i := range 1000 {
		o.History = o.History.withLostSpread(fmt.Sprintf("other-%04d", i), []SharedNode{{Node: "n1", Pods: 2}})
	}

	g.Expect(Decide(o).Actions).To(BeEmpty())
}

func TestRehomeReadsEachHistoryItWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := NewWithT(t)
		h := History{Version: historyVersion, UID: "u"}
		for range rapid.IntRange(1, 2).Draw(t, "writes") {
			name := strings.Repeat("r", rapid.IntRange(1, 240).Draw(t, "length of names"))
			restores, parts := rapid.IntRange(1, 400).Draw(t, "restores"), rapid.IntRange(1, 50).Draw(t, "jobs")
			for i := range rapid.IntRange(1, 400).Draw(t, "attempts") {
				h = h.With(jobs(fmt.Sprint(name, i%restores), i, parts), recreateRestore, now)
			}
			for i := range rapid.IntRange(1, 100).Draw(t, "lost") {
				h = h.withLostSpread(fmt.Sprint(name, i), []SharedNode{{Node: name, Pods: 2, Claims: []string{name, name}}})
			}
			var edits []rewrite.Edit
			for i := range rapid.IntRange(1, 300).Draw(t, "edits") {
				edits = append(edits, rewrite.Edit{Path: fmt.Sprint(name, i)})
			}
			h = h.rewritten(edits)

			again := read(g, h)

			g.Expect(again.Attempts[len(again.Attempts)-1]).To(HaveField("Name", h.Attempts[len(h.Attempts)-1].Name))
			g.Expect(again.LostSpread).To(Equal(h.LostSpread))
			g.Expect(again.Rewrites).To(Equal(h.Rewrites))
			h = again
		}
	})
}
