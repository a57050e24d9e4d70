package remedy

import (
	"fmt"
	"runtime"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// A tenant's Cluster can have thousands of rules, and as many edits, Restores and waiting Pods. What a decision costs is their sum.
func TestManyKeptRulesAreDescribedOnce(t *testing.T) {
	g := NewWithT(t)
	o := shards(1000)
	for i := range 4000 {
		path := fmt.Sprintf("/spec/componentSpecs/%d/schedulingPolicy/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/", i)
		e := edit(fmt.Sprintf("shard%d", i%1000))
		e.Path = path + "0/labelSelector"
		o.Live.Edits = append(o.Live.Edits, e)
		o.Live.Findings = append(o.Live.Findings,
			rewrite.Finding{Class: rewrite.ThirdParty, Path: path + "0", Rule: fmt.Sprint("edited ", i)},
			rewrite.Finding{Class: rewrite.ThirdParty, Path: path + "1", Rule: fmt.Sprint("kept ", i)})
		o.Inherited = append(o.Inherited, rewrite.Finding{Class: rewrite.SourceIdentity, Rule: fmt.Sprint("inherited ", i)})
	}
	for i := range o.Restores {
		r := &o.Restores[i]
		r.Pods = []Pod{{Name: "pod", Unschedulable: "3 node(s) didn't match pod anti-affinity rules, 2 node(s) didn't satisfy existing pods anti-affinity rules."}}
		o.Unschedulable = append(o.Unschedulable, r.Component)
		o.Awaited = append(o.Awaited, Awaited{Component: r.Component, Exists: true, Text: "the scheduler has yet to decide on a Pod"})
	}

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	plan := Decide(o)
	runtime.ReadMemStats(&after)

	message := plan.Restores[o.Restores[999].UID].PodsScheduled.Message
	g.Expect(message).To(And(ContainSubstring("kept 0"), ContainSubstring("and 3995 more"), Not(ContainSubstring("edited"))))
	g.Expect((after.TotalAlloc-before.TotalAlloc)>>20).To(BeNumerically("<", 64), "MiB")
}
