package controllers_test

import (
	"fmt"
	"strings"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// recording is how a scenario goes when nothing goes wrong.
type recording struct {
	made   []string
	passes []pass
	// end is the end state.
	end string
}

// pass is one reconcile of a recording.
type pass struct {
	// begin is how many calls there were before it, state what it found.
	begin int
	state string
}

// play plays a scenario to its end, with nothing going wrong.
func (s scenario) play() recording {
	GinkgoHelper()
	t := s.setUp()
	defer t.clean()
	var c recording
	t.observe = func() { c.passes = append(c.passes, pass{len(t.calls.made), t.state()}) }
	t.converge()
	t.keeps()
	s.cured(t)
	c.made, c.end = t.calls.made, t.state()
	return c
}

func (s scenario) setUp() *faultRun {
	GinkgoHelper()
	t := newFaultRun(s.generation())
	s.begin(t)
	t.start() // with the configuration of the scenario
	return t
}

// playWith plays a scenario with as many of the faults as one run can have. It expects the run to end as if there had been
// none, and returns those that are left.
func (s scenario) playWith(undisturbed recording, faults []fault) []fault {
	GinkgoHelper()
	t := s.setUp()
	defer t.clean()
	t.calls.undisturbed, t.calls.faults = undisturbed, faults
	t.converge()
	t.keeps()
	Expect(t.calls.struck).NotTo(BeEmpty(), "%s never came", describe(undisturbed, faults[0]))
	Expect(t.state()).To(Equal(undisturbed.end), "after %s", describe(undisturbed, t.calls.struck...))
	s.cured(t)
	return t.calls.faults
}

func describe(undisturbed recording, faults ...fault) string {
	var lines []string
	for _, m := range faults {
		lines = append(lines, fmt.Sprintf("call %d of %d (%s): %s", m.at, len(undisturbed.made), undisturbed.made[m.at-1], m.name))
	}
	return strings.Join(lines, "; ")
}

// survives plays a scenario until each fault came in some run, and returns how many came, and in how many runs.
func (s scenario) survives(undisturbed recording, lists ...[]fault) (came, runs int64) {
	GinkgoHelper()
	inParallel(lists, func(left []fault) {
		for len(left) > 0 {
			before := len(left)
			left = s.playWith(undisturbed, left)
			atomic.AddInt64(&runs, 1)
			atomic.AddInt64(&came, int64(before-len(left)))
		}
	})
	return came, runs
}

// at lists a fault at each of the numbers.
func (f faultKind) at(numbers []int) []fault {
	var list []fault
	for _, number := range numbers {
		list = append(list, fault{number, f})
	}
	return list
}

// upTo returns 1, 2 ... n.
func upTo(n int) []int {
	var numbers []int
	for i := range n {
		numbers = append(numbers, i+1)
	}
	return numbers
}

var _ = Describe("A remediation", Label("harness"), func() {
	DescribeTable("ends in the same state wherever the process dies, and whatever a call is answered", func(s scenario) {
		undisturbed := s.play()
		n, writes := len(undisturbed.made), writesOf(undisturbed.made)
		Expect(writes).NotTo(BeEmpty())

		crashes, runs := s.survives(undisturbed, diesBefore.at(upTo(n)), diesAfter.at(upTo(n)))
		Expect(crashes).To(BeEquivalentTo(2 * n))
		showf("crash points covered", "2 x %d of %d calls, %d of them writes, in %d runs", crashes/2, n, len(writes), runs)

		var everyRefusal [][]fault
		for _, f := range refusals {
			everyRefusal = append(everyRefusal, f.at(upTo(n)))
		}
		faults, runs := s.survives(undisturbed, everyRefusal...)
		kinds := len(refusals)
		Expect(faults).To(BeEquivalentTo(kinds * n))
		showf("fault points covered", "%d x %d of %d calls (409, 422, 429, 500, timeout), in %d runs", kinds, faults/int64(kinds), n, runs)

		late, runs := s.survives(undisturbed, lateTimeout.at(writes))
		Expect(late).To(BeEquivalentTo(len(writes)))
		showf("timeouts of calls that took effect", "%d of %d writes, in %d runs", late, len(writes), runs)
	},
		Entry("of a whole Restore", wholeRestore),
		Entry("of a Restore that has started in part", halfRestore),
		Entry("of a Restore held by its own rules", heldByOwnRules),
		Entry("of a database Pod", databasePod),
	)
})

// showf shows numbers whatever the verbosity.
func showf(name, format string, args ...any) {
	AddReportEntry(name, ReportEntryVisibilityAlways, fmt.Sprintf(format, args...))
}
