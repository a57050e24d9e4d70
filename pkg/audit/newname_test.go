package audit

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"pgregory.net/rapid"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

func TestANewNameIsTheFirstThatASnapshotDoesNotHave(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.SampledFrom([]string{NewName, NewName, "0", "1", "2", "3", "12", "99999999999999999999", " ", "rest"})).Draw(t, "words")
		snapshot := strings.Join(words, "")
		source := rapid.SampledFrom([]string{"my1", NewName, NewName + "1", NewName + "2"}).Draw(t, "source")
		want := NewName
		for i := 1; strings.Contains(snapshot, want) || want == source; i++ {
			want = NewName + strconv.Itoa(i)
		}

		NewWithT(t).Expect(newName(snapshot, source)).To(Equal(want))
	})
}

// TestATextFullOfNewNamesIsReadOnce has a text four times as large as a snapshot, in which each name would be searched from the beginning.
func TestATextFullOfNewNamesIsReadOnce(t *testing.T) {
	g := NewWithT(t)
	const all = 90_000
	var names strings.Builder
	for i := range all {
		fmt.Fprintf(&names, "%s%d", NewName, all-i)
	}
	g.Expect(names.Len()).To(BeNumerically(">", 4*kubeblocks.MaxSnapshot))
	began := time.Now()

	g.Expect(newName(names.String(), "my1")).To(Equal(NewName + strconv.Itoa(all+1)))

	g.Expect(time.Since(began)).To(BeNumerically("<", 10*time.Second), "even on a busy machine")
}

func TestATextWithoutNewNamesNeedsNoMemory(t *testing.T) {
	NewWithT(t).Expect(takenNumbers(strings.Repeat("my1 ", 1000))).To(HaveExactElements(false, false))
}
