package progress

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"
)

func TestStepReportsTheTimeAndTheOutcome(t *testing.T) {
	failure := errors.New("full disk")
	for name, test := range map[string]struct {
		inPlace bool
		err     error
		want    string
	}{
		"log":                 {want: "etcd: started\netcd: done in 3s\n"},
		"log of a failure":    {err: failure, want: "etcd: started\netcd: failed after 3s\n"},
		"terminal":            {inPlace: true, want: "etcd: started<etcd: 1s<etcd: 2s<etcd: done in 3s\n"},
		"failure at terminal": {inPlace: true, err: failure, want: "etcd: started<etcd: 1s<etcd: 2s<etcd: failed after 3s\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := NewWithT(t)
				var out strings.Builder
				err := (&Reporter{w: &out, inPlace: test.inPlace}).Step("etcd", func() error {
					time.Sleep(2600 * time.Millisecond)
					return test.err
				})
				g.Expect(strings.ReplaceAll(out.String(), eraseLine, "<")).To(Equal(test.want))
				if test.err == nil {
					g.Expect(err).NotTo(HaveOccurred())
				} else {
					g.Expect(err).To(MatchError(test.err))
				}
			})
		})
	}
}
