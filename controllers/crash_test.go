package controllers_test

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// course is how a scenario went.
type course struct {
	// made are the calls of the first process.
	made []string
	// end is the end state.
	end string
}

// mishap is a call that goes wrong.
type mishap struct {
	at int
	fault
}

// play plays a scenario to its end, with one call going wrong.
func (s scenario) play(m mishap) course {
	GinkgoHelper()
	t := newTrial(s.generation())
	defer t.clean()
	s.begin(t)
	first := t.calls
	first.at, first.fault = m.at, m.fault
	t.converge()
	t.keeps()
	s.cured(t)
	return course{first.made, t.endState()}
}

// survives plays a scenario once for each mishap, and expects of each that it ends as when nothing goes wrong.
func (s scenario) survives(undisturbed course, mishaps []mishap) {
	GinkgoHelper()
	inParallel(mishaps, func(m mishap) {
		went := s.play(m)
		call := undisturbed.made[m.at-1]
		Expect(went.made[:m.at]).To(Equal(undisturbed.made[:m.at]), "the calls up to the one that goes wrong")
		Expect(went.end).To(Equal(undisturbed.end), "call %d of %d, %s: %s", m.at, len(undisturbed.made), call, m.name)
	})
}

// everywhere lists a mishap for each of the calls and each of the faults.
func everywhere(calls int, faults ...fault) []mishap {
	var list []mishap
	for _, f := range faults {
		for at := 1; at <= calls; at++ {
			list = append(list, mishap{at, f})
		}
	}
	return list
}

var _ = Describe("A remediation", Label("harness"), func() {
	DescribeTable("ends in the same state wherever the process dies, and whatever a call is answered", func(s scenario) {
		undisturbed := s.play(mishap{})
		n := len(undisturbed.made)
		writes := writesOf(undisturbed.made)
		Expect(writes).NotTo(BeEmpty())

		crashes := everywhere(n, diesBefore, diesAfter)
		s.survives(undisturbed, crashes)
		AddReportEntry("crash points covered", ReportEntryVisibilityAlways,
			fmt.Sprintf("%d x %d of %d calls, %d of them writes", len(crashes)/n, n, n, len(writes)))

		faults := everywhere(n, refusals...)
		s.survives(undisturbed, faults)
		AddReportEntry("fault points covered", ReportEntryVisibilityAlways,
			fmt.Sprintf("%d x %d of %d calls: 409, 422, 429, 500, timeout", len(faults)/n, n, n))

		var late []mishap
		for _, at := range writes {
			late = append(late, mishap{at, lateTimeout})
		}
		s.survives(undisturbed, late)
		AddReportEntry("late timeouts covered", ReportEntryVisibilityAlways,
			fmt.Sprintf("%d of %d writes", len(late), len(writes)))
	},
		Entry("of a whole Restore", wholeRestore),
		Entry("of a Restore that has started in part", halfRestore),
		Entry("of a Restore held by its own rules", heldByOwnRules),
		Entry("of a database Pod", databasePod),
	)
})
