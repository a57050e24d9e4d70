package kubeblocks

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// repeated returns a list of n equal elements.
func repeated(element string, n int) string {
	return "[" + strings.TrimSuffix(strings.Repeat(element+",", n), ",") + "]"
}

// numbered returns n members of an object with empty strings.
func numbered(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`"%d":""`, i)
	}
	return strings.Join(all, ",")
}

func TestSnapshotIsRefusedByItsLimits(t *testing.T) {
	const antiAffinity = `"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":`
	for name, c := range map[string]struct{ spec, problem string }{
		"constraints":        {`"schedulingPolicy":{"topologySpreadConstraints":` + repeated(`{}`, 1001) + `}`, "more than 1000 scheduling rules"},
		"1000 constraints":   {`"schedulingPolicy":{"topologySpreadConstraints":` + repeated(`{}`, 1000) + `}`, ""},
		"terms":              {`"schedulingPolicy":{` + antiAffinity + repeated(`{}`, 1001) + `}}}`, "more than 1000 scheduling rules"},
		"terms of templates": {`"componentSpecs":` + repeated(`{"schedulingPolicy":{`+antiAffinity+repeated(`{}`, 11)+`}}}}`, 100), "more than 1000 scheduling rules"},
		"components":         {`"componentSpecs":` + repeated(`{}`, 1001), "more than 1000 components and instances"},
		"instances":          {`"componentSpecs":` + repeated(`{"instances":`+repeated(`{}`, 100)+`}`, 10), "more than 1000 components and instances"},
		"shard templates":    {`"shardings":[{"shardTemplates":` + repeated(`{}`, 1000) + `}]`, "more than 1000 components and instances"},
		"depth":              {`"a":` + strings.Repeat(`[`, 80_000) + strings.Repeat(`]`, 80_000), "deeper than 64"},
		"values":             {`"componentSpecs":[{"labels":{` + numbered(10_000) + `}}]`, "more than 10000 values"},
		"merged labels": {`"componentSpecs":[{"labels":{` + numbered(5000) + `},"instances":` + repeated(`{"labels":{"a":"b"}}`, 900) + `}]`,
			"labels of instances"},
		"names": {`"componentSpecs":[{"name":"` + strings.Repeat("x", 254) + `"}]`, "a name in it is longer than 253 bytes"},
		"size":  {`"a":"` + strings.Repeat("x", 256<<10) + `"`, "the limit is 262144"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)

			_, err := SourceOfSnapshot([]byte(`{"metadata":{"name":"m"},"spec":{` + c.spec + `}}`))

			if c.problem == "" {
				g.Expect(err).NotTo(HaveOccurred())
			} else {
				g.Expect(err).To(MatchError(ContainSubstring(c.problem)))
			}
		})
	}
}

// Review: TestReviewHostileSnapshotMemory, TestReviewManyHostileBackups.
func TestSnapshotTakesLittleMemory(t *testing.T) {
	for name, spec := range map[string]string{
		"constraints":     `"schedulingPolicy":{"topologySpreadConstraints":` + repeated(`{}`, 86_000) + `}`,
		"owners":          `"owners":` + repeated(`{}`, 80_000),
		"deep":            `"a":` + strings.Repeat(`[`, 125_000) + strings.Repeat(`]`, 125_000),
		"labels":          `"componentSpecs":[{"labels":{` + numbered(9_900) + `}}]`,
		"instances":       `"componentSpecs":[{"labels":{` + numbered(15) + `},"instances":` + repeated(`{"labels":{"a":"b","c":"d"}}`, 500) + `}]`,
		"expressions":     `"schedulingPolicy":{"topologySpreadConstraints":[{"labelSelector":{"matchExpressions":` + repeated(`{}`, 9_900) + `}}]}`,
		"selector labels": `"schedulingPolicy":{"topologySpreadConstraints":` + repeated(`{"labelSelector":{"matchLabels":{"a":"b","c":"d","e":"f"}}}`, 1000) + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			snapshot := []byte(`{"metadata":{"name":"m","ownerReferences":` + repeated(`{}`, 10) + `},"spec":{` + spec + `}}`)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := SourceOfSnapshot(snapshot)
			runtime.ReadMemStats(&after)
			const limit = 5 << 20
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > limit {
				t.Errorf("%d KiB for a snapshot of %d KiB, error %v", allocated>>10, len(snapshot)>>10, err)
			} else {
				t.Logf("%d KiB for a snapshot of %d KiB, error %v", allocated>>10, len(snapshot)>>10, err)
			}
		})
	}
}

func TestSnapshotsAreLimitedTogether(t *testing.T) {
	g := NewWithT(t)
	snapshot := `{"spec":{"schedulingPolicy":{"topologySpreadConstraints":` + repeated(`{}`, 1000) + `}}}`
	var all Snapshots
	for range 4 {
		_, err := all.SourceOf(backup(snapshot))
		g.Expect(err).NotTo(HaveOccurred())
	}
	_, err := all.SourceOf(backup(snapshot))
	g.Expect(err).To(MatchError(ErrBadSnapshot))
	g.Expect(err).To(MatchError(ContainSubstring("together")))
}

func TestSnapshotsThatAreRefusedCountToo(t *testing.T) {
	g := NewWithT(t)
	var all Snapshots
	for range 4 {
		_, err := all.SourceOf(backup(repeated("0", 120_000)))
		g.Expect(err).NotTo(MatchError(ErrExhausted))
	}
	_, err := all.SourceOf(backup(repeated("0", 120_000)))
	g.Expect(err).To(MatchError(ErrExhausted))
}
