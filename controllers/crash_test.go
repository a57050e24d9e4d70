package controllers_test

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/util/sets"

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// recording is a run without faults: its calls, and the state at its end.
type recording struct {
	made []string
	end  string
}

// run runs a scenario on a real API server, without faults.
func (s scenario) run() recording {
	GinkgoHelper()
	t := s.setUp()
	defer t.clean()
	return s.record(t)
}

func (s scenario) record(t *faultRun) recording {
	GinkgoHelper()
	t.converge()
	t.keeps()
	s.cured(t)
	return recording{t.calls.made, t.state()}
}

func (s scenario) setUp() *faultRun {
	GinkgoHelper()
	t := newFaultRun(s.generation())
	s.prepare(t)
	return t
}

func (s scenario) setUpInMemory() *faultRun {
	GinkgoHelper()
	t, _ := newMemoryRun(s.generation())
	s.prepare(t)
	return t
}

// prepare creates the objects of a scenario, and starts a process with its configuration.
func (s scenario) prepare(t *faultRun) {
	GinkgoHelper()
	s.begin(t)
	t.start()
	t.calls.made = nil
}

// runWith runs a scenario in memory with faults, and expects it to end as if there had been none.
func (s scenario) runWith(undisturbed recording, name string, choose func(c *calls) *fault) {
	GinkgoHelper()
	t := s.setUpInMemory()
	t.calls.fault = func() *fault { return choose(t.calls) }
	t.converge()
	t.keeps()
	Expect(t.state()).To(Equal(undisturbed.end), "after %s", name)
	s.cured(t)
}

var _ = Describe("A remediation", Label("harness"), func() {
	DescribeTable("makes the same calls on an API server in memory, and ends in the same state", func(s scenario) {
		onServer := s.run()

		inMemory := s.record(s.setUpInMemory())

		Expect(inMemory.made).To(Equal(onServer.made))
		Expect(inMemory.end).To(Equal(onServer.end))
	}, everyScenario)

	DescribeTable("ends in the same state wherever the process dies, and when reads are refused", func(s scenario) {
		undisturbed := s.record(s.setUpInMemory())
		for i, call := range undisturbed.made {
			died := false
			s.runWith(undisturbed, fmt.Sprintf("a crash after call %d, %s", i+1, call), func(c *calls) *fault {
				if len(c.made) != i+1 {
					return nil
				}
				died = true
				return &diesAfter
			})
			Expect(died).To(BeTrue())
		}

		refusals := 0
		s.runWith(undisturbed, "refused reads", refuseReads(&refusals))
		Expect(refusals).To(BeNumerically(">=", 10))
		showf("faults in memory", "%d crashes, %d reads refused", len(undisturbed.made), refusals)
	}, everyScenario)

	// On a real API server, the UIDs of the two Restores decide which gets which node.
	It("ends in the same state when the process dies before or after a write of several", func() {
		undisturbed := twoComponents.record(twoComponents.setUpInMemory())
		first := nthOf(undisturbed.made, "delete Restore", 1)
		Expect(lastBefore(undisturbed.made, "get Cluster", nthOf(undisturbed.made, "delete Restore", 2))).To(BeNumerically("<", first), "one reconcile deletes both")

		for _, number := range writesOf(undisturbed.made) {
			for _, death := range []fault{diesBefore, diesAfter} {
				t := twoComponents.setUpInMemory()
				t.calls.fault = func() *fault {
					if len(t.calls.made) != number {
						return nil
					}
					return &death
				}
				t.converge()
				Expect(t.state()).To(Equal(undisturbed.end), "%s: call %d, %s", death.name, number, undisturbed.made[number-1])
				twoComponents.cured(t)
			}
		}
	})
})

// everyScenario has an entry for each scenario.
var everyScenario = []TableEntry{
	Entry("of a Restore with all Jobs stuck", wholeRestore),
	Entry("of a Restore that has started in part", halfRestore),
	Entry("of a Restore held by its own rules", heldByOwnRules),
	Entry("of a database Pod", databasePod),
	Entry("of a Restore with all Jobs stuck, beside KubeBlocks 1.1", wholeRestore.beside(rehometesting.V11)),
	Entry("of a database Pod, beside KubeBlocks 1.1", databasePod.beside(rehometesting.V11)),
}

func (s scenario) beside(generation func() rehometesting.Generation) scenario {
	s.generation = generation
	return s
}

// refuseReads refuses each read between two writes once. A read that is refused before a write changes nothing, so the next
// reconcile makes the same calls.
func refuseReads(count *int) func(c *calls) *fault {
	refused := sets.New[string]()
	return func(c *calls) *fault {
		what := c.made[len(c.made)-1]
		id := fmt.Sprint(what, " after ", len(writesOf(c.made)), " writes")
		if isWrite(what) || refused.Has(id) {
			return nil
		}
		refused.Insert(id)
		*count++
		return &refused500
	}
}

// showf shows numbers whatever the verbosity.
func showf(name, format string, args ...any) {
	AddReportEntry(name, ReportEntryVisibilityAlways, fmt.Sprintf(format, args...))
}
