package rewrite

import (
	"testing"

	. "github.com/onsi/gomega"
)

const (
	first = `goos: linux
BenchmarkRewrite/4KiB-2      	    9000	    120000 ns/op	  32.00 MB/s	   25000 B/op	     335 allocs/op
BenchmarkRewrite/250KiB-2    	     200	   6000000 ns/op	  40.00 MB/s	 1600000 B/op	   21000 allocs/op
BenchmarkDecode/4KiB-2       	   14000	     80000 ns/op	  50.00 MB/s	   30000 B/op	     506 allocs/op
BenchmarkDecode/250KiB-2     	     250	   5000000 ns/op	  50.00 MB/s	 2000000 B/op	   35000 allocs/op
PASS
`
	second = `BenchmarkRewrite/4KiB-2      	    9000	    140000 ns/op	  32.00 MB/s	   25000 B/op	     335 allocs/op
`
)

func TestRowsAreMediansOfTheResults(t *testing.T) {
	g := NewWithT(t)
	measured := results{}
	for _, out := range []string{first, second} {
		g.Expect(measured.read([]byte(out))).To(Succeed())
	}

	g.Expect(measured.snapshots()).To(Equal([]string{"4KiB", "250KiB"}))
	time, ok := measured.median(rewriteBenchmark, "4KiB", "ns/op")
	g.Expect(ok).To(BeTrue())
	g.Expect(time).To(BeNumerically("~", 130_000, 1))
	_, ok = measured.median(decodeBenchmark, "4KiB", "ops")
	g.Expect(ok).To(BeFalse())

	rows, err := rows(measured)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(rows).To(HaveLen(len(measured.snapshots()) * len(figures)))
	g.Expect(rows[0].What).To(Equal("snapshot of 4 KiB: time"))
	g.Expect(rows[0].Ratio()).To(BeNumerically("~", 130.0/80, 0.01))
}
